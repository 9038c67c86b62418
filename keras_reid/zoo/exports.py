"""How far each exported file is from the model it was made of."""

import tempfile
from pathlib import Path
from typing import Any


def measure_exports(model) -> list[dict[str, Any]]:
    """Export `model` to every format into a folder that is removed again, and say what each export reported.

    The pictures compared are the bundled people's.

    Args:
        model: A `ReIDModel`.

    Returns:
        One dict an export: "format", e.g. "tflite int8"; "size" in bytes; "cosine", the lowest to the model's
        embeddings; "difference", the largest in any number of an embedding; "pictures", how many were compared.

    Raises:
        ReIDError: an export differs too much, or what it needs is not installed.
    """
    from keras_reid.export import to_onnx, to_saved_model, to_tflite

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reports = [
            to_saved_model(model, folder / "saved_model"),
            to_tflite(model, folder / "float32.tflite"),
            to_tflite(model, folder / "float16.tflite", quantize="float16"),
            to_tflite(model, folder / "int8.tflite", quantize="int8"),
            to_onnx(model, folder / "model.onnx"),
        ]
    return [
        {
            "format": f"{report.format} {report.quantize or 'float32'}",
            "size": report.size,
            "cosine": report.lowest_cosine,
            "difference": report.largest_difference,
            "pictures": report.pictures,
        }
        for report in reports
    ]

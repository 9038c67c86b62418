"""How far each exported file is from the model it was made of."""

import tempfile
from pathlib import Path
from typing import Any


def measure_exports(model) -> list[dict[str, Any]]:
    """As `write_exports`, into a folder that is removed again."""
    with tempfile.TemporaryDirectory() as folder:
        return write_exports(model, Path(folder))


def write_exports(model, folder: Path) -> list[dict[str, Any]]:
    """Export `model` to every format, and say what each export reported.

    The pictures compared are the bundled people's; so are those that the int8 file is calibrated on.

    Args:
        model: A `ReIDModel`.
        folder: Gets "saved_model", "float32.tflite", "float16.tflite", "int8.tflite" and "model.onnx".

    Returns:
        One dict an export: "format", e.g. "tflite int8"; "size" in bytes; "cosine", the lowest to the model's
        embeddings; "difference", the largest in any number of an embedding; "pictures", how many were compared.

    Raises:
        ReIDError: an export differs too much, or what it needs is not installed.
    """
    from keras_reid.export import to_onnx, to_saved_model, to_tflite

    onnx = to_onnx(model, folder / "model.onnx")  # first, since it alone needs what may be missing
    reports = [
        to_saved_model(model, folder / "saved_model"),
        to_tflite(model, folder / "float32.tflite"),
        to_tflite(model, folder / "float16.tflite", quantize="float16"),
        to_tflite(model, folder / "int8.tflite", quantize="int8"),
        onnx,
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

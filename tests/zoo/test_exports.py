"""What every export reports, in a row each. The exports themselves have tests of their own."""

from pathlib import Path

import pytest

from keras_reid import ReIDError, export
from keras_reid.zoo.exports import measure_exports


@pytest.fixture
def exported(monkeypatch):
    """Exports that write a few bytes and report them; the list of what was asked for."""
    asked = []

    def to(format):
        def write(model, path, quantize=None):
            asked.append((model, path))
            Path(path).write_bytes(bytes(len(asked)))
            difference = 0.001 * len(asked)
            return export.Report(format, quantize, path, len(asked), {}, difference, 1 - difference, 96, 1)

        return write

    for format in ("saved_model", "tflite", "onnx"):
        monkeypatch.setattr(export, f"to_{format}", to(format))
    return asked


def test_a_row_for_every_format(exported):
    rows = measure_exports("model")
    formats = ["saved_model float32", "tflite float32", "tflite float16", "tflite int8", "onnx float32"]
    assert [row["format"] for row in rows] == formats
    assert rows[3] == {"format": "tflite int8", "size": 5, "cosine": 0.995, "difference": 0.005, "pictures": 96}
    assert [model for model, _ in exported] == ["model"] * 5
    assert len({path for _, path in exported}) == 5
    assert not any(path.parent.exists() for _, path in exported)


def test_an_export_that_fails_leaves_nothing(exported, monkeypatch):
    def fail(model, path):
        raise ReIDError("differs too much")

    monkeypatch.setattr(export, "to_onnx", fail)
    with pytest.raises(ReIDError, match="differs too much"):
        measure_exports("model")
    assert not any(path.parent.exists() for _, path in exported)

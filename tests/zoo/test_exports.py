"""What every export reports, in a row each."""

import pytest

from keras_reid import networks
from keras_reid.zoo.exports import measure_exports


@pytest.mark.slow
def test_every_format_is_measured(tiny):
    pytest.importorskip("tf2onnx")
    rows = measure_exports(networks.create("tiny", input_shape=(32, 16, 3)))
    formats = ["saved_model float32", "tflite float32", "tflite float16", "tflite int8", "onnx float32"]
    assert [row["format"] for row in rows] == formats
    for row in rows:
        assert row["size"] > 500
        assert row["pictures"] == 96
        assert row["cosine"] >= (0.99 if "int8" in row["format"] else 0.9999)
        assert 0 <= row["difference"] < 0.1

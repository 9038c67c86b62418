"""Retrieval of an exported file beside its model, on the bundled people."""

import pytest

from keras_reid import export
from keras_reid.data import load
from keras_reid.zoo.int8_retrieval import measure_int8


def test_the_file_beside_the_model(trained, tmp_path):
    people = load("people")
    file = tmp_path / "int8.tflite"
    export.to_tflite(trained[0], file, quantize="int8", min_cosine=-1)
    row = measure_int8("tiny", trained[0], file, people)
    (_, alone) = export.compare_retrieval(trained[0], [file], people)
    expected = trained[0].evaluate_retrieval(people)
    for name in ("rank1", "mAP"):
        assert row[f"model_{name}"] == pytest.approx(expected[name], abs=6e-5)
        assert row[f"int8_{name}"] == pytest.approx(alone[name], abs=6e-5)
    assert row["model_mAP"] != row["int8_mAP"]
    for name in ("same_person", "same_picture"):
        assert row[name] == pytest.approx(alone[name], abs=6e-5)
    assert row["data"] == "people"
    assert row["command"] == (
        "keras-reid export tiny --quantize int8 && keras-reid evaluate --data people --model tiny "
        "--export tiny_int8.tflite"
    )

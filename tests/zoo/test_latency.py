"""The latency of small LiteRT files, by the benchmark of `tflite/`."""

import shutil

import pytest
from tiny_network import Tiny

from keras_reid import ReIDError, export
from keras_reid.zoo.latency import FORMATS, measure_latency


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    export.to_tflite(Tiny(name="tiny"), folder / "float32.tflite")
    for name in FORMATS[1:]:
        shutil.copy(folder / "float32.tflite", folder / f"{name}.tflite")
    return folder


def test_files_beside_each_other(folder):
    rows = measure_latency(folder)
    assert [row["format"] for row in rows] == ["float32", "float16", "int8"]
    assert rows[0]["ratio"] == 1.0
    assert len({row["processor"] for row in rows}) == 1
    for row in rows:
        assert row["milliseconds"] >= 0
        assert row["ratio"] > 0
        assert row["processor"]


def test_a_missing_file(folder, tmp_path):
    shutil.copy(folder / "float32.tflite", tmp_path)
    shutil.copy(folder / "int8.tflite", tmp_path)
    with pytest.raises(ReIDError) as caught:
        measure_latency(tmp_path)
    assert str(caught.value) == (
        "The latency of the exported files could not be measured: benchmark.py: error: no such file: "
        f"{tmp_path / 'float16.tflite'}"
    )

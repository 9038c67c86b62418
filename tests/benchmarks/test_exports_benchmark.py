"""Which weights a network is exported with, the times of its files, and the table."""

import importlib.util
import shutil
from pathlib import Path

import keras
import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "exports.py"
specification = importlib.util.spec_from_file_location("exports_benchmark", PATH)
exports = importlib.util.module_from_spec(specification)
specification.loader.exec_module(exports)

SIZES = dict(zip(exports.FORMATS, (25_252_935, 11_798_366, 5_957_378, 3_309_755, 11_799_508), strict=True))


@pytest.fixture
def loaded(monkeypatch):
    """What `zoo.load` is asked for; instead of exports there are made-up reports."""
    asked = []
    model = keras.Sequential([keras.Input((160, 64, 3)), keras.layers.Flatten()])
    monkeypatch.setattr(exports.zoo, "load", lambda name, weights: asked.append((name, weights)) or model)
    reports = [{"format": kind, "cosine": 0.9999, "size": size} for kind, size in SIZES.items()]
    monkeypatch.setattr("keras_reid.zoo.exports.write_exports", lambda model, folder: reports)
    return asked


def test_weights(loaded, tmp_path):
    rows = [exports.exported(name, tmp_path, "resnet50.weights.h5") for name in ("han_small", "aanet", "bat_net")]
    assert loaded == [("han_small", "published"), ("aanet", "resnet50.weights.h5"), ("bat_net", None)]
    assert [row["weights"] for row in rows] == ["published", "backbone", None]
    exports.exported("aanet", tmp_path)
    assert loaded[-1] == ("aanet", None)


def test_table(loaded, tmp_path, monkeypatch, capsys):
    def timed(rows, folder):
        assert (folder / "aanet").is_dir()
        for row, time in zip(rows, (4.0, 50.0), strict=True):
            row["milliseconds"] = {"float32": time, "int8": time / 2}

    monkeypatch.setattr(exports, "timed", timed)
    assert exports.main(["han_large", "aanet"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "| network | input | cosine, saved_model | cosine, tflite | cosine, tflite float16 | cosine, tflite int8 | "
        "cosine, onnx | MB, LiteRT float32 | MB, int8 | ms, float32 | ms, int8 | × han_large |",
        "| --- | --- |" + " ---: |" * 10,
        "| `han_large` | 160×64 |" + " 0.999900 |" * 5 + " 11.8 | 3.3 | 4.0 | 2.0 | 1.0 |",
        "| `aanet` | 160×64 |" + " 0.999900 |" * 5 + " 11.8 | 3.3 | 50.0 | 25.0 | 12.5 |",
    ]


def test_what_is_kept_is_not_made_again(loaded, tmp_path, monkeypatch, capsys):
    def timed(rows, folder):
        for row in rows:
            row["milliseconds"] = dict.fromkeys(exports.TIMED, 1.0)

    monkeypatch.setattr(exports, "timed", timed)
    for _ in range(2):
        assert exports.main(["aanet", "--keep", str(tmp_path / "kept")]) == 0
    assert loaded == [("aanet", None)]
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["aanet"]
    table = capsys.readouterr().out.splitlines()
    assert table[:3] == table[3:]
    assert exports.main(["aanet", "--keep", str(tmp_path / "kept"), "--backbone", "resnet50.weights.h5"]) == 1
    assert "has exports of random weights, and backbone ones are asked for" in capsys.readouterr().err


def test_a_folder_of_others_stays_as_it_is(loaded, tmp_path, capsys):
    (tmp_path / "aanet").mkdir()
    (tmp_path / "aanet" / "mine.txt").write_text("mine")
    assert exports.main(["aanet", "--keep", str(tmp_path)]) == 1
    assert "without a report.json of an earlier run: keep them elsewhere" in capsys.readouterr().err
    assert (tmp_path / "aanet" / "mine.txt").read_text() == "mine"
    assert loaded == []


def test_a_network_that_is_not_there(capsys):
    assert exports.main(["resnet"]) == 1
    assert capsys.readouterr().err.startswith("There is no model 'resnet' in the zoo. Known: han_small, ")


def test_times_are_the_files(tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = keras.Sequential([keras.Input((8, 4, 3)), keras.layers.Conv2D(4, 3)])
    model.export(tmp_path / "saved", verbose=False)
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved")).convert()
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "float32.tflite").write_bytes(content)
    shutil.copy(tmp_path / "one" / "float32.tflite", tmp_path / "one" / "int8.tflite")
    rows = [{"network": "one"}]
    exports.timed(rows, tmp_path)
    assert 0 < rows[0]["milliseconds"]["float32"] < 100
    assert 0 < rows[0]["milliseconds"]["int8"] < 100

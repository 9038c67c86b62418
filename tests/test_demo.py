"""The demo's course on a few pictures and a small network; exports are replaced by ones that write nothing."""

import importlib.util
import json
import shutil
from pathlib import Path
from unittest import mock

import pytest
from keras import layers

import keras_reid.export
import keras_reid.zoo
from keras_reid import ReIDModel, demo
from keras_reid.data import load
from keras_reid.errors import ReIDError
from keras_reid.export import Report


class Small(ReIDModel):
    """One convolution, and where it looks."""

    def __init__(self, identities, input_shape):
        super().__init__({"input_shape": input_shape}, identities=identities, name="small")

    @staticmethod
    def graph(options, images):
        x = layers.Conv2D(16, 3, strides=4, activation="relu")(images)
        where = layers.Conv2D(1, 1, activation="sigmoid")(x)
        return {"global": layers.Dense(16)(layers.GlobalAveragePooling2D()(x * where))}, {"level1.spatial": where}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Four people to train on and four to find, a small network for pictures of 48×32, and exports that only report."""
    for split in load("people").splits.values():
        folder = tmp_path / "data" / split.name
        folder.mkdir(parents=True)
        people = sorted(set(split.identities))[:4]
        for path, identity in zip(split.paths, split.identities, strict=True):
            if identity in people:
                shutil.copy(path, folder)
    loaded = []

    def create(name, weights, **options):
        loaded.append((name, weights))
        return Small(**options)

    monkeypatch.setattr(keras_reid.zoo, "load", create)
    for name in ("to_saved_model", "to_tflite", "to_onnx"):

        def report(model, path, quantize=None, representative=None, name=name):
            kind = name.removeprefix("to_")
            return Report(
                kind, quantize, path, 0 if representative is None else len(representative), {}, 1e-6, 0.99999, 96, None
            )

        fake = mock.create_autospec(getattr(keras_reid.export, name), side_effect=report)
        monkeypatch.setattr(keras_reid.export, name, fake)
    small = {"input_shape": (48, 32, 3), "identities": 4, "images": 2, "epochs": 2, "queries_shown": 3}
    yield demo.Settings(data=f"ward:{tmp_path / 'data'}", **small)
    assert loaded == [("han_small", "published")]


@pytest.mark.slow
def test_the_demo_reports_what_it_did(settings, tmp_path, capsys):
    folder = tmp_path / "demo"
    result = demo.run(folder, settings)
    report = json.loads((folder / "report.json").read_text())
    assert report == json.loads(json.dumps(result))
    for moment in ("before", "after"):
        assert set(report[moment]) == {"rank1", "rank5", "rank10", "mAP", "mINP"}
    # Two epochs of training move the weights, and with them the figures of so small a network.
    assert report["before"] != report["after"]
    assert len(report["training"]["loss_by_epoch"]) == 2
    assert report["training"]["learning_rate"] == settings.learning_rate
    assert [(export["format"], export["quantize"], export["path"]) for export in report["exports"]] == [
        ("saved_model", None, str(folder / "han_small_saved_model")),
        ("tflite", None, str(folder / "han_small.tflite")),
        ("tflite", "float16", str(folder / "han_small_float16.tflite")),
        ("tflite", "int8", str(folder / "han_small_int8.tflite")),
        ("onnx", None, str(folder / "han_small.onnx")),
    ]
    assert report["exports"][3]["size"] == 20  # every second training picture, as representative ones
    assert all(export["lowest_cosine"] == 0.99999 for export in report["exports"])
    assert report["data"]["splits"][1]["images"] == 12
    assert len(report["seconds"]) == 10
    for name in ("matches", "attention"):
        assert Path(report["pictures"][name]).read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in folder.iterdir()) == ["attention.png", "matches.png", "report.json"]

    said = capsys.readouterr()
    assert "Measure before: 12 queries in a gallery of" in said.err
    demo._say_where(folder, result)
    said = capsys.readouterr().out
    assert str(folder.resolve()) in said
    assert "han_small_int8.tflite" in said
    assert "rank-1" in said


def test_a_failing_step_keeps_the_old_report_and_says_why(tmp_path, monkeypatch, capsys):
    def broken(name, weights, **options):
        raise ReIDError("The weights are damaged.")

    monkeypatch.setattr(keras_reid.zoo, "load", broken)
    (tmp_path / "report.json").write_text("old")
    with pytest.raises(SystemExit) as ended:
        demo.main([str(tmp_path)])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert (said.out, said.err.splitlines()[-1]) == ("", "Error: The weights are damaged.")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.json", "old")]


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(keras_reid.zoo, "load", None)  # it does not get so far
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(SystemExit) as ended:
        demo.main([str(tmp_path / "demo")])
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"Error: [Errno 17] File exists: '{tmp_path / 'demo'}'\n"
    assert (tmp_path / "demo").read_text() == "mine"


def test_the_demo_asks_for_onnx_before_it_begins(tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else find(name))
    with pytest.raises(SystemExit) as ended:
        demo.main([str(tmp_path / "demo")])
    assert ended.value.code == 1
    message = "Error: The demo exports to ONNX, too, and misses tf2onnx: pip install 'keras-reid[onnx]'."
    assert capsys.readouterr().err.splitlines()[-1] == message
    assert not (tmp_path / "demo").exists()


def test_the_demo_uses_what_is_published_and_bundled():
    settings = demo.Settings()
    assert (settings.model, settings.weights, settings.data) == ("han_small", "published", "people")

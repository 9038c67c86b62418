"""The commands that call one thing of the package each."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest


def test_data_info(run):
    status, out, _ = run("data", "info", "people", "--json")
    assert status == 0
    assert json.loads(out)["splits"][0] == {"split": "train", "images": 480, "identities": 48, "cameras": 119}
    assert "480" in run("data", "info", "people")[1]


def test_data_copy(run, tmp_path):
    folder = tmp_path / "people"
    status, out, _ = run("data", "copy", folder, "--json")
    assert (status, json.loads(out)) == (0, {"folder": str(folder), "pictures": 864})
    assert [len(list((folder / split).iterdir())) for split in ("train", "query", "gallery")] == [480, 96, 288]
    assert list(tmp_path.iterdir()) == [folder]
    message = f"Error: '{folder}' exists already: give the name of a folder that does not.\n"
    assert run("data", "copy", folder) == (1, "", message)


def test_embed_writes_paths_and_vectors(run, people, zoo, network):
    status, out, _ = run("embed", "query", "gallery", "--output", "out/vectors.npz", "--weights", "none", "--json")
    assert (status, zoo) == (0, [("han_small", None)])
    expected = {"model": "han_small", "output": "out/vectors.npz", "pictures": 15, "length": 1024, "skipped": []}
    assert json.loads(out) == expected
    with np.load("out/vectors.npz") as file:
        assert str(file["model"]) == "han_small"
        assert [Path(path).parent.name for path in file["paths"]] == ["query"] * 3 + ["gallery"] * 12
        np.testing.assert_allclose(file["vectors"], network.embed([str(p) for p in file["paths"]]), atol=1e-5)
    assert [path.name for path in (people / "out").iterdir()] == ["vectors.npz"]


def test_embed_leaves_nothing_behind_when_it_fails(run, people, zoo, monkeypatch):
    (people / "query" / "x.jpg").write_text("no picture")
    status, out, err = run("embed", "query", "--output", "vectors.npz")
    assert (status, out) == (1, "")
    assert "Error: Image 'query/x.jpg' is not a picture in a known format" in err
    assert not list(people.glob("*.npz"))

    def half(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", half)
    status, out, err = run("embed", "gallery", "--output", "vectors.npz")
    assert (status, out) == (1, "")
    assert err.endswith("Error: No space left on device\n")
    assert {path.name for path in people.iterdir()} == {"query", "gallery"}


def test_pictures_are_found_behind_links(tmp_path):
    """Each once, however many links lead there, and what is no file is none."""
    from keras_reid.cli.crops import find_pictures

    places = tmp_path / "gallery", tmp_path / "elsewhere" / "cam2"
    for place in places:
        place.mkdir(parents=True)
        (place / "a.jpg").write_bytes(b"")
    (places[0] / "cam2").symlink_to(places[1])
    (places[1] / "round").symlink_to(places[0])
    (places[0] / "folder.jpg").mkdir()
    (places[0] / ".hidden").mkdir()
    (places[0] / ".hidden" / "b.jpg").write_bytes(b"")
    assert find_pictures([places[0]]) == [str(places[0] / "a.jpg"), str(places[0] / "cam2" / "a.jpg")]


def test_a_folder_that_may_not_be_read_is_an_error(people, monkeypatch):
    from keras_reid.cli.crops import find_pictures

    scandir = os.scandir

    def refusing(place):
        if Path(place).name == "cam2":
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    Path("gallery", "cam2").mkdir()
    monkeypatch.setattr("os.scandir", refusing)
    with pytest.raises(PermissionError, match="cam2"):
        find_pictures([Path("gallery")])


def test_a_time_of_day_is_no_identity():
    from keras_reid.cli.crops import cameras_by_name, identities_and_cameras

    assert identities_and_cameras(["20240131123456123456_c1.jpg"]) is None
    assert identities_and_cameras(["20240131_c1_0017.jpg"]) is None
    assert cameras_by_name(["20240131123456123456_c1.jpg", "0007_c2.jpg", "c3.jpg"]) == [1, 2, -1]


def test_explanations_are_drawn_by_the_same_command(run, people, zoo):
    command = ("attention", "query", "--picture", "why.png", "--rows", 1, "--show", "grad-cam")
    status, _, _ = run(*command, "--like", "query")
    assert status == 1  # a folder is no picture
    status, _, _ = run(*command, "--json")
    assert status == 0
    assert (people / "why.png").read_bytes().startswith(b"\x89PNG")
    status, _, error = run("attention", "query", "--picture", "why.png", "--like", "query")
    assert status == 2
    assert "--like" in error


def test_attention_draws(run, people, zoo):
    status, out, _ = run("attention", "query", "--picture", "attention.png", "--rows", 2, "--json")
    assert (status, len(json.loads(out)["pictures"])) == (0, 2)
    assert (people / "attention.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_prints_the_model_s_figures(run, people, zoo, network):
    from keras_reid.data import load

    (people / "train").mkdir()
    shutil.copy(next((people / "query").iterdir()), "train")
    status, out, _ = run("evaluate", "--data", "ward:.", "--model", "han_large", "--rerank", "--json")
    assert (status, zoo) == (0, [("han_large", "published")])
    figures = network.evaluate_retrieval(load("ward", "."), rerank=True)
    expected = {"data": "ward:.", "model": "han_large", "rerank": True, "flip": False, "queries": 3, "gallery": 12}
    assert json.loads(out) == {**expected, **figures, "protocol": "standard"}
    assert "rank-1" in run("evaluate", "--data", "ward:.")[1]


def test_evaluate_measures_exports_beside_the_model(run, people, zoo, network, monkeypatch):
    import keras_reid.export

    def compare(model, exports, data, batch_size, progress):
        assert (model, len(data.query), batch_size, progress) == (network, 3, 64, True)
        names = [network.name, *map(str, exports)]
        return [
            {"model": name, "rank1": 0.75, "same_person": 1, "same_picture": 1 - index / 8}
            for index, name in enumerate(names)
        ]

    monkeypatch.setattr(keras_reid.export, "compare_retrieval", compare)
    (people / "train").mkdir()
    shutil.copy(next((people / "query").iterdir()), "train")
    arguments = ("evaluate", "--data", "ward:.", "--export", "a.onnx", "--export", "b.tflite")
    status, out, _ = run(*arguments, "--json")
    shown = json.loads(out)
    assert (status, shown["model"], shown["rank1"], shown["same_picture"]) == (0, "han_small", 0.75, 1)
    assert [(row["model"], row["same_picture"]) for row in shown["exports"]] == [("a.onnx", 0.875), ("b.tflite", 0.75)]
    table = run(*arguments)[1]
    assert [word in table for word in ("same picture", "a.onnx", "b.tflite", "0.875")] == [True] * 4
    status, out, err = run(*arguments, "--rerank")
    assert (status, out) == (2, "")
    assert "goes without --rerank and --flip" in err


def test_train_calls_the_package(run, monkeypatch):
    import keras_reid.training

    called = []

    def train(recipe, data, output, **arguments):
        called.append((recipe.name, data, str(output), arguments))
        figures = {"loss": 0.5, "rank1": 0.75, "mAP": 0.25}
        return {"figures": figures, "data": {"name": "market1501"}, "weights": "w.weights.h5", "devices": 4}

    monkeypatch.setattr(keras_reid.training, "run", train)
    line = "train --recipe han_large --data market1501:/data/Market-1501 --devices 4"
    usual = {"devices": 1, "epochs": None, "resume": True, "deterministic": True, "tensorboard": False, "verbose": 2}
    status, out, _ = run(*line.split(), "--json")
    assert (status, json.loads(out)["figures"]["mAP"], json.loads(out)["folder"]) == (0, 0.25, "runs/han_large")
    assert called == [("han_large", "market1501:/data/Market-1501", "runs/han_large", {**usual, "devices": 4})]
    status, out, _ = run(
        "train", "--recipe", "han_small", "--miniature", "-o", "here", "--epochs", 3, "--restart", "--fast"
    )
    changed = {**usual, "epochs": 3, "resume": False, "deterministic": False}
    assert (status, called[1:]) == (0, [("han_small_miniature", None, "here", changed)])
    assert "Weights: here/w.weights.h5" in out
    assert "0.750" in out


def test_train_in_another_precision_or_from_other_weights(run, monkeypatch):
    import keras_reid.training

    called = []

    def train(recipe, *_, **__):
        called.append((recipe.precision, recipe.weights))
        return {"figures": {}, "data": {"name": "people"}, "weights": "w.weights.h5"}

    monkeypatch.setattr(keras_reid.training, "run", train)
    own = ("--weights", "mine.weights.h5")
    for options in ((), ("--precision", "mixed_bfloat16"), own, (*own, "--miniature")):
        assert run("train", "--recipe", "han_small", *options)[0] == 0
    kept = ("float32", "mine.weights.h5")
    assert called == [("float32", None), ("mixed_bfloat16", None), kept, kept]


def test_train_by_an_unknown_recipe(run):
    status, out, err = run("train", "--recipe", "han_smal")
    assert (status, out) == (1, "")
    assert err.startswith("Error: There is no recipe 'han_smal'. Did you mean 'han_small'? Known: ")


@pytest.mark.parametrize(
    ("line", "function", "expected"),
    [
        ("--format saved_model", "to_saved_model", ("han_small_saved_model", {})),
        ("--format onnx -o a.onnx --batch-size 4", "to_onnx", ("a.onnx", {"batch_size": 4})),
        ("", "to_tflite", ("han_small.tflite", {})),
        ("--batch-size 0", "to_tflite", ("han_small.tflite", {"batch_size": None})),
        ("--quantize float16", "to_tflite", ("han_small_float16.tflite", {"quantize": "float16"})),
        (
            "--format tflite --quantize int8 --representative query/ --int8-output",
            "to_tflite",
            ("han_small_int8.tflite", {"quantize": "int8", "output": "int8", "representative": 3}),
        ),
    ],
)
def test_export_calls_the_package(run, people, zoo, network, monkeypatch, line, function, expected):
    import keras_reid.export

    called = []

    def write(model, path, **arguments):
        print("chatter of a library")
        if "representative" in arguments:
            arguments["representative"] = len(arguments["representative"])
        called.append((str(path), arguments))
        return keras_reid.export.Report("tflite", None, path, 12, {"CONV_2D": 3}, 1e-6, 0.999999, 96, None)

    assert function in vars(keras_reid.export)
    monkeypatch.setattr(keras_reid.export, function, write)
    status, out, err = run("export", "han_small", *line.split(), "--json")
    assert (status, called) == (0, [expected])
    report = json.loads(out)
    assert (report["model"], report["lowest_cosine"], report["path"]) == ("han_small", 0.999999, expected[0])
    assert "chatter of a library" in err
    status, out, _ = run("export", "han_small", *line.split())
    assert (status, "0.999999" in out, "CONV_2D 3" in out) == (0, True, True)


@pytest.mark.parametrize(("within", "status"), [(True, 0), (None, 0), (False, 1)])
def test_fidelity_fails_beyond_a_tolerance(run, monkeypatch, within, status):
    import keras_reid.fidelity

    row = keras_reid.fidelity.Row(
        network="han_small", block="", quantity="FLOPs", paper=3.68e8, source="Table 1", ours=368_000_001,
        deviation=1.5, tolerance=None if within is None else 1.0, unit=None, within=within,
    )  # fmt: skip
    monkeypatch.setattr(keras_reid.fidelity, "table", lambda: [row])
    code, out, err = run("fidelity", "--json")
    assert code == status
    assert [(found["ours"], found["within"]) for found in json.loads(out)] == [(368_000_001, within)]
    message = "Error: at least one figure is further from the paper's than its tolerance.\n"
    assert err == (message if status else "")
    assert "han_small" in run("fidelity")[1]


def test_embed_into_a_folder(run, people, zoo):
    status, _, err = run("embed", "query", "--output", "gallery")
    assert (status, zoo) == (2, [])  # before anything is loaded
    assert "is a directory" in err

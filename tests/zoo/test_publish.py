"""Publishing: the file, its entry and its card, measured and in place; nothing half-done when it fails."""

import dataclasses
import importlib.util

import numpy as np
import pytest
from PIL import Image

import keras_reid
from keras_reid import ReIDError, networks, zoo
from keras_reid.data.table import ReIDData, Split
from keras_reid.zoo import publishing
from keras_reid.zoo.checksum import sha256_of
from keras_reid.zoo.manifest import Manifest

WHAT = {"command": "keras-reid train --recipe tiny --data people", "trained_on": "48 rendered people"}
HOW = {"recipe": "tiny", **WHAT}


@pytest.fixture(scope="module")
def script(request):
    path = request.config.rootpath / "zoo" / "publish.py"
    specification = importlib.util.spec_from_file_location("publish", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def people(monkeypatch):
    """A quarter of the bundled people, so that a test takes no longer than it must."""
    whole = keras_reid.data.load("people")
    cut = [Split(s.paths[::4], s.identities[::4], s.cameras[::4], name=s.name) for s in (whole.query, whole.gallery)]
    small = ReIDData(name="people", root=whole.root, train=whole.train, query=cut[0], gallery=cut[1])
    real = keras_reid.data.load
    monkeypatch.setattr(keras_reid.data, "load", lambda spec: small if spec == "people" else real(spec))
    return small


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_published_file_loads_and_is_what_the_entry_says(zoo_folder, trained, people, images):
    entry = publishing.publish("tiny", trained[0], exports=False, zoo=zoo_folder, **HOW)
    path = zoo_folder / "weights" / "tiny.weights.h5"
    assert (entry.size, entry.sha256) == (path.stat().st_size, sha256_of(path))
    assert entry.precision == "float16"
    assert (entry.image_size, entry.embedding_size, entry.parameters) == ([16, 8], 6, 166)
    assert Manifest.read().entries == {"tiny": entry}
    assert (zoo_folder / "cards" / "tiny.md").read_text() == zoo.card(entry)
    model = zoo.load("tiny")
    assert np.sum(model.embed(images) * trained[0].embed(images), axis=1).min() >= 0.9999
    (figures,) = entry.figures
    for key, value in model.evaluate_retrieval(people).items():
        assert figures[key] == pytest.approx(value, abs=6e-5)
    assert figures["command"] == "keras-reid evaluate --data people --model tiny"
    assert (figures["queries"], figures["gallery"]) == (len(people.query), len(people.gallery))
    for threshold, rate in zip(entry.thresholds, (1e-2, 1e-3), strict=True):
        assert threshold["false_match_rate"] <= threshold["claim"] == rate
        assert (threshold["data"], threshold["people"]) == ("people", "query and gallery")
    for threshold, rates in zip(entry.thresholds, entry.match_rates, strict=True):  # chosen on the very same pairs
        assert rates == {key: value for key, value in threshold.items() if key != "people"}
    files = {"manifest.json", "tiny.md", "tiny_matches.jpg", path.name}
    assert {path.name for path in zoo_folder.rglob("*") if path.is_file()} == files


def test_from_a_file_under_another_name_beside_the_first(zoo_folder, trained, people):
    publishing.publish("tiny", trained[1], exports=False, zoo=zoo_folder, **HOW)
    networks.create("tiny", width=5).save_weights(zoo_folder / "wider.weights.h5")
    entry = publishing.publish(
        "wider",
        zoo_folder / "wider.weights.h5",
        network="tiny",
        options={"width": 5},
        exports=False,
        zoo=zoo_folder,
        **HOW,
    )
    assert list(Manifest.read().entries) == ["tiny", "wider"]
    assert zoo.load("wider").get_config()["width"] == entry.options["width"] == 5


def test_options_are_those_that_the_weights_were_trained_with(zoo_folder, tiny, people, tmp_path):
    path = tmp_path / "larger.weights.h5"
    networks.create("tiny", input_shape=(24, 12, 3), depth=2).save_weights(path)
    entry = publishing.publish("tiny", path, exports=False, zoo=zoo_folder, options={"depth": 2}, **HOW)
    assert (entry.options, entry.image_size) == ({"input_shape": [24, 12, 3], "depth": 2}, [24, 12])
    assert zoo.load("tiny").image_size == (24, 12)
    assert Manifest.read().entries == {"tiny": entry}


def test_float32_where_float16_changes_the_embeddings(zoo_folder, trained, people, monkeypatch, images):
    monkeypatch.setattr(publishing, "SAME_EMBEDDING", 1.1)
    assert publishing.publish("tiny", trained[1], exports=False, zoo=zoo_folder, **HOW).precision == "float32"
    np.testing.assert_array_equal(zoo.load("tiny").embed(images), trained[0].embed(images))


def test_exports_are_entered(zoo_folder, trained, people, monkeypatch):
    rows = [{"format": "onnx float32", "size": 9, "cosine": 1.0, "difference": 0.0, "pictures": 96}]
    monkeypatch.setattr(publishing, "write_exports", lambda _, folder: rows)
    # The very files that were exported are measured.
    monkeypatch.setattr(publishing, "measure_int8", lambda name, _, file, data: {"data": data.name, "file": file.name})
    monkeypatch.setattr(publishing, "measure_latency", lambda folder: [{"exists": folder.is_dir()}])
    monkeypatch.setattr(publishing, "card", lambda entry: "")
    entry = publishing.publish("tiny", trained[1], zoo=zoo_folder, **HOW)
    assert entry.exports == rows
    assert entry.int8 == [{"data": "people", "file": "int8.tflite"}]
    assert entry.latency == [{"exists": True}]


def test_thresholds_are_chosen_on_training_people(zoo_folder, trained, people):
    spec = f"ward:{people.root}"
    arguments = {"data": ["people", spec], "calibrate": spec, "exports": False, "zoo": zoo_folder}
    entry = publishing.publish("tiny", trained[1], **arguments, **HOW)
    assert {(row["data"], row["people"]) for row in entry.thresholds} == {("ward", "training people")}
    cosines = [row["cosine"] for row in entry.thresholds]
    assert [(row["data"], row["claim"], row["cosine"]) for row in entry.match_rates] == [
        ("people", 1e-2, cosines[0]),
        ("people", 1e-3, cosines[1]),
        ("ward", 1e-2, cosines[0]),
        ("ward", 1e-3, cosines[1]),
    ]
    assert "They were chosen on `ward`, its training people," in zoo.card(entry)


def test_from_a_chain_of_runs(zoo_folder, people, finished, images, trained):
    runs = [finished("first"), finished("second", weights="runs/first/first.weights.h5", options={"depth": 1})]
    tuned = finished("third", weights="published")
    given = {"runs": runs, "tuned": [tuned], "beside": runs}
    entry = publishing.publish("tiny", exports=False, zoo=zoo_folder, **given, **WHAT)
    assert entry.recipe == {"name": "second", "command": WHAT["command"]}
    assert entry.options == {"depth": 1}
    assert entry.runs == [
        {"recipe": "first", "epochs": 3, "seconds": 750},
        {"recipe": "second", "epochs": 3, "seconds": 750},
    ]
    (row,) = entry.tuned
    assert (row["data"], row["people"], row["rank1"], row["mAP"]) == ("ward", 25, 0.6123, 0.5)
    (row,) = entry.beside
    assert (row["recipe"], row["mAP"], row["epochs"], row["seconds"]) == ("first and second", 0.5, 6, 1500)
    assert row["command"] == (
        "keras-reid train --recipe first --data ward:WARD --output runs/first && "
        "keras-reid train --recipe second --data ward:WARD --output runs/second"
    )
    assert np.sum(zoo.load("tiny").embed(images) * trained[0].embed(images), axis=1).min() >= 0.9999
    # The pictures are there, small, and shown; those of the publication before are gone.
    text = (zoo_folder / "cards" / "tiny.md").read_text()
    for picture, most in (("tiny_curve.png", 60_000), ("tiny_matches.jpg", 250_000)):
        path = zoo_folder / "cards" / picture
        assert path.stat().st_size < most
        Image.open(path).verify()
        assert f"]({picture})" in text
    given = {"weights": trained[1], "recipe": "tiny"}
    again = publishing.publish("tiny", exports=False, zoo=zoo_folder, **given, **WHAT)
    assert (again.runs, again.curve) == ([], None)
    assert {path.name for path in (zoo_folder / "cards").iterdir()} == {"tiny.md", "tiny_matches.jpg"}
    assert {path.name for path in (zoo_folder / "weights").iterdir()} == {"tiny.weights.h5"}


def test_measured_again(zoo_folder, people, finished, monkeypatch):
    runs, tuned = [finished("first")], [finished("third", weights="published")]
    before = publishing.publish(
        "tiny", runs=runs, tuned=tuned, options={"depth": 1}, exports=False, zoo=zoo_folder, **WHAT
    )
    weights = (zoo_folder / "weights" / "tiny.weights.h5").read_bytes()
    monkeypatch.setattr(publishing, "_figures", lambda name, model, found: {**before.figures[0], "mAP": 0.1234})
    again = publishing.measure_again("tiny", exports=False, zoo=zoo_folder)
    assert again == dataclasses.replace(before, figures=[{**before.figures[0], "mAP": 0.1234}])
    beside = publishing.measure_again("tiny", beside=runs, exports=False, zoo=zoo_folder)
    assert [row["recipe"] for row in beside.beside] == ["first"]
    assert publishing.measure_again("tiny", exports=False, zoo=zoo_folder) == beside  # what stood beside it stays
    assert Manifest.read().entries == {"tiny": beside}
    assert (zoo_folder / "cards" / "tiny.md").read_text() == zoo.card(beside)
    assert (zoo_folder / "cards" / "tiny_curve.png").is_file()
    assert (zoo_folder / "weights" / "tiny.weights.h5").read_bytes() == weights


def test_measured_again_only_as_it_was_published(zoo_folder, trained, people):
    publishing.publish("tiny", trained[1], exports=False, zoo=zoo_folder, **HOW)
    with pytest.raises(ReIDError) as caught:
        publishing.measure_again("tinier", exports=False, zoo=zoo_folder)
    assert str(caught.value) == f"Nothing is published as 'tinier' in '{zoo_folder}'. Published are: tiny."
    path = zoo_folder / "weights" / "tiny.weights.h5"
    published = sha256_of(path)
    path.write_bytes(b"others")
    before = content(zoo_folder)
    with pytest.raises(ReIDError) as caught:
        publishing.measure_again("tiny", exports=False, zoo=zoo_folder)
    expected = f"'{path}' is missing, or is not the file that was published: SHA-256 {published}."
    assert str(caught.value) == expected
    assert content(zoo_folder) == before


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ({}, "none of them"),
        ({"weights": "a.weights.h5"}, "weights"),
        ({"recipe": "tiny"}, "recipe"),
        ({"runs": 1, "weights": "a.weights.h5", "recipe": "tiny"}, "run, weights, recipe"),
        ({"runs": 1, "recipe": "tiny"}, "run, recipe"),
    ],
)
def test_runs_or_weights_and_recipe(zoo_folder, finished, given, received):
    runs = [finished()] * given.pop("runs", 0)
    with pytest.raises(ReIDError) as caught:
        publishing.publish("tiny", runs=runs, zoo=zoo_folder, **given, **WHAT)
    assert str(caught.value) == (
        f"Expected the folders of finished trainings (run), or else both weights and recipe. Received: {received}."
    )


def test_failure_changes_nothing(zoo_folder, trained, people, monkeypatch):
    publishing.publish("tiny", trained[1], exports=False, zoo=zoo_folder, **HOW)
    before = content(zoo_folder)

    def fail(model, folder):
        raise ReIDError("the int8 export differs too much")

    monkeypatch.setattr(publishing, "write_exports", fail)
    other = networks.create("tiny", identities=3)
    with pytest.raises(ReIDError, match="differs too much"):
        publishing.publish("tiny", other, zoo=zoo_folder, **HOW)
    assert content(zoo_folder) == before


def test_too_few_pairs_for_a_rate(zoo_folder, trained, people, monkeypatch):
    few = [split.take(slice(0, 6)) for split in (people.query, people.gallery)]
    small = ReIDData(name="people", root=people.root, train=people.train, query=few[0], gallery=few[1])
    monkeypatch.setattr(keras_reid.data, "load", lambda spec: small)
    with pytest.raises(ReIDError, match=r"^A false-match rate of 0\.01 needs 100 pairs of different people"):
        publishing.publish("tiny", trained[1], exports=False, zoo=zoo_folder, **HOW)


def test_command_line(script, zoo_folder, trained, people, capsys):
    how = ["--recipe", "tiny", "--command", "make it so", "--trained-on", "rendered people", "--no-exports"]
    arguments = ["tiny", "--weights", str(trained[1]), *how, "--zoo", str(zoo_folder)]
    assert script.main(arguments) == 0
    out = capsys.readouterr().out
    assert "people: rank-1 0." in out
    assert "false matches where 1.0% are claimed" in out
    assert Manifest.read().entries["tiny"].recipe == {"name": "tiny", "command": "make it so"}


def test_command_line_with_a_run(script, zoo_folder, people, finished):
    tuned = ["--tuned", str(finished("third", weights="published"))]
    calibrate = ["--data", f"ward:{people.root}", "--calibrate", f"ward:{people.root}"]
    how = ["--command", "make it so", "--trained-on", "rendered people", "--no-exports", "--zoo", str(zoo_folder)]
    options = ["--option", "depth=1"]
    assert script.main(["tiny", "--run", str(finished()), *tuned, *calibrate, *options, *how]) == 0
    entry = Manifest.read().entries["tiny"]
    assert (entry.runs[0]["recipe"], entry.tuned[0]["recipe"], entry.options) == ("first", "third", {"depth": 1})
    assert entry.thresholds[0]["people"] == "training people"


def test_command_line_again(script, zoo_folder, trained, people, capsys):
    publishing.publish("tiny", trained[1], exports=False, zoo=zoo_folder, **HOW)
    zoo_option = ["--zoo", str(zoo_folder)]
    assert script.main(["tiny", "--again", "--no-exports", *zoo_option]) == 0
    assert "people: rank-1 0." in capsys.readouterr().out
    for arguments, message in (
        (["--again", "--recipe", "tiny"], "--again keeps what is published, and takes no --recipe"),
        (["--command", "make it so"], "the following arguments are required: --command, --trained-on (or --again)"),
    ):
        with pytest.raises(SystemExit) as caught:
            script.main(["tiny", *arguments, *zoo_option])
        assert caught.value.code == 2
        assert message in capsys.readouterr().err


def test_command_line_says_what_failed(script, zoo_folder, trained, capsys):
    how = ["--recipe", "tiny", "--command", "make it so", "--trained-on", "rendered people", "--no-exports"]
    assert script.main(["tiny", "--weights", "no.weights.h5", *how, "--zoo", str(zoo_folder)]) == 1
    assert "There is no file 'no.weights.h5'." in capsys.readouterr().err
    assert script.main(["tiny", *how, "--zoo", str(zoo_folder)]) == 1
    assert "Expected the folders of finished trainings" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        script.main(["tiny", "--weights", str(trained[1]), *how, "--option", "width"])
    assert caught.value.code == 2
    assert "expected KEY=VALUE, received 'width'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("width=5", ("width", 5)),
        ('attention=["hard"]', ("attention", ["hard"])),
        ("unit=residual", ("unit", "residual")),
    ],
)
def test_options_in_json(script, text, option):
    assert script._option(text) == option

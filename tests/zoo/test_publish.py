"""Publishing: the file, its entry and its card, measured and in place; nothing half-done when it fails."""

import importlib.util

import numpy as np
import pytest

import keras_reid
from keras_reid import ReIDError, networks, zoo
from keras_reid.data.table import ReIDData, Split
from keras_reid.zoo.checksum import sha256_of
from keras_reid.zoo.manifest import Manifest

HOW = {"recipe": "tiny", "command": "keras-reid train --recipe tiny --data people", "trained_on": "48 rendered people"}


@pytest.fixture(scope="module")
def publishing(request):
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


def test_published_file_loads_and_is_what_the_entry_says(publishing, zoo_folder, trained, people, images):
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
    assert entry.threshold["false_match_rate"] <= 1e-3
    assert {path.name for path in zoo_folder.rglob("*") if path.is_file()} == {"manifest.json", "tiny.md", path.name}


def test_from_a_file_under_another_name_beside_the_first(publishing, zoo_folder, trained, people):
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


def test_float32_where_float16_changes_the_embeddings(publishing, zoo_folder, trained, people, monkeypatch, images):
    monkeypatch.setattr(publishing, "SAME_EMBEDDING", 1.1)
    assert publishing.publish("tiny", trained[1], exports=False, zoo=zoo_folder, **HOW).precision == "float32"
    np.testing.assert_array_equal(zoo.load("tiny").embed(images), trained[0].embed(images))


def test_exports_are_entered(publishing, zoo_folder, trained, people, monkeypatch):
    rows = [{"format": "onnx float32", "size": 9, "cosine": 1.0, "difference": 0.0, "pictures": 96}]
    monkeypatch.setattr(publishing, "measure_exports", lambda _: rows)
    assert publishing.publish("tiny", trained[1], zoo=zoo_folder, **HOW).exports == rows


def test_failure_changes_nothing(publishing, zoo_folder, trained, people, monkeypatch):
    publishing.publish("tiny", trained[1], exports=False, zoo=zoo_folder, **HOW)
    before = content(zoo_folder)

    def fail(_):
        raise ReIDError("the int8 export differs too much")

    monkeypatch.setattr(publishing, "measure_exports", fail)
    other = networks.create("tiny", identities=3)
    with pytest.raises(ReIDError, match="differs too much"):
        publishing.publish("tiny", other, zoo=zoo_folder, **HOW)
    assert content(zoo_folder) == before


def test_command_line(publishing, zoo_folder, trained, people, capsys):
    how = ["--recipe", "tiny", "--command", "make it so", "--trained-on", "rendered people", "--no-exports"]
    arguments = ["tiny", "--weights", str(trained[1]), *how, "--zoo", str(zoo_folder)]
    assert publishing.main(arguments) == 0
    assert "people: rank-1 0." in capsys.readouterr().out
    assert Manifest.read().entries["tiny"].recipe == {"name": "tiny", "command": "make it so"}


def test_command_line_says_what_failed(publishing, zoo_folder, trained, capsys):
    how = ["--recipe", "tiny", "--command", "make it so", "--trained-on", "rendered people", "--no-exports"]
    assert publishing.main(["tiny", "--weights", "no.weights.h5", *how, "--zoo", str(zoo_folder)]) == 1
    assert "There is no file 'no.weights.h5'." in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        publishing.main(["tiny", "--weights", str(trained[1]), *how, "--option", "width"])
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
def test_options_in_json(publishing, text, option):
    assert publishing._option(text) == option

"""A zoo of its own for every test: a tiny network, its published weights, an empty cache."""

import keras
import numpy as np
import pytest
from tiny_network import MEASURED, Tiny, an_entry

from keras_reid import networks
from keras_reid.training import Recipe, Stage
from keras_reid.training.run_folder import RunFolder
from keras_reid.zoo.manifest import Manifest
from keras_reid.zoo.weights import write


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 16, 8, 3), dtype=np.uint8)


@pytest.fixture
def tiny(monkeypatch):
    """The networks "tiny" and "tinier", which differ in nothing but their name, and "wide", which has more filters."""
    variants = {"tiny": ("Tiny", {}), "tinier": ("Tiny", {}), "wide": ("Tiny", {"width": 5})}
    monkeypatch.setattr(networks, "Tiny", Tiny, raising=False)
    monkeypatch.setattr(networks, "_NETWORKS", variants)


@pytest.fixture
def trained(tiny, tmp_path):
    """A model of "tiny" with heads and weights of its own, and the file `save_weights` wrote."""
    keras.utils.set_random_seed(7)
    model = networks.create("tiny", identities=3)
    for variable in model.variables:
        if "kernel" in variable.path:
            variable.assign(np.random.default_rng(1).normal(size=variable.shape, scale=0.3))
    path = tmp_path / "trained.weights.h5"
    model.save_weights(path)
    return model, path


@pytest.fixture
def zoo_folder(tiny, tmp_path, monkeypatch):
    """The folder of an installation's zoo, with an empty manifest; the cache is empty too."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    monkeypatch.setattr("keras_reid.shipped._PACKAGE", tmp_path / "keras_reid")
    monkeypatch.setenv("KERAS_REID_HOME", str(tmp_path / "home"))
    Manifest({}).write(folder / "manifest.json")
    return folder


@pytest.fixture
def zoo(zoo_folder, trained):
    """The folder of an installation's zoo that publishes "tiny"; the weights are shipped with it."""
    path = zoo_folder / "weights" / "tiny.weights.h5"
    write(trained[1], path, "float16")
    Manifest({}).with_entry(an_entry(path)).write(zoo_folder / "manifest.json")
    return zoo_folder


@pytest.fixture
def finished(trained, tmp_path):
    """A function that finishes a training of "tiny" in two stages, as `keras_reid.training.run` does."""

    def finish(name="first", weights=None, figures=MEASURED, **changed):
        recipe = Recipe(
            name=name,
            network="tiny",
            stages=(Stage((16, 8, 3), 2, 0.1), Stage((16, 8, 3), 1, 0.1)),
            optimizer=keras.optimizers.SGD,
            weights=weights,
            **changed,
        )
        splits = [("train", 1500, 25), ("query", 75, 35), ("gallery", 1669, 35)]
        rows = [{"split": split, "images": images, "identities": people} for split, images, people in splits]
        what = {"recipe": recipe.describe(), "data": {"name": "ward", "splits": rows}}
        folder = RunFolder(tmp_path / "runs" / name)
        folder.begin(what, resume=False)
        log = [{"epoch": epoch, "loss": 3.0 / epoch, **figures, "seconds": 250.0} for epoch in (1, 2, 3)]
        lines = [log[0], *(row.values() for row in log)]
        folder.log.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n")
        folder.finish(trained[0], name, what, log, devices=1)
        return folder.path

    return finish

"""Command lines in this process, and a small network in place of the zoo's."""

import shutil
from pathlib import Path

import pytest

from keras_reid import cli


@pytest.fixture
def run(capsys):
    """A command line as a function to its status, stdout and stderr."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return call


@pytest.fixture(scope="module")
def network():
    import keras
    from keras import layers

    from keras_reid import ReIDModel

    class Small(ReIDModel):
        """One convolution, and where it looks."""

        @staticmethod
        def graph(options, images):
            x = layers.Conv2D(16, 3, strides=4, activation="relu", name="feature_map")(images)
            where = layers.Conv2D(1, 1, activation="sigmoid")(x)
            x = layers.Flatten()(x * where)
            return {"global": layers.Dense(1024)(x)}, {"level1.spatial": where}

    keras.utils.set_random_seed(0)
    return Small({"input_shape": (48, 32, 3)}, name="han_small")


@pytest.fixture
def zoo(monkeypatch, network):
    """The zoo's `load` gives a small network, and the list says what it was asked for."""
    import keras_reid.zoo

    asked = []

    def load(name, weights="published", **options):
        asked.append((name, weights))
        return network

    monkeypatch.setattr(keras_reid.zoo, "load", load)
    return asked


@pytest.fixture
def people(tmp_path, monkeypatch):
    """query/ and gallery/ in the working folder: people 1001 to 1003, one query each; and three more folders' names."""
    from keras_reid.data import load

    monkeypatch.chdir(tmp_path)
    data = load("people")
    for split in (data.query, data.gallery):
        Path(split.name).mkdir()
        seen = {}
        for path, identity in zip(split.paths, split.identities, strict=True):
            seen[identity] = seen.get(identity, 0) + 1
            if identity <= 1003 and seen[identity] <= (1 if split.name == "query" else 4):
                shutil.copy(path, split.name)
    return tmp_path

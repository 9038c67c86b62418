"""What was saved with Keras comes back where nothing of the package has been imported but its name."""

import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_reid
from keras_reid.registered import MODULES, Later

# Imports one and another; then loads a model, and prints what it makes of ones, and its loss.
LOAD = """
import importlib, sys
import numpy as np
first, second, path = sys.argv[1:]
importlib.import_module(first), importlib.import_module(second)
import keras
model = keras.models.load_model(path)
print(*np.ravel(model(np.ones((1, *model.input_shape[1:]), "float32"), training=False)))
print(*[type(loss).__name__ for loss in keras.tree.flatten(model.loss)])
"""


def test_all_that_is_registered(repository):
    found = {
        ".".join(path.relative_to(repository / "keras_reid").with_suffix("").parts): tuple(sorted(names))
        for path in (repository / "keras_reid").rglob("*.py")
        if (names := re.findall(r"register_keras_serializable\(.*\)\nclass (\w+)", path.read_text(encoding="utf-8")))
    }
    assert {module: tuple(sorted(names)) for module, names in MODULES.items()} == found


def test_keras_knows_all_names():
    for module, names in MODULES.items():
        for name in names:
            known = keras.saving.get_registered_object(f"keras_reid>{name}")
            assert isinstance(known, Later) or known.__module__ == f"keras_reid.{module}"


def test_later():
    config = keras_reid.layers.SqueezeExcite(reduction=2, name="mine").get_config()
    made = Later("layers.squeeze_excite", "SqueezeExcite").from_config(config)
    assert isinstance(made, keras_reid.layers.SqueezeExcite)
    assert made.get_config() == config


@pytest.mark.slow
def test_whatever_is_imported_first(tmp_path):
    """A network of the package that learns by its losses, and a user's with a layer of the package."""
    network = keras_reid.networks.create("han_small", identities=3, input_shape=(80, 32, 3), branches=("global",))
    network.compile("sgd", "cross_entropy+triplet", jit_compile=False)
    own = keras.Sequential(
        [keras.Input((8, 4, 6)), keras_reid.layers.SqueezeExcite(reduction=2), keras.layers.Flatten()]
    )
    own.compile("sgd", keras_reid.losses.BatchHardTriplet(), jit_compile=False)
    cases = [
        (network, ("keras_reid", "keras"), "SparseCategoricalCrossentropy BatchHardTriplet"),
        (own, ("keras", "keras_reid"), "BatchHardTriplet"),
    ]
    begun = []
    for model, order, _ in cases:
        path = tmp_path / f"{order[0]}.keras"
        model.save(path)
        command = [sys.executable, "-c", LOAD, *order, str(path)]
        begun.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    for process, (model, _, losses) in zip(begun, cases, strict=True):
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        values, of = output.splitlines()
        expected = np.ravel(model(np.ones((1, *model.input_shape[1:]), "float32"), training=False))
        np.testing.assert_allclose([float(value) for value in values.split()], expected, atol=1e-6)
        assert of == losses

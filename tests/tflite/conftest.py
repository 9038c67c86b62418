"""The camera's files are no package: they are loaded from where they are shipped."""

import importlib.util
import sys

import keras
import numpy as np
import pytest
from keras import layers

from keras_reid import ReIDModel, export
from keras_reid.shipped import shipped


def load(name):
    spec = importlib.util.spec_from_file_location(name, shipped("tflite") / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def runtime():
    return load("reid_runtime")


@pytest.fixture(scope="session")
def benchmark():
    return load("benchmark")


@keras.saving.register_keras_serializable(package="keras_reid_tests")
class Small(ReIDModel):
    """A network that is built and exported in a second."""

    def __init__(self, identities=None, **kwargs):
        super().__init__({"input_shape": (32, 16, 3)}, identities=identities, **kwargs)

    @staticmethod
    def graph(options, images):
        x = layers.Conv2D(16, 3, 2, activation="relu")(images)
        x = layers.DepthwiseConv2D(3)(x)
        x = layers.Conv2D(24, 1, activation="relu")(x)
        return {"global": layers.Dense(12)(layers.GlobalAveragePooling2D()(x))}, {}


@pytest.fixture(scope="session")
def crops():
    """Pictures of several sizes, one of them the network's own."""
    draw = np.random.default_rng(1)
    sizes = [(64, 30), (32, 16), (45, 31), (128, 60), (33, 90), (17, 8)]
    return [draw.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in sizes]


@pytest.fixture(scope="session")
def model():
    keras.utils.set_random_seed(0)
    return Small(name="small")


@pytest.fixture(scope="session")
def files(model, crops, tmp_path_factory):
    """Paths of the model's exports by name."""
    folder = tmp_path_factory.mktemp("files")
    variants = {
        "float32": {},
        "batch4": {"batch_size": 4},
        "dynamic": {"batch_size": None},
        "float16": {"quantize": "float16"},
        "int8": {"quantize": "int8", "representative": crops * 4},
        "int8 out": {"quantize": "int8", "representative": crops * 4, "output": "int8"},
        "int8 dynamic": {"quantize": "int8", "representative": crops * 4, "batch_size": None},
    }
    return {
        name: export.to_tflite(
            model, folder / f"{name.replace(' ', '_')}.tflite", images=crops, min_cosine=0.98, **options
        ).path
        for name, options in variants.items()
    }

"""Person re-identification with Keras: networks, training, retrieval, and export to the camera."""

import importlib
import os
from typing import Any

from keras_reid.errors import ReIDError
from keras_reid.registered import register

__version__ = "0.1.0"

# By itself TensorFlow leaves oneDNN off on many processors (AMD's without AVX-512): trainings take twice as long. It
# asks when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Submodules are imported when first used, so that `import keras_reid` costs next to nothing and needs no TensorFlow.
_SUBMODULES = (
    "backbones",
    "data",
    "evaluation",
    "explanations",
    "export",
    "fidelity",
    "gallery",
    "layers",
    "losses",
    "networks",
    "pictures",
    "report",
    "training",
    "zoo",
)

__all__ = ["ReIDError", "ReIDModel", "__version__", *_SUBMODULES]

register()


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"keras_reid.{name}")
    if name == "ReIDModel":
        from keras_reid.model import ReIDModel

        return ReIDModel
    raise AttributeError(f"module 'keras_reid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

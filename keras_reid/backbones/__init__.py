"""Backbones by name, each of which turns pictures into the maps of its stages."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from keras_reid.backbones.applications import APPLICATIONS
from keras_reid.backbones.googlenet import googlenet
from keras_reid.backbones.resnet import RESNETS
from keras_reid.errors import ReIDError, did_you_mean

# Name -> function of (images, batch_norm, **options) that returns the stages' maps by name.
_BACKBONES: dict[str, Callable[..., dict[str, keras.KerasTensor]]] = {
    **RESNETS,
    "googlenet": googlenet,
    **APPLICATIONS,
}

__all__ = ["create", "find", "names"]


def names() -> list[str]:
    """Names that `create` knows."""
    return list(_BACKBONES)


def create(
    name: str, images: keras.KerasTensor, batch_norm: Callable[[str], keras.layers.Layer], **options: Any
) -> dict[str, keras.KerasTensor]:
    """Build a backbone with random weights.

    Args:
        name: One of `names()`.
        images: (batch, height, width, 3), from −1 to 1; with the option `start`, what that stage takes.
        batch_norm: From a name to a batch normalisation layer.
        **options: Of the backbone. Every one has `after_stage`, called with the name and the map of a stage: what it
            returns is given out instead and goes on; `start`, the name of the first stage to build; and `prefix` of all
            layers' names, which ends in a full stop, for further copies of stages in the same network.

    Returns:
        "stage1" to "stage4", from `start` on -> (batch, height, width, channels).

    Raises:
        ReIDError: no backbone of that name, an option it does not have, no such stage, or pictures too small for it.
    """
    build = find(name)
    known = [option for option in inspect.signature(build).parameters if option not in ("images", "batch_norm")]
    for option in options:
        if option not in known:
            raise ReIDError(
                f"The backbone '{name}' has no option '{option}'.{did_you_mean(option, known)} Its options: "
                f"{', '.join(known)}."
            )
    return build(images, batch_norm, **options)


def find(name: str) -> Callable[..., dict[str, keras.KerasTensor]]:
    """The backbone called `name`; unknown names raise `ReIDError`."""
    if not isinstance(name, str) or name not in _BACKBONES:
        raise ReIDError(
            f"There is no backbone '{name}'.{did_you_mean(str(name), _BACKBONES)} Known: {', '.join(_BACKBONES)}."
        )
    return _BACKBONES[name]

"""Backbones by name: each turns pictures into the feature maps of its stages."""

from collections.abc import Callable
from typing import Any

import keras

from keras_reid.backbones.googlenet import googlenet
from keras_reid.errors import ReIDError, did_you_mean

# Name -> function(images, batch_norm, **options) that returns the stages.
_BACKBONES: dict[str, Callable[..., dict[str, keras.KerasTensor]]] = {
    "googlenet": googlenet,
}

__all__ = ["create", "names"]


def names() -> list[str]:
    """Names that `create` knows."""
    return list(_BACKBONES)


def create(
    name: str, images: keras.KerasTensor, batch_norm: Callable[[str], keras.layers.Layer], **options: Any
) -> dict[str, keras.KerasTensor]:
    """Build a backbone with random weights.

    Args:
        name: One of `names()`.
        images: (batch, height, width, 3), from −1 to 1; with the option `start` what that stage takes.
        batch_norm: From a layer's name to its normalisation layer.
        **options: Of the backbone. All of them have `after(stage, features)`, called on what each stage puts out: what
            it returns is given out in its place and goes into the next stage; `start`, the first stage to build; and
            `prefix` of all layers' names, for further copies in the same network.

    Returns:
        The feature maps by the stages' names, in their order.

    Raises:
        ReIDError: there is no backbone of that name.
    """
    if name not in _BACKBONES:
        raise ReIDError(
            f"There is no backbone '{name}'.{did_you_mean(name, _BACKBONES)} Known: {', '.join(_BACKBONES)}."
        )
    return _BACKBONES[name](images, batch_norm, **options)

"""Checks that the layers share, and the networks in part."""

from numbers import Integral
from typing import Any

from keras_reid.errors import ReIDError


def check_map(layer: str, shape: tuple) -> None:
    """Raise unless `shape` is that of a feature map with known channels."""
    if len(shape) != 4 or shape[-1] is None:
        raise ReIDError(
            f"{layer} expects a feature map of shape (batch, height, width, channels) with known channels. "
            f"Received: shape={tuple(shape)}"
        )


def check_map_or_mean(layer: str, shape: tuple) -> None:
    """Raise unless `shape` is that of a feature map, or of its mean over space, with known channels."""
    if len(shape) not in (2, 4) or shape[-1] is None:
        raise ReIDError(
            f"{layer} expects a feature map of shape (batch, height, width, channels), or its mean over space, (batch, "
            f"channels), with known channels. Received: shape={tuple(shape)}"
        )


def check_sized_map(layer: str, shape: tuple) -> None:
    """Raise unless `shape` is that of a feature map with known channels, height and width."""
    check_map(layer, shape)
    if None in shape[1:]:
        raise ReIDError(f"{layer} expects a feature map of known height and width. Received: shape={tuple(shape)}")


def is_whole(value: Any, least: int) -> bool:
    """Whether an argument is a whole number, not below `least`; True and False are none."""
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= least


def check_count(layer: str, **values: int) -> None:
    """Raise unless every argument is a whole number above 0."""
    for name, value in values.items():
        if not is_whole(value, least=1):
            raise ReIDError(f"{layer} expects `{name}` to be a whole number above 0. Received: {name}={value!r}")

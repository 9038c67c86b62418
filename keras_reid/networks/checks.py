"""Checks of options that the networks share."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import is_whole


def checked_input_shape(shape: Any, smallest: int = 32) -> tuple[int, int, int]:
    """`shape` as three integers; `ReIDError` unless it is (height, width, 3) with sides of at least `smallest`."""
    if (
        not isinstance(shape, Sequence)
        or len(shape) != 3
        or shape[2] != 3
        or not all(isinstance(side, int | np.integer) and side >= smallest for side in shape[:2])
    ):
        raise ReIDError(f"`input_shape` is (height, width, 3), at least {smallest}×{smallest}. Received: {shape}")
    height, width, channels = map(int, shape)
    return height, width, channels


def checked_branches(branches: Any, known: Sequence[str]) -> tuple[str, ...]:
    """Some of the two `known` branches, in their order; `ReIDError` unless `branches` names one or both."""
    some = isinstance(branches, Collection) and not isinstance(branches, str) and len(branches) > 0
    if not some or any(branch not in known for branch in branches):
        names = ", ".join(map(repr, known))
        raise ReIDError(f"`branches` is one or both of {names}. Received: branches={branches!r}")
    return tuple(branch for branch in known if branch in branches)


def check_embedding(embedding: Any, branches: Sequence[str]) -> None:
    """Raise unless the embedding's length is shared equally by the branches."""
    check_counts(embedding=embedding)
    if embedding % len(branches):
        raise ReIDError(f"`embedding` is shared equally by {len(branches)} branches. Received: {embedding}")


def check_choice(known: Collection[str], **options: Any) -> None:
    """Raise unless every option is one of the `known` values."""
    for name, value in options.items():
        if not isinstance(value, str) or value not in known:
            raise ReIDError(f"`{name}` is one of {', '.join(known)}. Received: {name}={value!r}")


def check_counts(**options: Any) -> None:
    """Raise unless every option is a whole number above 0."""
    for name, value in options.items():
        if not is_whole(value, least=1):
            raise ReIDError(f"`{name}` is a whole number above 0. Received: {name}={value!r}")


def check_flags(**options: Any) -> None:
    """Raise unless every option is True or False."""
    for name, value in options.items():
        if not isinstance(value, bool | np.bool_):
            raise ReIDError(f"`{name}` is True or False. Received: {name}={value!r}")

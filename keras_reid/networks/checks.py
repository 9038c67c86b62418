"""Checks of options that the networks share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_reid.errors import ReIDError


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

"""Cutting the last map into parts from head to feet, and what networks check of their pictures."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from keras_reid.errors import ReIDError


def rows_of_parts(height: int, parts: int) -> list[tuple[int, int]]:
    """First row of each part, and the first behind it.

    As adaptive pooling has it: parts are equal where their number divides the height, and otherwise share rows with
    their neighbours, so that there are as many for every size of picture.
    """
    return [(number * height // parts, -(-(number + 1) * height // parts)) for number in range(parts)]


def mean_of_rows(rows, first: int, last: int):
    """Mean of (batch, height, channels) over some of its rows, (batch, channels)."""
    return ops.mean(rows[:, first:last], axis=1)


def sides(input_shape) -> tuple[int, int, int]:
    """`input_shape` as whole numbers; raises `ReIDError` unless it is that of a picture of at least 32×32."""
    if (
        not isinstance(input_shape, Sequence)
        or len(input_shape) != 3
        or input_shape[2] != 3
        or not all(isinstance(side, int | np.integer) and side >= 32 for side in input_shape[:2])
    ):
        raise ReIDError(f"`input_shape` is (height, width, 3), at least 32×32. Received: {input_shape}")
    height, width, channels = input_shape
    return int(height), int(width), int(channels)

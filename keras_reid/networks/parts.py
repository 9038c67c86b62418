"""Cutting a map into parts from head to feet."""

from keras import ops


def rows_of_parts(height: int, parts: int) -> list[tuple[int, int]]:
    """First row of each part, and the first behind it.

    As adaptive pooling has it: parts are equal where their number divides the height, and otherwise share rows with
    their neighbours, so that there are as many for every size of picture.
    """
    return [(number * height // parts, -(-(number + 1) * height // parts)) for number in range(parts)]


def mean_of_rows(rows, first: int, last: int):
    """Mean of (batch, height, channels) over some of its rows, (batch, channels)."""
    return ops.mean(rows[:, first:last], axis=1)

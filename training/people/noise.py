"""Smooth noise that repeats itself, for creases, weave and camouflage."""

import functools

import numpy as np

SIZE = 32  # of the block; a power of two


@functools.cache
def noise_block() -> np.ndarray:
    """Smooth noise and its three slopes at the corners of a periodic grid: (32, 32, 32, 4) float32."""
    value = np.random.default_rng(7).normal(0, 1, (SIZE,) * 3)
    for axis in range(3):
        value = (np.roll(value, 1, axis) + 2 * value + np.roll(value, -1, axis)) / 4
    value /= value.std()
    slopes = [(np.roll(value, -1, axis) - np.roll(value, 1, axis)) / 2 for axis in range(3)]
    return np.ascontiguousarray(np.stack([value, *slopes], axis=-1), np.float32)

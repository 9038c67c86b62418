"""A pytest plugin for JAX: initial weights drawn by NumPy, where JAX would compile three programs for every shape.

What layers compute is JAX's as before. Initializers alone are drawn from a whole number; whatever else is random has a
seed generator, and stays JAX's.
"""

import numpy as np
from keras.src.backend.jax import random

_of_jax = random.truncated_normal


def _truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    if not isinstance(seed, int):
        return _of_jax(shape, mean, stddev, dtype, seed)
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.standard_normal(outside.sum())
    return (values * stddev + mean).astype(dtype or "float32")


random.truncated_normal = _truncated_normal

"""A pytest plugin for JAX, where tests compile two thousand programs: what takes long around them is done once.

What layers compute is JAX's as before. Initial weights are drawn by NumPy, where JAX would compile three programs for
every shape: initializers alone are drawn from a whole number; whatever else is random has a seed generator, and stays
JAX's. All programs are lowered in one MLIR context, since making one takes as long as lowering most of them.
"""

import functools

import numpy as np
from jax._src.interpreters import mlir
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
mlir.make_ir_context = functools.cache(mlir.make_ir_context)

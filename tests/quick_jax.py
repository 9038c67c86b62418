"""Runs Python on JAX so that compiling is quick, which takes tests longer than what is compiled.

Usage: python quick_jax.py SCRIPT [ARGUMENT …] | -m MODULE [ARGUMENT …]

What layers compute is JAX's as before. XLA makes quick work of it, in one piece. All programs are lowered in one MLIR
context, since making one takes as long as lowering most of them, and are not told where in the tests their operations
come from. Initial weights are drawn by NumPy, where JAX would compile three programs for every shape: initializers
alone are drawn from a whole number; whatever else is random has a seed generator, and stays JAX's.
"""

import functools
import os
import runpy
import sys

# Before JAX is imported.
os.environ["XLA_FLAGS"] = " ".join(
    [
        os.environ.get("XLA_FLAGS", ""),
        "--xla_backend_optimization_level=0",
        "--xla_llvm_disable_expensive_passes=true",
        "--xla_cpu_use_fusion_emitters=false",
        "--xla_cpu_parallel_codegen_split_count=1",
    ]
)
os.environ["JAX_TRACEBACK_IN_LOCATIONS_LIMIT"] = "0"

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


if __name__ == "__main__":
    random.truncated_normal = _truncated_normal
    mlir.make_ir_context = functools.cache(mlir.make_ir_context)
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0], sys.path[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(sys.argv[0])
        runpy.run_path(sys.argv[0], run_name="__main__")

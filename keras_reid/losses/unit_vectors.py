"""Vectors brought to length 1."""

from typing import Any

from keras import ops


def unit_vectors(vectors: Any) -> Any:
    """The vectors along the last axis, each divided by its length; zeros stay zeros, and get no gradient.

    `ops.normalize` gives zeros a gradient of ten million times what comes in, and on JAX none that is a number.
    """
    squared = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    long = squared > 1e-14
    return vectors * ops.where(long, ops.rsqrt(ops.where(long, squared, 1.0)), 0.0)

"""Keras' dtype policy for a while."""

import contextlib
from collections.abc import Iterator

import keras

from keras_reid.errors import ReIDError


@contextlib.contextmanager
def precision(policy: str | dict | keras.DTypePolicy | None) -> Iterator[None]:
    """Layers that are made inside this block compute in `policy`, by name or config; None: in Keras' own.

    Raises:
        ReIDError: Keras has no such policy.
    """
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(keras.dtype_policies.get(policy))
    except ValueError as error:
        raise ReIDError(f"Expected a dtype policy of Keras, e.g. 'mixed_bfloat16'. {error}") from error
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)

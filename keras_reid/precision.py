"""Keras' dtype policy for a while."""

import contextlib
from collections.abc import Iterator

import keras

from keras_reid.errors import ReIDError


@contextlib.contextmanager
def precision(policy: str | keras.DTypePolicy | None) -> Iterator[str]:
    """Layers that are made inside this block compute in `policy`; None: in Keras' own. Gives the policy's name.

    Raises:
        ReIDError: Keras has no such policy.
    """
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(before if policy is None else policy)
    except ValueError as error:
        raise ReIDError(f"Expected a dtype policy of Keras, e.g. 'mixed_bfloat16'. {error}") from error
    try:
        yield keras.config.dtype_policy().name
    finally:
        keras.config.set_dtype_policy(before)

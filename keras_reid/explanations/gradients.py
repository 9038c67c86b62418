"""The one place where an explanation depends on the backend: a gradient."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_reid.errors import ReIDError


def gradient(function: Callable[[Any], Any], values: np.ndarray) -> np.ndarray:
    """Gradient of `function`, from a tensor to a number, at `values`.

    Raises:
        ReIDError: the backend has no gradients.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tensor = tf.convert_to_tensor(values)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(tensor)
            result = function(tensor)
        return tape.gradient(result, tensor).numpy()
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(function)(values))
    if backend == "torch":
        tensor = keras.ops.convert_to_tensor(values).requires_grad_()
        function(tensor).backward()
        return tensor.grad.detach().cpu().numpy()
    raise ReIDError(f"Explanations need gradients: a backend of tensorflow, jax or torch. Received: {backend}")

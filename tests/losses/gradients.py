import keras
import numpy as np
from keras import ops


def gradient(loss, labels, features):
    """Gradient of the loss at `features`."""
    features = ops.convert_to_tensor(features)
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.jit(jax.grad(lambda x: loss(labels, x)))(features))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(features)
        value = loss(labels, features)
    return tape.gradient(value, features).numpy()

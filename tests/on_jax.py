"""What `test_jax` asks of a network under every backend; run as a script, it asks where TensorFlow is not installed.

Usage: python on_jax.py WEIGHTS ANSWERS.npz
"""

import importlib.util
import sys

import keras
import numpy as np

import keras_reid

NETWORK = {"name": "han_small", "identities": 48, "input_shape": (80, 32, 3)}


def answers(weights: str) -> dict[str, np.ndarray]:
    """Embeddings, attention and two steps of training of `NETWORK` with these weights, and the published embeddings."""
    data = keras_reid.data.load("people")
    images = list(data.query.paths[:6])
    model = keras_reid.zoo.load(weights=weights, **NETWORK)
    found = {"embeddings": model.embed(images)}
    found |= {f"attention/{name}": values for name, values in model.attention(images[:2]).items()}

    losses = []
    step = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: losses.append(logs["loss"]))
    model.load_weights(weights)  # the heads too, which the zoo makes anew
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")  # whose compiling takes longer than two steps
    model.fit(data.train.batches(identities=4, images=2), steps_per_epoch=2, verbose=0, callbacks=[step])
    found["losses"] = np.array(losses, "float32")  # the mean of the epoch so far
    found["trained"] = model.embed(images)
    model.set_weights(keras_reid.zoo.load(**NETWORK).get_weights())  # in the same model: JAX would compile another's
    found["published"] = model.embed(images)
    found["published_feature"] = model.attention(images[:3])["global"]  # what was compiled with other weights
    return found


if __name__ == "__main__":
    assert importlib.util.find_spec("tensorflow") is None, "this environment has TensorFlow"
    assert keras.backend.backend() == "jax", keras.backend.backend()
    for public in keras_reid.__all__:
        getattr(keras_reid, public)
    np.savez(sys.argv[2], **answers(sys.argv[1]))

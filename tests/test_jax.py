"""The JAX backend where TensorFlow is not installed: everything public is there, and gives what TensorFlow gives."""

import keras
import numpy as np
import pytest
from on_jax import NETWORK, answers

import keras_reid

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_layers_and_losses(on_jax, repository):
    """Their own tests, once more."""
    done = on_jax("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/layers", "tests/losses", folder=repository)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def on_both(on_jax, repository, tmp_path_factory):
    """The answers on TensorFlow and on JAX, from the same weights."""
    folder = tmp_path_factory.mktemp("jax")
    weights = folder / "initial.weights.h5"
    keras.utils.set_random_seed(0)
    model = keras_reid.networks.create(**NETWORK)
    for weight in model.weights:
        if weight.path.endswith("locate/kernel"):  # zeros at first: every picture would have the same regions
            weight.assign(np.random.default_rng(0).normal(scale=0.5, size=weight.shape))
    pictures = np.random.default_rng(1).integers(0, 256, (8, *model.input_shape[1:]), "uint8")
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum **= 10  # as if it had seen the pictures ten times, its averages are not far from the maps'
    model({"images": pictures}, training=True)
    model.save_weights(weights)
    done = on_jax(repository / "tests/on_jax.py", weights, folder / "answers.npz")
    assert done.returncode == 0, done.stderr
    return answers(str(weights)), dict(np.load(folder / "answers.npz"))


def test_the_same_embeddings(on_both):
    tensorflow, jax = on_both
    assert tensorflow["embeddings"].shape == (6, 1024)
    np.testing.assert_allclose(np.linalg.norm(jax["embeddings"], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(jax["embeddings"], tensorflow["embeddings"], atol=1e-6)
    np.testing.assert_allclose(jax["published"], tensorflow["published"], atol=1e-5)


def test_the_same_attention(on_both):
    tensorflow, jax = on_both
    assert tensorflow.keys() == jax.keys()
    first, second = jax["attention/level1.regions"]
    assert np.abs(first - second).max() > 1e-4
    for name in tensorflow:
        if name.startswith("attention/"):
            np.testing.assert_allclose(jax[name], tensorflow[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_attention_of_other_weights(on_both):
    for found in on_both:
        feature = found["published_feature"]
        half = feature / np.linalg.norm(feature, axis=1, keepdims=True) / np.sqrt(2)
        np.testing.assert_allclose(half, found["published"][:3, :512], atol=1e-5)


def test_the_same_training(on_both):
    tensorflow, jax = on_both
    assert len(tensorflow["losses"]) == 2
    np.testing.assert_allclose(jax["losses"][0], tensorflow["losses"][0], rtol=1e-5)
    # Batch normalisation over eight pictures magnifies the last digits of the first step's gradients.
    np.testing.assert_allclose(jax["losses"][1], tensorflow["losses"][1], rtol=1e-3)
    moved = 1 - np.sum(tensorflow["trained"] * tensorflow["embeddings"], axis=1)
    apart = 1 - np.sum(tensorflow["trained"] * jax["trained"], axis=1)
    assert moved.min() > 1e-3
    assert apart.max() < 0.05 * moved.min()

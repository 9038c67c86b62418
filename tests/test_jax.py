"""The JAX backend where TensorFlow is not installed: everything public is there, and gives what TensorFlow gives.

`make test` makes the environment; KERAS_REID_JAX_PYTHON names the Python of another one.
"""

import os
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest
from on_jax import NETWORK, answers

import keras_reid

# Most of the time goes into compiling for JAX.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def on_jax(repository):
    """Runs Python on JAX in a folder, with these arguments; returns what came of it."""
    python = Path(os.environ.get("KERAS_REID_JAX_PYTHON", repository / ".venv-jax/bin/python"))
    if not python.is_file():
        pytest.skip(f"needs an environment with JAX and without TensorFlow, looked for at {python}: make test")
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # to compile, not to run
    settings = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": quick, "PYTHONPATH": str(repository)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | settings

    def run(folder, *arguments):
        command = [str(python), *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)

    return run


@pytest.mark.parametrize("folder", ["layers", "losses"])
def test_layers_and_losses(on_jax, repository, folder):
    """Their own tests, once more."""
    done = on_jax(repository, "-m", "pytest", f"tests/{folder}", "-q", "-p", "no:cacheprovider")
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
    for _ in range(10):  # until batch normalisation's averages are not far from the maps'
        model({"images": pictures}, training=True)
    model.save_weights(weights)
    done = on_jax(folder, repository / "tests/on_jax.py", weights, folder / "answers.npz")
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

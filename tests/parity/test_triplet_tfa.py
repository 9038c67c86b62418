"""The batch-hard triplet loss against tensorflow-addons' `TripletHardLoss`.

tensorflow-addons 0.23 needs TensorFlow 2.15, which has no Keras 3: this test runs in an environment of its own
(`make parity`) and asks for our values in the project's, whose Python is `KERAS_REID_PYTHON` or `.venv/bin/python`.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

ROOT = Path(__file__).resolve().parents[2]
OURS = Path(__file__).with_name("ours.py")
DISTANCES = {"euclidean": "L2", "squared_euclidean": "squared-L2", "cosine": "angular"}
MARGINS = (0.3, 1.0, "soft")


def make_batches() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Labels and features of each batch by its name."""
    generator = np.random.default_rng(0)

    def directions(count, dimensions=32):
        features = generator.normal(size=(count, dimensions))
        return features / np.linalg.norm(features, axis=1, keepdims=True)

    centres = np.repeat(2 * np.eye(8, 32), 4, axis=0)
    batches = {
        "balanced": (np.repeat(np.arange(8), 4), directions(32)),
        "long": (np.repeat(np.arange(8), 4), 3 * directions(32)),
        "uneven": (np.array([3, 3, 3, 3, 3, 9, 9, 1, 4, 5]), directions(10)),
        "all_alone": (np.arange(6), directions(6)),
        "one_identity": (np.full(7, 5), directions(7)),
        "one_image": (np.array([2]), directions(1)),
        # Positives ~0.4 apart, negatives ~2.8: every hinge is closed, also for the margin 1.
        "zero_loss": (np.repeat(np.arange(8), 4), centres + 0.3 * directions(32)),
        # Eighths, so that both ways to a distance are exact where images coincide.
        "coinciding": (np.array([1, 1, 2, 2, 3]), np.array([[1, 2], [1, 2], [1, 2], [5, 8], [3, 3]]) / 8),
    }
    return {name: (labels.astype("int32"), features.astype("float32")) for name, (labels, features) in batches.items()}


BATCHES = make_batches()


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """Our losses and gradients by case."""
    folder = tmp_path_factory.mktemp("parity")
    arrays = {}
    for name, (labels, features) in BATCHES.items():
        arrays |= {f"{name}.labels": labels, f"{name}.features": features}
    np.savez(folder / "batches.npz", **arrays)
    python = os.environ.get("KERAS_REID_PYTHON", str(ROOT / ".venv/bin/python"))
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [python, str(OURS), str(folder / "batches.npz"), str(folder / "losses.npz")]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=240)
    return np.load(folder / "losses.npz")


def theirs(name, margin, distance):
    """tensorflow-addons' loss and gradient."""
    labels, features = BATCHES[name]
    options = {"soft": True} if margin == "soft" else {"margin": margin}
    loss_function = tfa.losses.TripletHardLoss(distance_metric=DISTANCES[distance], **options)
    features = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = loss_function(labels, features)
    return loss.numpy(), tape.gradient(loss, features).numpy()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("name", BATCHES)
def test_same_loss(ours, name, margin, distance):
    loss, _ = theirs(name, margin, distance)
    np.testing.assert_allclose(ours[f"{name}/{margin}/{distance}"], loss, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("distance", ["euclidean", "squared_euclidean"])
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("name", [name for name in BATCHES if name != "coinciding"])
def test_same_gradient(ours, name, margin, distance):
    # Where images coincide the hardest pair is not unique, and each may choose its own.
    _, gradient = theirs(name, margin, distance)
    np.testing.assert_allclose(ours[f"{name}/{margin}/{distance}/gradient"], gradient, atol=2e-6)


@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_the_edges_are_what_they_are_called(margin):
    assert theirs("zero_loss", margin, "euclidean")[0] == 0
    np.testing.assert_allclose(theirs("one_identity", margin, "euclidean")[0], margin, rtol=1e-6)

"""Cross-entropy with smoothed targets, by hand and beside Keras' own, which takes one-hot targets."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.losses import SmoothedCrossEntropy

LOGITS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
LABELS = np.array([2, 0, 1, 1])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_as_keras_has_it_for_one_hot_targets(smoothing, shape):
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    ours = SmoothedCrossEntropy(smoothing)(LABELS.reshape(shape), LOGITS)
    np.testing.assert_allclose(ours, theirs(np.eye(3, dtype="float32")[LABELS], LOGITS), rtol=1e-6)


def test_by_hand():
    """Two identities, logits log 3 and 0: probabilities 3/4 and 1/4, targets 0.9 and 0.1."""
    loss = SmoothedCrossEntropy(0.2)(np.array([0]), np.array([[np.log(3), 0]], "float32"))
    assert float(loss) == pytest.approx(-0.9 * np.log(3 / 4) - 0.1 * np.log(1 / 4), rel=1e-6)


def test_half_precision_is_summed_in_full():
    """A logarithm that small is 0 in float16, whose steps are 0.001 near 1."""
    logits = ops.cast([[9.0, 0.0], [9.5, 0.0]], "float16")
    lost = SmoothedCrossEntropy(0.0).call(np.array([0, 0]), logits)
    np.testing.assert_allclose(lost, np.log1p(np.exp([-9.0, -9.5])), rtol=1e-3)


def test_labels_are_exact_in_any_policy():
    """bfloat16 has steps of 2 at 257."""
    logits = np.zeros((1, 300), "float32")
    logits[0, 257] = 100
    before = keras.config.floatx()
    keras.config.set_floatx("bfloat16")
    try:
        lost = SmoothedCrossEntropy(0.0)(np.array([257]), logits)
    finally:
        keras.config.set_floatx(before)
    assert float(lost) == 0


def test_as_many_labels_as_images():
    with pytest.raises(ReIDError, match=r"^Expected 4 labels, one an image\. Received: 1\.$"):
        SmoothedCrossEntropy()(LABELS[:1], LOGITS)


def test_round_trip():
    loss = SmoothedCrossEntropy(0.3, name="mine")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.smoothing, again.name) == (0.3, "mine")


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, None])
def test_bad_smoothing(smoothing):
    with pytest.raises(ReIDError) as error:
        SmoothedCrossEntropy(smoothing)
    assert str(error.value) == (f"SmoothedCrossEntropy expects `smoothing` in [0, 1). Received: smoothing={smoothing}")


def test_one_hot_labels():
    with pytest.raises(ReIDError, match=r"one-hot labels need an argmax first\. Received: \(4, 3\)"):
        SmoothedCrossEntropy()(np.eye(3)[LABELS], LOGITS)

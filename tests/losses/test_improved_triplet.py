import keras
import numpy as np
import pytest
from keras import ops

from keras_reid import ReIDError
from keras_reid.losses import BatchHardTriplet, ImprovedTriHard

# Identity 1 at (0, 0) and (3, 4), identity 2 at (0, 1): distances 5, 1 and √18.
LABELS = np.array([1, 1, 2])
FEATURES = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], "float32")


def per_anchor(margin, distance="euclidean", features=FEATURES):
    return ops.convert_to_numpy(ImprovedTriHard(margin, distance, reduction=None)(LABELS, features))


def test_by_hand():
    """Eq. 9: the positive's distance, and TriHard; the lone image has neither a positive nor a negative too near."""
    np.testing.assert_allclose(per_anchor(0.3), [5 + 5 - 1 + 0.3, 5 + 5 - 18**0.5 + 0.3, 0], rtol=1e-6)
    soft = np.log1p(np.exp([4, 5 - 18**0.5, -1]))
    np.testing.assert_allclose(per_anchor("soft"), np.array([5, 5, 0]) + soft, rtol=1e-6)


def test_lengths_do_not_count():
    """Unit vectors (1, 0), (.6, .8), (0, 1): distances √.8, √2 and √.4."""
    near = 0.8**0.5
    for features in ([[2, 0], [3, 4], [0, 1]], [[0.1, 0], [0.6, 0.8], [0, 9]]):
        found = ImprovedTriHard(0.3, reduction=None)(LABELS, np.array(features, "float32"))
        np.testing.assert_allclose(found, [near, near + near - 0.4**0.5 + 0.3, 0], rtol=1e-6)


def test_positives_attract_where_the_triplet_loss_is_content():
    features = np.array([[0.0, 0.0], [0.1, 0.0], [9.0, 9.0]], "float32")
    assert float(BatchHardTriplet()(LABELS, features)) == 0
    assert float(ImprovedTriHard(distance="euclidean")(LABELS, features)) == pytest.approx(0.2 / 3, rel=1e-5)


def test_one_identity_and_half_precision():
    loss = ImprovedTriHard(0.3, "euclidean")
    same = float(loss(np.ones(3), FEATURES))
    assert same == pytest.approx((5 + 5 + 18**0.5) / 3 + 0.3, rel=1e-6)
    half = float(loss(LABELS, ops.cast(FEATURES, "bfloat16")))
    assert half == pytest.approx(per_anchor(0.3).mean(), rel=1e-6)


def test_round_trip_and_bad_arguments():
    loss = ImprovedTriHard(0.5, "cosine")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    with pytest.raises(ReIDError, match="`margin` must be a number of at least 0, or 'soft'"):
        ImprovedTriHard(-1)

"""Batch-hard triplet loss: numbers worked by hand, edges of the definition, gradients, Keras' conventions."""

import keras
import numpy as np
import pytest
from gradients import gradient
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_reid import ReIDError
from keras_reid.losses import BatchHardTriplet
from keras_reid.losses.triplet import DISTANCES

# Identity 1 at (0, 0) and (3, 4), identity 2 at (0, 1): distances 5, 1 and √18.
LABELS = np.array([1, 1, 2])
FEATURES = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], "float32")
ROOT18 = 18**0.5


def per_anchor(margin, labels, features, **options):
    return ops.convert_to_numpy(BatchHardTriplet(margin, reduction=None, **options)(labels, features))


@pytest.mark.parametrize(
    ("distance", "margin", "expected"),
    [
        ("euclidean", 0.3, [5 - 1 + 0.3, 5 - ROOT18 + 0.3, 0.0]),
        ("euclidean", 2, [6.0, 5 - ROOT18 + 2, 1.0]),  # the lone image has itself as its positive: 0 − 1 + 2
        ("squared_euclidean", 0.3, [25 - 1 + 0.3, 25 - 18 + 0.3, 0.0]),
        ("euclidean", "soft", np.log1p(np.exp([4, 5 - ROOT18, -1]))),
    ],
)
def test_by_hand(distance, margin, expected):
    np.testing.assert_allclose(per_anchor(margin, LABELS, FEATURES, distance=distance), expected, rtol=1e-6)


def test_cosine_by_hand():
    features = np.array([[2.0, 0.0], [0.0, 3.0], [5.0, 5.0]], "float32")  # 90° between the two of identity 1, 45° to 2
    near = 1 - 0.5**0.5
    expected = [1 - near + 0.3, 1 - near + 0.3, 0 - near + 0.3]
    np.testing.assert_allclose(per_anchor(0.3, LABELS, features, distance="cosine"), expected, rtol=1e-6)


def test_normalized_euclidean_is_of_unit_vectors():
    lengths = np.array([[3.0], [0.2], [7.0]], "float32")
    unit = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], "float32")
    found = per_anchor(0.3, LABELS, lengths * unit, distance="normalized_euclidean")
    np.testing.assert_allclose(found, per_anchor(0.3, LABELS, unit), rtol=1e-6)


def test_the_mean_over_anchors_and_sample_weights():
    expected = np.array([4.3, 5.3 - ROOT18, 0.0])
    loss = BatchHardTriplet()
    assert float(loss(LABELS, FEATURES)) == pytest.approx(expected.mean(), rel=1e-6)
    weights = np.array([1.0, 0.0, 1.0])
    assert float(loss(LABELS, FEATURES, sample_weight=weights)) == pytest.approx((expected * weights).mean(), rel=1e-6)


def test_labels_with_a_trailing_axis_are_the_same():
    np.testing.assert_array_equal(per_anchor(0.3, LABELS[:, None], FEATURES), per_anchor(0.3, LABELS, FEATURES))


@pytest.mark.parametrize(("margin", "expected"), [(0.3, 0.3), ("soft", np.log(2))])
def test_one_identity_gives_the_margin_and_no_gradient(margin, expected):
    labels = np.array([7, 7, 7])
    np.testing.assert_allclose(per_anchor(margin, labels, FEATURES), [expected] * 3, rtol=1e-6)
    np.testing.assert_array_equal(gradient(BatchHardTriplet(margin), labels, FEATURES), np.zeros((3, 2)))


def test_one_image_gives_the_margin():
    np.testing.assert_allclose(per_anchor(0.3, np.array([1]), FEATURES[:1]), [0.3], rtol=1e-6)


def test_gradient_by_hand():
    # Anchor 0: (f1−f0)/5 pulls, (f2−f0)/1 pushes; anchor 1: pulls from 0 along (3,4)/5, pushes from 2 along (3,3)/√18.
    pull, diagonal = np.array([0.6, 0.8]), np.array([0.5, 0.5]) ** 0.5
    up = np.array([0.0, 1.0])
    expected = np.stack([-2 * pull + up, 2 * pull - diagonal, -up + diagonal]) / 3
    np.testing.assert_allclose(gradient(BatchHardTriplet(0.3), LABELS, FEATURES), expected, atol=1e-6)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("margin", [0.3, "soft"])
def test_images_that_coincide_have_finite_gradients(distance, margin):
    features = np.ones((4, 3), "float32")
    slopes = gradient(BatchHardTriplet(margin, distance), np.array([1, 1, 2, 2]), features)
    np.testing.assert_allclose(slopes, np.zeros((4, 3)), atol=1e-7)


@pytest.mark.parametrize("distance", DISTANCES)
def test_features_that_are_no_numbers_show(distance):
    features = np.where(np.arange(3)[:, None] == 1, np.nan, FEATURES).astype("float32")
    assert np.isnan(float(BatchHardTriplet(0.3, distance)(LABELS, features)))


def test_soft_margin_does_not_overflow():
    features = np.array([[0.0], [1000.0], [1.0]], "float32")
    np.testing.assert_allclose(
        per_anchor("soft", LABELS, features), [999.0, 1.0 + np.log1p(np.exp(-1)), np.log1p(np.exp(-1))]
    )


def test_close_images_far_from_the_origin_keep_their_distance():
    # |a|² + |b|² − 2ab in float32 would be off by about 2 here.
    features = np.array([[4096.0], [4096.25], [4100.0]], "float32")
    expected = [0.25 - 4 + 5, 0.25 - 3.75 + 5, 0 - 3.75 + 5]
    np.testing.assert_allclose(per_anchor(5, LABELS, features), expected, rtol=1e-6)


def test_several_negatives_by_hand():
    # Identity 1 at 0 and 2, identity 2 at 1 and 5: for the anchor at 0 the gaps are 2 − 1 and 2 − 5, with margin 1.
    labels, features = np.array([1, 1, 2, 2]), np.array([[0.0], [2.0], [1.0], [5.0]], "float32")
    expected = [(2 + 0) / 2, (2 + 0) / 2, (4 + 4) / 2, (2 + 0) / 2]
    np.testing.assert_allclose(per_anchor(1, labels, features, negatives=2), expected, rtol=1e-6)
    # There are no more than two to push away from each.
    np.testing.assert_allclose(per_anchor(1, labels, features, negatives=5), expected, rtol=1e-6)


def test_several_negatives_without_any():
    labels = np.array([7, 7, 7])
    np.testing.assert_allclose(per_anchor(1, labels, FEATURES, negatives=5), [1.0] * 3, rtol=1e-6)
    np.testing.assert_array_equal(gradient(BatchHardTriplet(1, negatives=5), labels, FEATURES), np.zeros((3, 2)))


def test_anchors_with_different_numbers_of_negatives():
    # The first three have one negative, the last has three: each anchor's loss is the mean of its own triplets.
    labels, features = np.array([1, 1, 1, 2]), np.array([[0.0], [1.0], [2.0], [4.0]], "float32")
    expected = [0.0, 0.0, 2 - 2 + 1, (0 + 0 + 0) / 3]
    np.testing.assert_allclose(per_anchor(1, labels, features, negatives=3), expected, atol=1e-6)
    expected = [2 - 4 + 5, 1 - 3 + 5, 2 - 2 + 5, ((-2 + 5) + (-3 + 5) + (-4 + 5)) / 3]
    np.testing.assert_allclose(per_anchor(5, labels, features, negatives=3), expected, rtol=1e-6)


def test_several_negatives_in_float16():
    features = (FEATURES * 100).astype("float16")
    losses = BatchHardTriplet(0.3, negatives=5, reduction=None)(LABELS, features)
    assert keras.backend.standardize_dtype(losses.dtype) == "float32"
    np.testing.assert_allclose(losses, [400.3, 500.3 - 100 * ROOT18, 0.0], rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([1, 2, 12]),  # few shapes, each of which JAX compiles
    st.integers(1, 5),
    st.sampled_from([0.0, 0.3, 2.5]),
    st.sampled_from([1, 2, 5]),
)
def test_against_loops(seed, count, identities, margin, negatives):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, identities, count)
    features = generator.normal(size=(count, 6)).astype("float32")
    expected = []
    for anchor in range(count):
        distances = [float(np.linalg.norm(features[anchor] - other)) for other in features]
        own = max(d for d, label in zip(distances, labels, strict=True) if label == labels[anchor])
        others = [d for d, label in zip(distances, labels, strict=True) if label != labels[anchor]]
        triplets = [max(0.0, own - other + margin) for other in sorted(others)[:negatives] or [own]]
        expected.append(np.mean(triplets))
    np.testing.assert_allclose(per_anchor(margin, labels, features, negatives=negatives), expected, atol=1e-5)


def test_float16_features_are_computed_in_float32():
    features = (FEATURES * 100).astype("float16")  # the squares overflow float16
    losses = BatchHardTriplet(0.3, reduction=None)(LABELS, features)
    assert keras.backend.standardize_dtype(losses.dtype) == "float32"
    np.testing.assert_allclose(losses, [400.3, 500.3 - 100 * ROOT18, 0.0], rtol=1e-6)


def test_large_labels_stay_apart():
    labels = np.array([2**24 - 2, 2**24 - 2, 2**24 - 1])
    np.testing.assert_array_equal(per_anchor(0.3, labels, FEATURES), per_anchor(0.3, LABELS, FEATURES))


def test_config_round_trip():
    loss = BatchHardTriplet("soft", distance="cosine", negatives=3, reduction="sum", name="hardest")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, BatchHardTriplet)
    assert again.get_config() == loss.get_config()
    assert float(again(LABELS, FEATURES[:, ::-1])) == float(loss(LABELS, FEATURES[:, ::-1]))


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf"), "hard", None, True])
def test_bad_margin(margin):
    with pytest.raises(ReIDError) as error:
        BatchHardTriplet(margin)
    assert str(error.value) == f"`margin` must be a number of at least 0, or 'soft'. Received: {margin!r}."


@pytest.mark.parametrize("negatives", [0, 2.0, True, "all"])
def test_bad_negatives(negatives):
    with pytest.raises(ReIDError) as error:
        BatchHardTriplet(negatives=negatives)
    assert str(error.value) == f"`negatives` must be a whole number of at least 1. Received: {negatives!r}."


def test_bad_distance():
    with pytest.raises(ReIDError) as error:
        BatchHardTriplet(distance="manhattan")
    expected = (
        "`distance` must be one of euclidean, squared_euclidean, normalized_euclidean, cosine. Received: 'manhattan'."
    )
    assert str(error.value) == expected


def test_bad_shapes():
    with pytest.raises(ReIDError) as error:
        BatchHardTriplet()(np.eye(3), FEATURES)
    assert str(error.value) == (
        "Expected one integer label an image, shape (batch,) or (batch, 1); one-hot labels need an argmax first. "
        "Received: (3, 3)."
    )
    with pytest.raises(ReIDError) as error:
        BatchHardTriplet()(LABELS, FEATURES[None])
    assert str(error.value) == "Expected one embedding an image, shape (batch, dimensions). Received: (1, 3, 2)."
    with pytest.raises(ReIDError) as error:
        BatchHardTriplet()(LABELS[:1], FEATURES)
    assert str(error.value) == "Expected 3 labels, one an image. Received: 1."

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_reid import ReIDError
from keras_reid.losses import AttentionCosineDistance

UP = [[1.0, 0.0], [0.0, 0.0]]
DOWN = [[0.0, 0.0], [1.0, 0.0]]
EVEN = [[1.0, 0.0], [1.0, 0.0]]
ROOT = 0.5**0.5


def vectors(maps, **options):
    return ops.convert_to_numpy(AttentionCosineDistance(**options).attention_vectors(np.array(maps, "float32")))


def test_pairs_by_hand():
    """Cosines of the row means (1, 0), (0, 1) and (1, 1): 0, √½ and √½; the fourth picture has no partner."""
    maps = np.array([UP, DOWN, EVEN, EVEN], "float32")
    loss = AttentionCosineDistance(0, 0)
    assert float(loss(np.array([1, 1, 1, 2]), maps)) == pytest.approx((1 + 2 * (1 - ROOT)) / 3, rel=1e-5)
    assert float(loss(np.array([1, 1, 2, 2]), maps)) == pytest.approx(0.5, rel=1e-5)
    assert float(loss(np.array([1, 2, 3, 4]), maps)) == 0


def test_scale_and_offset_do_not_matter():
    """Eq. 5, and the cosine."""
    maps = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    np.testing.assert_allclose(vectors(maps * 7 - 3), vectors(maps), rtol=1e-4)


def test_background_is_left_out():
    """Row means of 0.6, 0, 0.6 and 0.1 and column means of 0.25, 0 and 0.725: rows 1 and 3 of columns 1 and 3."""
    picture = [[0.8, 0.0, 1.0], [0.0, 0.0, 0.0], [0.8, 0.0, 1.0], [0.0, 0.0, 0.3]]
    kept = vectors([picture], row_threshold=0.3, column_threshold=0.3, length=2)
    np.testing.assert_allclose(kept, [[0.9, 0.9]], rtol=1e-5)
    wide = vectors([picture], row_threshold=0.05, column_threshold=0.5, length=3)
    np.testing.assert_allclose(wide, [[1, 1, 0.3]], rtol=1e-5)


@pytest.mark.parametrize("length", [1, 3, 5, 8])
def test_resampling_is_linear_interpolation(length):
    """Of the rows that are left, at the samples' middles."""
    picture = np.array([[1.0], [0.0], [0.5], [0.9], [0.1], [0.7]])
    rows = picture[picture >= 0.3]
    middles = (np.arange(length) + 0.5) * len(rows) / length - 0.5
    np.testing.assert_allclose(
        vectors([picture], length=length)[0], np.interp(middles, range(len(rows)), rows), rtol=1e-5
    )


def test_where_nothing_reaches_the_threshold_all_stays():
    dot = np.zeros((1, 4, 4))
    dot[0, 1, 1] = 1
    np.testing.assert_allclose(vectors(dot), [[0, 0.25, 0, 0]], rtol=1e-6)
    assert np.isfinite(vectors(np.ones((1, 4, 4)))).all()


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_gradients_reach_what_made_the_map(precision):
    """Through one training step, from two pictures looked at in different places."""
    image = keras.Input((4, 2, 3))
    start = keras.initializers.GlorotUniform(seed=0)
    convolution = layers.Conv2D(1, 1, use_bias=False, kernel_initializer=start, dtype=precision)
    model = keras.Model(image, layers.Reshape((4, 2), dtype="float32")(convolution(image)))
    model.compile(keras.optimizers.SGD(0.1), AttentionCosineDistance())
    before = convolution.get_weights()[0]
    pictures = np.random.default_rng(0).normal(size=(4, 4, 2, 3)).astype("float32")
    first = model.train_on_batch(pictures, np.array([0, 0, 1, 1]))
    change = convolution.get_weights()[0] - before
    assert np.isfinite(change).all()
    assert np.abs(change).max() > 1e-5
    for _ in range(20):
        last = model.train_on_batch(pictures, np.array([0, 0, 1, 1]))
    assert last < first


@pytest.mark.parametrize("other", [0.0, 1.0])
def test_flat_maps_have_no_gradient(other):
    """Both flat, and one beside a map that is not."""
    image = keras.Input((4, 2, 1))
    scale = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")
    model = keras.Model(image, layers.Reshape((4, 2))(scale(image)))
    model.compile(keras.optimizers.SGD(0.1), AttentionCosineDistance())
    pictures = np.ones((2, 4, 2, 1), "float32")
    pictures[1, 0] += other
    assert model.train_on_batch(pictures, np.array([0, 0])) == pytest.approx(1)
    assert scale.get_weights()[0] == pytest.approx(1, abs=1e-6)


def test_round_trip_and_bad_arguments():
    loss = AttentionCosineDistance(0.2, 0.4, 16)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    for arguments, message in (
        ({"row_threshold": 2}, "`row_threshold` must be a number from 0 to 1. Received: 2."),
        ({"column_threshold": None}, "`column_threshold` must be a number from 0 to 1. Received: None."),
        ({"column_threshold": -1}, "`column_threshold` must be a number from 0 to 1. Received: -1."),
        ({"length": 0}, "`length` must be a whole number above 0, or None. Received: 0."),
    ):
        with pytest.raises(ReIDError) as error:
            AttentionCosineDistance(**arguments)
        assert str(error.value) == message
    with pytest.raises(
        ReIDError, match=r"Expected one map an image, shape \(batch, height, width\). Received: \(2, 4\)"
    ):
        loss.call(np.zeros(2), np.zeros((2, 4)))

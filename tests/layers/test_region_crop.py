import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import RegionCrop


def sampled(features, positions, size):
    """Direct bilinear sampling, one value after the other; zero outside of the map."""
    batch, height, width, channels = features.shape
    result = np.zeros((batch, positions.shape[1], *size, channels))
    for b, t, i, j in np.ndindex(*result.shape[:-1]):
        y = (positions[b, t, 0] + 1) / 2 * height - size[0] / 2 + i
        x = (positions[b, t, 1] + 1) / 2 * width - size[1] / 2 + j
        for row in (int(np.floor(y)), int(np.floor(y)) + 1):
            for column in (int(np.floor(x)), int(np.floor(x)) + 1):
                if 0 <= row < height and 0 <= column < width:
                    result[b, t, i, j] += (1 - abs(y - row)) * (1 - abs(x - column)) * features[b, row, column]
    return result


def test_layer():
    run_layer_checks(RegionCrop((3, 2)), (2, 6, 4, 5), (2, 4, 2), config={"size": (3, 2)}, training_weights=False)


@settings(max_examples=6, deadline=None)
@given(st.data())
def test_equals_direct_sampling(data):
    height, width = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 5))
    size = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    features = rng.normal(size=(2, height, width, 3)).astype("float32")
    positions = rng.uniform(-1.3, 1.3, (2, 3, 2)).astype("float32")
    result = ops.convert_to_numpy(RegionCrop(size)(features, positions))
    np.testing.assert_allclose(result, sampled(features, positions.astype("float64"), size), atol=2e-5)


def test_whole_samples_are_copied():
    features = np.arange(24, dtype="float32").reshape(1, 6, 4, 1)
    middle = ops.convert_to_numpy(RegionCrop((2, 2))(features, np.zeros((1, 1, 2), "float32")))[0, 0, ..., 0]
    np.testing.assert_array_equal(middle, features[0, 2:4, 1:3, 0])


def test_outside_of_the_map_is_zero():
    result = ops.convert_to_numpy(RegionCrop((2, 2))(np.ones((1, 4, 4, 1), "float32"), -np.ones((1, 1, 2), "float32")))
    np.testing.assert_array_equal(result[0, 0, ..., 0], [[0, 0], [0, 1]])


def test_positions_can_be_learnt():
    """A region learns to move onto the bright row: the gradient reaches the position through the sampling."""
    features = np.zeros((1, 9, 3, 1), "float32")
    features[0, 2:7, :, 0] = np.array([1, 2, 3, 2, 1])[:, None]  # brightest at row 4, the middle
    symbols = keras.Input((9, 3, 1))
    offset = keras.layers.Dense(2, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(-0.2))
    positions = keras.layers.Reshape((1, 2))(offset(keras.layers.GlobalAveragePooling2D()(symbols)))
    model = keras.Model(symbols, keras.layers.Flatten()(RegionCrop((1, 1))(symbols, positions)))
    model.compile(keras.optimizers.SGD(0.01), loss="mse")
    before = float(model.predict_on_batch(features)[0, 0])
    for _ in range(20):
        model.train_on_batch(features, np.array([[3.0]]))
    assert float(model.predict_on_batch(features)[0, 0]) > before + 0.3


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"RegionCrop expects `size` as \(height, width\). Received: size=\(3,\)"):
        RegionCrop((3,))
    with pytest.raises(ReIDError, match=r"^RegionCrop expects `size` as \(height, width\)\. Received: size=12$"):
        RegionCrop(12)
    with pytest.raises(
        ReIDError, match=r"RegionCrop expects `height` to be a whole number above 0. Received: height=0"
    ):
        RegionCrop((0, 3))
    with pytest.raises(ReIDError, match=r"RegionCrop expects a feature map .* of known size"):
        RegionCrop((3, 2)).build((None, None, 4, 5), (None, 4, 2))

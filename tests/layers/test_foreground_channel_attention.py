import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import ForegroundChannelAttention


def test_layer():
    keras.utils.set_random_seed(0)  # no unit behind a dead ReLU
    run_layer_checks(ForegroundChannelAttention(reduction=4), (6, 5, 3, 16), config={"reduction": 4})


def test_weights():
    """Section 3.2.1: two 1×1 convolutions, c to c/r and back; biases besides."""
    layer = ForegroundChannelAttention()
    layer.build((None, 24, 12, 1024))
    assert layer.squeeze.kernel.shape == (1024, 64)
    assert layer.expand.kernel.shape == (64, 1024)


def test_by_hand():
    """Means 1 and 3, minima 0 and 2: signature (1, 1), whatever the background's level; relu(1 + 2 − 1) = 2."""
    layer = ForegroundChannelAttention(reduction=2)
    layer.build((None, 2, 1, 2))
    layer.squeeze.set_weights([np.array([[1.0], [2.0]]), np.array([-1.0])])
    layer.expand.set_weights([np.array([[1.0, -2.0]]), np.array([1.0, 0.0])])
    inputs = np.array([[[[0.0, 2.0]], [[2.0, 4.0]]]], "float32")
    expected = 1 / (1 + np.exp([-3.0, 4.0]))
    for level in (0, 7):
        result = ops.convert_to_numpy(layer(inputs + level))
        np.testing.assert_allclose(result[0, 0, 0], expected, rtol=1e-5)


def test_bad_arguments():
    with pytest.raises(
        ReIDError,
        match=r"ForegroundChannelAttention expects `reduction` to be a whole number above 0. Received: reduction=0.5",
    ):
        ForegroundChannelAttention(reduction=0.5)
    with pytest.raises(ReIDError, match="ForegroundChannelAttention expects a feature map"):
        ForegroundChannelAttention().build((None, 4, 4, None))

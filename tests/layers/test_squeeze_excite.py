import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import SqueezeExcite


def test_layer():
    keras.utils.set_random_seed(0)  # no unit behind a dead ReLU
    run_layer_checks(SqueezeExcite(reduction=4), (6, 5, 3, 8), config={"reduction": 4})


def test_by_hand():
    """Means 1 and 3; down to relu(1 + 2·3 − 5) = 2; up to sigmoid(2 + 1) and sigmoid(−4)."""
    layer = SqueezeExcite(reduction=2)
    layer.build((None, 2, 1, 2))
    layer.squeeze.set_weights([np.array([[1.0], [2.0]]), np.array([-5.0])])
    layer.excite.set_weights([np.array([[1.0, -2.0]]), np.array([1.0, 0.0])])
    inputs = np.array([[[[0.0, 2.0]], [[2.0, 4.0]]]], "float32")
    mask = 1 / (1 + np.exp([-3.0, 4.0]))
    np.testing.assert_allclose(ops.convert_to_numpy(layer.mask(inputs))[0, 0, 0], mask, rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), inputs * mask, rtol=1e-5)


def test_a_narrow_map_keeps_one_channel():
    layer = SqueezeExcite()
    layer.build((None, 4, 4, 8))
    assert layer.squeeze.kernel.shape == (8, 1)


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"SqueezeExcite expects `reduction` to be a whole number above 0. Received: "):
        SqueezeExcite(reduction=0)
    with pytest.raises(ReIDError, match="SqueezeExcite expects a feature map"):
        SqueezeExcite().build((None, 8))

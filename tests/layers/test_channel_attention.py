import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import ChannelAttention


def test_layer():
    run_layer_checks(ChannelAttention(reduction=4), (6, 5, 3, 8), config={"reduction": 4})


def test_weights():
    layer = ChannelAttention()
    layer.build((None, 20, 8, 256))
    assert sum(int(np.prod(dense.kernel.shape)) for dense in (layer.squeeze, layer.excite)) == 2 * 256**2 // 16


def test_by_hand():
    """Means 1 and 3; down to 1·1 + 2·3 = 7; up to 7 and −14, the normalisations adding 0 and 1 at their start."""
    layer = ChannelAttention(reduction=2)
    layer.build((None, 2, 1, 2))
    layer.squeeze.kernel.assign([[1.0], [2.0]])
    layer.excite.kernel.assign([[1.0, -2.0]])
    result = layer(ops.convert_to_tensor([[[[0.0, 2.0]], [[2.0, 4.0]]]]))
    np.testing.assert_allclose(ops.convert_to_numpy(result)[0, 0, 0], [7 / 1.001 + 1, 0], rtol=1e-5)


def test_mean_at_hand_gives_the_same():
    features = np.random.default_rng(0).normal(size=(3, 4, 2, 8)).astype("float32")
    layer = ChannelAttention(reduction=2)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(features)), ops.convert_to_numpy(layer(features.mean(axis=(1, 2)))), rtol=1e-5
    )


def test_bad_arguments():
    with pytest.raises(
        ReIDError, match=r"ChannelAttention expects `reduction` to be a whole number above 0. Received: reduction=0"
    ):
        ChannelAttention(reduction=0)
    with pytest.raises(ReIDError, match=r"that `reduction` divides. Received: channels=10, reduction=16"):
        ChannelAttention().build((None, 4, 4, 10))

import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import SpatialAttention


def test_layer():
    run_layer_checks(SpatialAttention(momentum=0.8), (3, 8, 4, 5), config={"momentum": 0.8, "synchronized": False})


@pytest.mark.parametrize("channels", [3, 128])
def test_ten_weights_whatever_the_width(channels):
    layer = SpatialAttention()
    layer.build((None, 8, 4, channels))
    assert [tuple(layer.convolution.kernel.shape), tuple(layer.scale.kernel.shape)] == [(3, 3, 1, 1), (1, 1, 1, 1)]


def test_by_hand():
    """Of a map of ones the first convolution sees 9, 6 or 4 of 9: "same" with stride 2 pads below and right only.

    At its start a normalisation divides by √(1 + 0.001) and adds 1.
    """
    result = ops.convert_to_numpy(SpatialAttention()(ops.ones((1, 4, 4, 2))))[0, :, :, 0]
    normal = np.sqrt(1.001)
    halved = np.array([[9, 6], [6, 4]]) / 9 / normal + 1
    resize = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    np.testing.assert_allclose(result, resize @ halved @ resize.T / normal + 1, rtol=1e-5)


@pytest.mark.parametrize("shape", [(None, 8), (None, 8, 4, None)])
def test_bad_input(shape):
    with pytest.raises(
        ReIDError, match=r"SpatialAttention expects a feature map of shape \(batch, height, width, channels\)"
    ):
        SpatialAttention().build(shape)


def test_a_map_of_unknown_size():
    with pytest.raises(ReIDError, match=r"^SpatialAttention expects a feature map of known height and width\."):
        SpatialAttention().build((None, None, None, 8))

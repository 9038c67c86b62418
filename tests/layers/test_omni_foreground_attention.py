import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import OmniForegroundAttention


def maps(*channels):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(3, 6, 4, number)).astype("float32") for number in channels]


@pytest.mark.parametrize(
    "shapes",
    [((3, 6, 4, 16), (3, 6, 4, 12)), ((3, 6, 4, 16),), ((3, 7, 5, 16), (3, 4, 3, 12))],
    ids=["parallel", "series", "strided"],
)
def test_layer(shapes):
    keras.utils.set_random_seed(0)  # no unit behind a dead ReLU
    run_layer_checks(OmniForegroundAttention(reduction=4), *shapes, config={"reduction": 4})


def test_in_parallel():
    """Eq. 2, the mask computed from F_in × C."""
    entering, leaving = maps(8, 12)
    layer = OmniForegroundAttention(reduction=4)
    result = layer(entering, leaving)
    channel = layer.channel(entering)
    spatial = layer.spatial(entering * channel)
    np.testing.assert_allclose(result["channel"], channel, rtol=1e-5)
    np.testing.assert_allclose(result["spatial"], spatial, rtol=1e-5)
    np.testing.assert_allclose(result["features"], leaving * ops.convert_to_numpy(spatial), rtol=1e-5)


def test_beside_a_block_of_stride_2():
    """The mask is that of the map that enters, each four of its positions averaged."""
    entering, leaving = maps(8, 12)
    layer = OmniForegroundAttention(reduction=4)
    result = layer(entering, leaving[:, ::2, ::2])
    spatial = ops.convert_to_numpy(layer.spatial(entering * layer.channel(entering)))
    expected = spatial.reshape(3, 3, 2, 2, 2, 12).mean(axis=(2, 4))
    np.testing.assert_allclose(result["spatial"], expected, rtol=1e-5)
    np.testing.assert_allclose(result["features"], leaving[:, ::2, ::2] * expected, rtol=1e-5)


def test_in_series_is_in_parallel_to_nothing():
    (leaving,) = maps(8)
    layer = OmniForegroundAttention(reduction=4)
    np.testing.assert_allclose(layer(leaving)["features"], layer(leaving, leaving)["features"], rtol=1e-6)


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"expects `reduction` to be a whole number above 0. Received: reduction=0"):
        OmniForegroundAttention(reduction=0)
    with pytest.raises(ReIDError) as error:
        OmniForegroundAttention().build((None, 6, 4, 8), (None, 3, 4, 16))
    assert str(error.value) == (
        "OmniForegroundAttention expects a block whose output is smaller than its input by a whole stride, if at all. "
        "Received: 6×4 and 3×4"
    )
    with pytest.raises(ReIDError, match="OmniForegroundAttention expects a feature map"):
        OmniForegroundAttention().build((None, 8))

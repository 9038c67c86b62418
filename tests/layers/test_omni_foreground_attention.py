import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import OmniForegroundAttention


def maps(*channels):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(3, 6, 4, number)).astype("float32") for number in channels]


@pytest.mark.parametrize("shapes", [((3, 6, 4, 8), (3, 6, 4, 12)), ((3, 6, 4, 8),)], ids=["parallel", "series"])
def test_layer(shapes):
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


def test_in_series_is_in_parallel_to_nothing():
    (leaving,) = maps(8)
    layer = OmniForegroundAttention(reduction=4)
    np.testing.assert_allclose(layer(leaving)["features"], layer(leaving, leaving)["features"], rtol=1e-6)


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"expects `reduction` to be a whole number above 0. Received: reduction=0"):
        OmniForegroundAttention(reduction=0)
    with pytest.raises(ReIDError) as error:
        OmniForegroundAttention().build((None, 6, 4, 8), (None, 3, 2, 16))
    assert str(error.value) == (
        "OmniForegroundAttention expects a block that keeps height and width. Received: shapes (None, 6, 4, 8) and "
        "(None, 3, 2, 16)"
    )
    with pytest.raises(ReIDError, match="OmniForegroundAttention expects a feature map"):
        OmniForegroundAttention().build((None, 8))

import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import SoftAttention


@pytest.mark.parametrize(("spatial", "channel"), [(True, True), (True, False), (False, True)])
def test_layer(spatial, channel):
    layer = SoftAttention(spatial, channel, reduction=4)
    run_layer_checks(layer, (6, 8, 4, 8), config={"spatial": spatial, "channel": channel, "reduction": 4})


def test_blending_the_vector_first_is_blending_the_map():
    """The paper convolves the product of both factors at every position; the layer takes the short way."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 8, 4, 16)).astype("float32")
    layer = SoftAttention(reduction=4)
    result = layer(features)
    product = result["spatial"] * result["channel"]
    blended = ops.sigmoid(ops.relu(layer.blend_norm(layer.blend(product))))
    np.testing.assert_allclose(ops.convert_to_numpy(result["soft"]), ops.convert_to_numpy(blended), rtol=1e-5)


def test_starts_near_a_constant_and_stays_in_the_papers_range():
    features = np.random.default_rng(0).normal(size=(8, 16, 8, 32)).astype("float32")
    keras.utils.set_random_seed(0)
    layer = SoftAttention()
    layer(features)
    start = ops.convert_to_numpy(layer(features)["soft"])
    assert abs(start.mean() - 0.88) < 0.03
    assert start.std() < 0.1
    layer.blend_norm.beta.assign(-10 + 0 * layer.blend_norm.beta)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(features)["soft"]), 0.5)


def test_bad_arguments():
    with pytest.raises(
        ReIDError, match=r"SoftAttention expects `spatial` or `channel` to be True. Received: both False"
    ):
        SoftAttention(spatial=False, channel=False)
    with pytest.raises(ReIDError, match="SoftAttention expects a feature map"):
        SoftAttention().build((None, 8))

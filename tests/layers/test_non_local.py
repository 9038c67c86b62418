import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import NonLocal


def test_layer():
    layer = NonLocal(reduction=2)
    layer.build((4, 3, 2, 8))
    layer.restore_norm.gamma.assign(np.ones(8))  # at 0, its start, nothing reaches what is before it
    run_layer_checks(layer, (4, 3, 2, 8), config={"reduction": 2})


def test_starts_as_the_identity():
    features = np.random.default_rng(0).normal(size=(2, 3, 2, 8)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(NonLocal()(features)), features)


def test_against_numpy():
    features = np.random.default_rng(0).normal(size=(2, 3, 2, 8)).astype("float32")
    layer = NonLocal(reduction=4)
    layer.build(features.shape)
    layer.restore_norm.gamma.assign(np.full(8, np.sqrt(1.001)))  # its start's variance of 1 and ε taken back
    rows = features.reshape(2, 6, 8)

    def convolved(convolution):
        return rows @ ops.convert_to_numpy(convolution.kernel)[0, 0] + ops.convert_to_numpy(convolution.bias)

    alike = np.exp(convolved(layer.theta) @ convolved(layer.phi).transpose(0, 2, 1))
    alike /= alike.sum(axis=-1, keepdims=True)
    found = alike @ convolved(layer.g) @ ops.convert_to_numpy(layer.restore.kernel)[0, 0]
    expected = features + found.reshape(features.shape)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(features)), expected, rtol=1e-4, atol=1e-5)


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"that `reduction` divides. Received: channels=10, reduction=4"):
        NonLocal().build((None, 4, 4, 10))
    with pytest.raises(ReIDError, match=r"known height and width. Received: shape=\(None, 4, None, 8\)"):
        NonLocal().build((None, 4, None, 8))


def test_large_values_in_float16():
    """Whose products are more than float16 holds: the softmax would be NaN."""
    layer = NonLocal(reduction=1, dtype="mixed_float16")
    x = np.full((1, 2, 2, 8), 100.0, "float32")
    layer(x)
    for convolution in (layer.theta, layer.phi):
        convolution.kernel.assign(np.eye(8)[None, None])
    assert float(np.finfo("float16").max) < 8 * 100.0**2
    np.testing.assert_array_equal(layer(x), x)  # the identity at first

import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import AttentionInAttention, SqueezeExcite


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


def test_is_attention_in_attention_with_the_identities_of_remark_1():
    """φ the identity, ϕ = 1 everywhere, ϖ = σ(ξ(·)), the two layers of the squeeze-excite block before its sigmoid."""
    features = np.random.default_rng(0).normal(size=(3, 4, 2, 8)).astype("float32")
    ours, general = SqueezeExcite(reduction=2), AttentionInAttention(reduction=1)
    expected = ops.convert_to_numpy(ours(features))
    general(features)

    def excitation(summary, training):
        return ops.matmul(ours.squeeze(summary), ours.excite.kernel) + ours.excite.bias

    general.reduce = lambda inputs, training: inputs
    general.outer = lambda inputs, training: ops.ones_like(inputs)
    general.inner = excitation
    np.testing.assert_allclose(ops.convert_to_numpy(general(features)), expected, rtol=1e-5)


def test_attention_in_attention_reaches_it_by_its_weights_alone():
    """The same with the embeddings as they are: on positive features and for gates above ½, ReLUs change nothing."""
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 2, (3, 4, 2, 8)).astype("float32")
    ours, general = SqueezeExcite(reduction=1), AttentionInAttention(reduction=1)
    ours.build(features.shape)
    general.build(features.shape)
    # The normalisations are identities but for √(1 + ε), which the kernels take back.
    scale = np.sqrt(1 + general.reduce.norm.epsilon)
    sigma = rng.uniform(0, 1, (8, 8)).astype("float32")
    ours.set_weights([np.eye(8), np.zeros(8), sigma, np.zeros(8)])
    general.reduce.convolution.kernel.assign(scale * np.eye(8)[None, None])
    general.outer.convolution.kernel.assign(np.zeros((1, 1, 8, 8)))
    general.outer.norm.beta.assign(np.ones(8))
    general.inner.convolution.kernel.assign(scale * sigma[None, None])
    general.inner.norm.beta.assign(np.zeros(8))
    found = [ops.convert_to_numpy(layer(features)) for layer in (ours, general)]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)
    assert found[0].std() > 0.1


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"SqueezeExcite expects `reduction` to be a whole number above 0. Received: "):
        SqueezeExcite(reduction=0)
    with pytest.raises(ReIDError, match="SqueezeExcite expects a feature map"):
        SqueezeExcite().build((None, 8))

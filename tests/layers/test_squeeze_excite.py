import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import AttentionInAttention, SqueezeExcite


def test_layer():
    run_layer_checks(SqueezeExcite(reduction=2), (4, 5, 3, 8), config={"reduction": 2})


def test_by_hand():
    """Means 1 and 3; down to 1 + 6 − 2 = 5; up to 5·0.2 + 1 = 2 and −5."""
    layer = SqueezeExcite(reduction=2)
    layer.build((None, 2, 1, 2))
    layer.set_weights([np.array(weight) for weight in ([[1.0], [2.0]], [-2.0], [[0.2, -1.0]], [1.0, 0.0])])
    features = ops.convert_to_tensor([[[[0.0, 2.0]], [[2.0, 4.0]]]])
    attended, gates = layer(features, return_mask=True)
    expected = 1 / (1 + np.exp([-2.0, 5.0]))
    np.testing.assert_allclose(ops.convert_to_numpy(gates)[0, 0, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(attended)[0, :, 0], [[0, 2], [2, 4]] * expected, rtol=1e-5)


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
    with pytest.raises(ReIDError, match=r"expects `reduction` to be a whole number above 0. Received: reduction=0"):
        SqueezeExcite(reduction=0)
    with pytest.raises(ReIDError, match=r"that `reduction` divides. Received: channels=10, reduction=4"):
        SqueezeExcite().build((None, 4, 4, 10))

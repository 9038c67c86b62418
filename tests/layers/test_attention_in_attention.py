import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import AttentionInAttention
from keras_reid.layers.attention_in_attention import KERNELS

FEATURES = np.random.default_rng(0).normal(0.3, 1, (6, 4, 3, 8)).astype("float32")


@pytest.mark.parametrize("inner_attention", [True, False])
@pytest.mark.parametrize("kernel", KERNELS)
def test_layer(kernel, inner_attention):
    config = {"kernel": kernel, "inner_attention": inner_attention, "reduction": 2, "features": 12, "sigma": 2.0}
    run_layer_checks(AttentionInAttention(**config), FEATURES.shape, config=config)


@pytest.mark.parametrize("inner_attention", [True, False])
@pytest.mark.parametrize("kernel", KERNELS)
def test_against_the_equations(kernel, inner_attention):
    """Eq. 1 to 17, with the layer's own embeddings and feature map, which have tests of their own."""
    layer = AttentionInAttention(kernel, inner_attention, reduction=2, features=12)
    attended, mask = (ops.convert_to_numpy(x) for x in layer(FEATURES, return_mask=True))

    def embedded(embedding, inputs):
        convolved = inputs @ ops.convert_to_numpy(embedding.convolution.kernel)[0, 0]
        norm = {weight.name: ops.convert_to_numpy(weight) for weight in embedding.norm.weights}
        scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + embedding.norm.epsilon)
        return np.maximum((convolved - norm["moving_mean"]) * scale + norm["beta"], 0)

    features = embedded(layer.reduce, FEATURES)
    assert features.shape[-1] == 4
    features = ops.convert_to_numpy(layer.feature_map(features))
    assert features.shape[-1] == {"linear": 4, "polynomial": 10, "gaussian": 12}[kernel]
    weighed = embedded(layer.outer, features)
    if inner_attention:
        weighed = weighed * embedded(layer.inner, features.mean(axis=(1, 2), keepdims=True))
    expected = 1 / (1 + np.exp(-weighed))
    np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(attended, FEATURES * mask, rtol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_mask_lies_in_the_papers_range(kernel):
    keras.utils.set_random_seed(0)  # some units dead at some place, so that 0.5 is met
    mask = ops.convert_to_numpy(AttentionInAttention(kernel, reduction=2)(100 * FEATURES, return_mask=True)[1])
    assert 0.5 == mask.min() < mask.max() <= 1


def test_one_embedding_is_not_used_for_another():
    """With inner attention there are three embeddings, without two: Table 3 prints 0.18e6 and 0.12e6 parameters."""
    for inner_attention, embeddings in ((True, 3), (False, 2)):
        layer = AttentionInAttention(inner_attention=inner_attention)
        layer.build((None, 16, 8, 480))
        kernels = [weight for weight in layer.trainable_weights if weight.path.endswith("kernel")]
        assert [int(np.prod(kernel.shape)) for kernel in kernels] == [480 * 120] * embeddings


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"kernel": "cubic"},
            "AttentionInAttention expects `kernel` out of ('linear', 'polynomial', 'gaussian'). "
            "Received: kernel='cubic'",
        ),
        (
            {"reduction": 0},
            "AttentionInAttention expects `reduction` to be a whole number above 0. Received: reduction=0",
        ),
        (
            {"features": 1.5},
            "RandomFourierFeatures expects `features` to be a whole number above 0. Received: features=1.5",
        ),
    ],
    ids=str,
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ReIDError) as error:
        AttentionInAttention(**arguments)
    assert str(error.value) == message


def test_bad_input():
    with pytest.raises(ReIDError, match=r"that `reduction` divides. Received: channels=10, reduction=4"):
        AttentionInAttention().build((None, 4, 4, 10))
    with pytest.raises(ReIDError, match="AttentionInAttention expects a feature map"):
        AttentionInAttention().build((None, 8))

import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import RelationAwareAttention


def test_layer():
    keras.utils.set_random_seed(0)  # no unit behind a dead ReLU
    run_layer_checks(RelationAwareAttention(reduction=2), (5, 4, 3, 8), config={"reduction": 2})


def test_position_by_position():
    """The mask of every position from its row and its column of affinities, in NumPy; the moving statistics at hand."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 3, 4, 6)).astype("float32")
    layer = RelationAwareAttention(reduction=2)
    layer(features)
    for weight in layer.weights:
        weight.assign(rng.uniform(0.2, 1, weight.shape) if "variance" in weight.path else rng.normal(size=weight.shape))

    def run(name, x):
        part = getattr(layer, name)
        convolution, norm = (part, layer.weigh_norm) if name == "weigh" else (part.convolution, part.norm)
        gamma, beta, mean, variance = norm.get_weights()
        return (x @ convolution.get_weights()[0][0, 0] - mean) / np.sqrt(variance + norm.epsilon) * gamma + beta

    expected = np.zeros((2, 12))
    for image, nodes in enumerate(features.reshape(2, 12, 6)):
        theta, phi, embedded = (np.maximum(run(name, nodes), 0) for name in ("theta", "phi", "embedded"))
        for p in range(12):
            row, column = [theta[p] @ phi[q] for q in range(12)], [theta[q] @ phi[p] for q in range(12)]
            relations = np.maximum(run("relations", np.array(row + column)), 0)
            known = np.concatenate([[embedded[p].mean()], relations])
            expected[image, p] = run("weigh", np.maximum(run("squeeze", known), 0))[0]
    expected = 1 / (1 + np.exp(-expected)).reshape(2, 3, 4, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.mask(features)), expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(features)), features * expected, rtol=1e-3, atol=1e-5)


def test_widths():
    """Of stage 4 at 256×128: 2048 channels on 16×8 positions; 2N = 256 to N/8 = 16, 17 to 2, 2 to 1."""
    layer = RelationAwareAttention()
    layer.build((None, 16, 8, 2048))
    kernels = {
        name: getattr(layer, name).convolution.kernel.shape[2:]
        for name in ("theta", "embedded", "relations", "squeeze")
    }
    kernels["weigh"] = layer.weigh.kernel.shape[2:]
    assert kernels == {
        "theta": (2048, 256),
        "embedded": (2048, 256),
        "relations": (256, 16),
        "squeeze": (17, 2),
        "weigh": (2, 1),
    }


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"expects `reduction` to be a whole number above 0. Received: reduction=True"):
        RelationAwareAttention(reduction=True)
    with pytest.raises(ReIDError, match=r"expects a map of known height and width.*Received: shape=\(None, None, 8"):
        RelationAwareAttention().build((None, None, 8, 16))
    with pytest.raises(ReIDError, match="RelationAwareAttention expects a feature map"):
        RelationAwareAttention().build((None, 8))

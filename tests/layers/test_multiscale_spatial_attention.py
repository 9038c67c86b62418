import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import MultiscaleSpatialAttention


@pytest.mark.parametrize("filters", [None, 12])
def test_layer(filters):
    keras.utils.set_random_seed(0)  # no unit behind a dead ReLU
    layer = MultiscaleSpatialAttention(filters, reduction=4)
    run_layer_checks(layer, (3, 6, 4, 16), config={"filters": filters, "reduction": 4})


def test_weights():
    """Of one of conv4's blocks: 1024 channels, 64 within a branch; what Table 5 prints is in the fidelity table."""
    layer = MultiscaleSpatialAttention()
    layer.build((None, 24, 12, 1024))
    kernels = sum(int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) > 1)
    assert kernels == 4 * 2 * 1024 * 64 + 2 * (3 + 5 + 7) * 64**2


def test_as_in_the_paper_branch_by_branch():
    """The convolutions that are computed as one are four: each branch alone, then the sum and the sigmoid."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 7, 5, 6)).astype("float32")
    layer = MultiscaleSpatialAttention(filters=5, reduction=3)
    layer(features)
    for weight in layer.weights:
        weight.assign(rng.normal(scale=0.5, size=weight.shape))
    reduce, bias = layer.reduce.get_weights()
    widen, offset = layer.widen.get_weights()
    total = offset
    for branch in range(4):
        own = slice(2 * branch, 2 * branch + 2)
        x = np.maximum(features @ reduce[0, 0, :, own] + bias[own], 0)
        for convolution in layer.neighbours[branch - 1] if branch else ():
            x = np.maximum(convolved(x, *convolution.get_weights()), 0)
        total = total + x @ widen[0, 0, own]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(features)), 1 / (1 + np.exp(-total)), rtol=1e-4)


def convolved(x, kernel, bias):
    """Convolution with zeros around the map."""
    rows, columns = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = np.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    result = bias
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            result = result + padded[:, i : i + x.shape[1], j : j + x.shape[2]] @ kernel[i, j]
    return result


def test_starts_near_a_constant():
    features = np.random.default_rng(0).normal(size=(2, 8, 4, 32)).astype("float32")
    start = ops.convert_to_numpy(MultiscaleSpatialAttention()(features))
    assert abs(start.mean() - 0.88) < 0.02
    assert start.std() < 0.05


def test_bad_arguments():
    with pytest.raises(
        ReIDError,
        match=r"MultiscaleSpatialAttention expects `filters` to be a whole number above 0. Received: filters=0",
    ):
        MultiscaleSpatialAttention(filters=0)
    with pytest.raises(ReIDError, match="MultiscaleSpatialAttention expects a feature map"):
        MultiscaleSpatialAttention().build((None, 8))

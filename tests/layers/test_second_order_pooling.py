import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import SecondOrderPooling


def pooled(features):
    return ops.convert_to_numpy(SecondOrderPooling()(features))


def test_layer():
    run_layer_checks(SecondOrderPooling(), (3, 2, 3, 5), training_weights=False)


def test_by_hand():
    np.testing.assert_allclose(pooled(np.array([[[[2.0, 3.0, 5.0]]]], "float32"))[0, 0, 0], [4, 9, 25, 6, 15, 10])


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7, 12])
def test_the_upper_triangle_of_the_outer_product(channels):
    """Every unordered pair once, whatever the order, at each position by itself."""
    features = np.random.default_rng(channels).normal(size=(2, 3, 2, channels)).astype("float32")
    outer = features[..., :, None] * features[..., None, :]
    expected = outer[..., *np.triu_indices(channels)]
    np.testing.assert_allclose(np.sort(pooled(features)), np.sort(expected), rtol=1e-6)


def test_inner_product_is_the_kernel_with_its_documented_weighting():
    """Eq. 11: the terms off the diagonal count once, where (x·y)² has them twice."""
    x, y = np.random.default_rng(0).normal(size=(2, 4, 2, 3, 9)).astype("float32")
    found = np.sum(pooled(x) * pooled(y), axis=-1)
    diagonal = np.sum(x**2 * y**2, axis=-1)
    np.testing.assert_allclose(found, (np.sum(x * y, axis=-1) ** 2 + diagonal) / 2, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(2 * found - diagonal, np.sum(x * y, axis=-1) ** 2, rtol=1e-4, atol=1e-4)


def test_bad_input():
    with pytest.raises(ReIDError, match=r"known height and width. Received: shape=\(None, None, 8, 4\)"):
        SecondOrderPooling().build((None, None, 8, 4))

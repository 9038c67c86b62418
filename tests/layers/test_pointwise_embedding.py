import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import PointwiseEmbedding


def test_layer():
    run_layer_checks(PointwiseEmbedding(6, offset=1), (4, 5, 3, 8), config={"filters": 6, "offset": 1.0})


def test_by_hand():
    """1·1 + 2·3 = 7 and 1·1 − 1·3 = −2; the normalisation starts with variance 1 and adds the offset."""
    layer = PointwiseEmbedding(2, offset=1)
    layer.build((None, 1, 1, 2))
    layer.convolution.kernel.assign([[[[1.0, 1.0], [2.0, -1.0]]]])
    result = ops.convert_to_numpy(layer(ops.convert_to_tensor([[[[1.0, 3.0]]]])))
    np.testing.assert_allclose(result[0, 0, 0], [7 / np.sqrt(1.001) + 1, 0], rtol=1e-6)


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"expects `filters` to be a whole number above 0. Received: filters=0"):
        PointwiseEmbedding(0)
    with pytest.raises(ReIDError, match=r"PointwiseEmbedding expects a feature map"):
        PointwiseEmbedding(4).build((None, 8))

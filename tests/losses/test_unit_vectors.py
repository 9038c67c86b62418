import numpy as np
import pytest
from gradients import gradient
from keras import ops

from keras_reid.losses import BatchHardTriplet, SupervisedContrastive
from keras_reid.losses.unit_vectors import unit_vectors


def test_lengths():
    vectors = np.array([[3.0, 4.0], [0.0, -1e-6], [0.0, 0.0]], "float32")
    np.testing.assert_allclose(ops.convert_to_numpy(unit_vectors(vectors)), [[0.6, 0.8], [0, -1], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("loss", [BatchHardTriplet(distance="cosine"), SupervisedContrastive(0.5)])
def test_an_embedding_of_zeros_stays_where_it_is(loss):
    """Features behind a ReLU may all be 0, and must not take the whole batch with them."""
    slopes = gradient(loss, np.array([1, 1, 2]), np.array([[1.0, 2.0], [0.0, 0.0], [2.0, 1.0]], "float32"))
    assert np.isfinite(slopes).all()
    np.testing.assert_array_equal(slopes[1], [0, 0])
    assert np.abs(slopes[[0, 2]]).max() > 1e-2

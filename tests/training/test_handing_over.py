import numpy as np
import pytest
import small_training as small

from keras_reid import networks
from keras_reid.training.handing_over import hand_over


@pytest.mark.parametrize("identities", [None, 4])
def test_all_weights(identities):
    source, target = (small.Small(identities, shape) for shape in ((16, 8, 3), (24, 12, 3)))
    hand_over(source, target)
    assert len(source.get_weights()) == (13 if identities else 12)
    for one, other in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_han_has_the_same_weights_at_every_size():
    source, target = (
        networks.create("han_small", identities=3, input_shape=size) for size in ((80, 32, 3), (160, 64, 3))
    )
    hand_over(source, target)
    for one, other in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)

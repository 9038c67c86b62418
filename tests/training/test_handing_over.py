import numpy as np
import pytest
import small_training as small
from keras import layers

from keras_reid import ReIDError, ReIDModel, networks
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


class Unnamed(ReIDModel):
    """Layers get names from Keras, which counts them up from model to model."""

    def __init__(self, identities=None, input_shape=(16, 8, 3), flat=False):
        super().__init__({"input_shape": input_shape, "flat": flat}, identities=identities, name="unnamed")

    @staticmethod
    def graph(options, images):
        x = layers.Conv2D(4, 3)(images)
        x = layers.Flatten()(x) if options["flat"] else layers.GlobalAveragePooling2D()(x)
        return {"global": layers.Dense(4)(x)}, {}


def test_layers_without_names():
    source, target = Unnamed(3), Unnamed(3, (24, 12, 3))
    hand_over(source, target)
    for one, other in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_that_depend_on_the_size_of_the_pictures():
    with pytest.raises(ReIDError, match=r"Weights of 'unnamed' depend on the size of the pictures.*\(336, 4\)"):
        hand_over(Unnamed(flat=True), Unnamed(input_shape=(24, 12, 3), flat=True))

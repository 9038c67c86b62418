import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import HardAttention, RegionCrop


def test_layer():
    run_layer_checks(HardAttention(3), (4, 5, 3, 8), config={"regions": 3, "learned": True})


def test_fixed_regions_have_no_weights():
    layer = HardAttention(learned=False)
    run_layer_checks(layer, (4, 5, 3, 8), config={"learned": False}, training_weights=False)
    assert layer.weights == []


def test_weights():
    layer = HardAttention()
    layer.build((None, 40, 16, 128))
    assert int(np.prod(layer.locate.kernel.shape)) == 2 * 4 * 128


@pytest.mark.parametrize("learned", [True, False])
def test_starts_stacked_from_head_to_feet(learned):
    positions = HardAttention(learned=learned)(np.random.default_rng(0).normal(size=(2, 5, 3, 8)).astype("float32"))
    expected = [[-0.75, 0], [-0.25, 0], [0.25, 0], [0.75, 0]]
    np.testing.assert_allclose(ops.convert_to_numpy(positions), [expected, expected], atol=2e-5)


def test_regions_can_move_from_the_start_in_both_directions():
    """24×28 of 80×32 fall on the map's own samples, where bilinear interpolation has no slope."""
    layer = HardAttention()
    layer.build((None, 8))
    picture = tf.random.stateless_normal((1, 80, 32, 3), [0, 1])
    with tf.GradientTape() as tape:
        regions = RegionCrop((24, 28))(picture, layer(ops.ones((1, 8))))
        score = tf.reduce_sum(regions * tf.random.stateless_normal(regions.shape, [0, 2]))
    slopes = ops.convert_to_numpy(tape.gradient(score, layer.locate.bias.value))
    assert np.abs(slopes).min() > 1e-2


def test_by_hand():
    """Means 1 and 2 of two channels, so 1/√2 and √2; weights 0.5 on the first and −0.25 on the second."""
    layer = HardAttention(regions=1)
    layer.build((None, 2))
    layer.locate.kernel.assign([[0.5, 0.0], [0.0, -0.25]])
    layer.locate.bias.assign([0.0, 0.0])
    result = ops.convert_to_numpy(layer(ops.convert_to_tensor([[1.0, 2.0]])))
    np.testing.assert_allclose(result, [[[np.tanh(0.5 / 2**0.5), np.tanh(-0.25 * 2**0.5)]]], rtol=1e-6)


def test_positions_stay_exact_in_half_precision():
    layer = HardAttention(dtype="mixed_float16")
    assert layer(np.ones((1, 8), "float32")).dtype == layer.locate.compute_dtype == "float32"


def test_bad_arguments():
    with pytest.raises(
        ReIDError, match=r"HardAttention expects `regions` to be a whole number above 0. Received: regions=0"
    ):
        HardAttention(0)
    with pytest.raises(ReIDError, match=r"a whole number above 0. Received: regions=2.5"):
        HardAttention(2.5)
    with pytest.raises(ReIDError, match="HardAttention expects a known number of channels"):
        HardAttention().build((None, 4, 4, None))

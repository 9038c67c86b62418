import keras
import numpy as np
import pytest
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
    picture, pooled = keras.Input((80, 32, 3)), keras.Input((8,))
    layer = HardAttention()
    regions = RegionCrop((24, 28))(picture, layer(pooled))
    model = keras.Model([picture, pooled], regions)
    model.compile(keras.optimizers.SGD(1.0), lambda weights, regions: ops.sum(regions * weights))
    before, random = layer.locate.get_weights()[1], np.random.default_rng(0)
    pixels = random.normal(size=(1, 80, 32, 3)).astype("float32")
    model.train_on_batch([pixels, np.ones((1, 8))], random.normal(size=(1, *regions.shape[1:])).astype("float32"))
    assert np.abs(layer.locate.get_weights()[1] - before).min() > 1e-2


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
    with pytest.raises(ReIDError, match=r"with known channels. Received: shape=\(None, 4, 4, None\)"):
        HardAttention().build((None, 4, 4, None))
    with pytest.raises(ReIDError, match=r"HardAttention expects a feature map .* Received: shape=\(2, 5, 8\)"):
        HardAttention()(np.zeros((2, 5, 8), "float32"))

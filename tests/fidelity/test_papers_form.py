import keras
import pytest

from keras_reid import layers, networks
from keras_reid.fidelity import in_the_papers_form, multiply_adds


def test_a_crop_counts_as_bilinear_sampling():
    features, positions = keras.Input((8, 6, 5)), keras.Input((4, 2))
    crop = keras.Model([features, positions], layers.RegionCrop((3, 4))(features, positions))
    count = multiply_adds(crop)
    # Rows: 4·3 of them from 8, over 6 columns of 5 channels; then 4 columns from 6.
    assert count.multiply_adds == 4 * 3 * 8 * 6 * 5 + 4 * 3 * 4 * 6 * 5
    assert in_the_papers_form(count).multiply_adds == 4 * (4 * 3 * 4 * 5)


def test_the_blend_counts_at_every_position():
    image = keras.Input((6, 5, 32))
    attention = keras.Model(image, layers.HarmoniousAttention(regions=4)(image))
    count = in_the_papers_form(multiply_adds(attention))
    spatial = 3 * 3 * 9 + 6 * 5 * 4 + 6 * 5  # strided convolution, resize, scale
    assert count.multiply_adds == spatial + 2 * 32 * 2 + 8 * 32 + 6 * 5 * 32 * 32
    assert count.kernels == multiply_adds(attention).kernels


@pytest.mark.parametrize("options", [{"attention": ()}, {"attention": ("channel",)}, {"branches": ("global",)}])
def test_every_ablation_has_a_form(options):
    """Only crops and blends change, and without either nothing does."""
    count = multiply_adds(networks.create("han_small", input_shape=(80, 32, 3), **options))
    changed = [
        row.name
        for row, other in zip(count.rows, in_the_papers_form(count).rows, strict=True)
        if row.multiply_adds != other.multiply_adds
    ]
    assert all(name.endswith((".crop", ".attention/soft/blend")) for name in changed)
    assert any(name.endswith(".crop") for name in changed) == ("branches" not in options)


def test_the_small_network_by_parts():
    count = in_the_papers_form(multiply_adds(networks.create("han_small")))
    assert count.part("stem.conv").multiply_adds == 80 * 32 * 27 * 32
    # Regions of 24×28, 12×14 and 6×7, four of them, four multiply-adds a value.
    crops = count.part("level1.crop", "level2.crop", "level3.crop").multiply_adds
    assert crops == 4 * 4 * (24 * 28 * 32 + 12 * 14 * 128 + 6 * 7 * 256)
    # Maps of 40×16, 20×8 and 10×4.
    for level, (positions, width) in enumerate(((640, 128), (160, 256), (40, 384)), start=1):
        blend = count.part(f"level{level}.attention/soft/blend")
        assert blend.multiply_adds == positions * width**2
    assert count.part("global.dense").multiply_adds == 384 * 512
    assert count.part("local.dense").multiply_adds == 4 * 384 * 512

"""Every attention block in a tiny network, exported to LiteRT: built-in operations only, the same embeddings."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_reid import export
from keras_reid.layers import AttentionPyramid, OmniForegroundAttention, RelationAwareAttention, SqueezeExcite


def beside_a_block(x):
    """Channel attention, spatial attention and the mask of both, beside a block of stride 2."""
    block = layers.Conv2D(24, 3, 2, padding="same", activation="relu")(x)
    return OmniForegroundAttention(reduction=4)(x, block)["features"]


BLOCKS = {
    "omni_foreground": beside_a_block,
    "pyramid_of_channels": AttentionPyramid(SqueezeExcite(4), levels=3),
    "pyramid_of_positions": AttentionPyramid(RelationAwareAttention(4), levels=2, axis="height"),
}


@pytest.fixture(scope="module", params=BLOCKS)
def network(request):
    keras.utils.set_random_seed(0)
    images = keras.Input((32, 16, 3), name="images")
    x = layers.Conv2D(16, 3, 2, padding="same", activation="relu")(images * (1 / 127.5) - 1.0)
    x = BLOCKS[request.param](x)
    x = layers.Dense(24)(layers.Flatten()(ops.mean(x, axis=2)))
    return keras.Model(images, layers.UnitNormalization(dtype="float32")(x), name=request.param)


@pytest.mark.parametrize(("quantize", "least"), [(None, 0.9999), ("int8", 0.98)])
def test_tflite(network, crops, tmp_path, quantize, least):
    shown = crops if quantize else None
    report = export.to_tflite(network, tmp_path / "a.tflite", quantize, shown, images=crops, min_cosine=least)
    assert report.lowest_cosine >= least
    assert not [name for name in report.ops if name.startswith(("FLEX", "Flex", "CUSTOM", "GATHER_ND", "SQUARED"))]
    assert np.isfinite(report.largest_difference)

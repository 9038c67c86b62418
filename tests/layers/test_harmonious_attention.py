import itertools

import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import HarmoniousAttention
from keras_reid.layers.harmonious_attention import KINDS

SUBSETS = [subset for size in range(4) for subset in itertools.combinations(KINDS, size)]


@pytest.mark.parametrize("attention", SUBSETS, ids="+".join)
def test_layer(attention):
    layer = HarmoniousAttention(attention, regions=3, reduction=4)
    run_layer_checks(
        layer, (6, 8, 4, 8), config={"attention": attention, "regions": 3}, training_weights=bool(attention)
    )
    outputs = layer(np.ones((1, 8, 4, 8), "float32"))
    soft = {"soft"} if {"spatial", "channel"} & set(attention) else set()
    assert set(outputs) == {"features", "positions"} | soft | (set(attention) - {"hard"})


def test_features_are_attended():
    features = np.random.default_rng(0).normal(size=(2, 8, 4, 8)).astype("float32")
    outputs = HarmoniousAttention(reduction=4)(features)
    np.testing.assert_allclose(
        ops.convert_to_numpy(outputs["features"]), features * ops.convert_to_numpy(outputs["soft"]), rtol=1e-6
    )


def test_bad_arguments():
    with pytest.raises(ReIDError, match=r"expects `attention` out of .* Received: attention=\('temporal',\)"):
        HarmoniousAttention(("temporal",))

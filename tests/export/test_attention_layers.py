"""The attention layers of the papers, one behind the other in a network small enough to be exported in seconds."""

import keras
import numpy as np
import pytest
from keras import layers as keras_layers

from keras_reid import data, export, layers

SIZE = (32, 16)


@pytest.fixture(scope="module")
def network(crops):
    """Pixels -> 24 values, with batch normalisation as after training."""
    keras.utils.set_random_seed(0)
    images = keras.Input((*SIZE, 3), name="images")
    x = images * (1 / 127.5) - 1.0
    x = keras_layers.ReLU()(keras_layers.Conv2D(32, 3, 4, padding="same", name="stem")(x))
    for attention in (
        layers.AttentionInAttention("linear"),
        layers.AttentionInAttention("polynomial"),
        layers.AttentionInAttention("polynomial", inner_attention=False),
        layers.AttentionInAttention("gaussian", features=64),
        layers.AttentionInAttention("gaussian", features=32, form="cosine_sine"),
        layers.SqueezeExcite(),
        layers.NonLocal(),
    ):
        x = attention(x)
    attention.restore_norm.gamma.assign(np.ones(32))  # or the last would be the identity
    # Centred, so that what all pictures have in common cannot make every export agree.
    x = layers.BatchNormalization()(keras_layers.Dense(24, name="dense")(keras_layers.Flatten()(x)))
    model = keras.Model(images, keras_layers.UnitNormalization()(x), name="tiny")
    for _ in range(40):
        model(pixels(crops), training=True)
    return model


def pixels(crops):
    return np.stack([data.resize(crop, *SIZE) for crop in crops]).astype("float32")


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_litert(network, quantize, crops, tmp_path):
    """Built-in operations alone, and the Keras model's embeddings."""
    shown = crops if quantize else None
    report = export.to_tflite(network, tmp_path / "a.tflite", quantize, shown, images=crops)
    assert report.lowest_cosine > (0.98 if quantize else 0.999999)
    assert not [name for name in report.ops if name.startswith(("CUSTOM", "FLEX", "SQUARED"))]
    assert report.ops["COS"] == 2


def test_the_pictures_can_be_told_apart(network, crops):
    vectors = np.asarray(network(pixels(crops)))
    alike = vectors @ vectors.T
    assert np.abs(alike[~np.eye(len(crops), dtype=bool)]).max() < 0.95

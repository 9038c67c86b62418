import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import AttentionPyramid, ForegroundChannelAttention, RelationAwareAttention, SqueezeExcite

CHANNELS = SqueezeExcite(reduction=2)
SPATIAL = RelationAwareAttention(reduction=1)  # so many units that none without a gradient is likely


def features(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("attention", "axis", "masks"),
    [
        (CHANNELS, "channels", False),
        (CHANNELS, "channels", True),
        (SPATIAL, "height", True),
    ],
)
def test_layer(attention, axis, masks):
    keras.utils.set_random_seed(0)  # no unit behind a dead ReLU
    layer = AttentionPyramid(attention, levels=2, radix=2, axis=axis, masks=masks)
    run_layer_checks(layer, (5, 4, 3, 8), config={"levels": 2, "radix": 2, "axis": axis, "masks": masks})


@pytest.mark.parametrize(("attention", "axis"), [(CHANNELS, "channels"), (SPATIAL, "height")])
def test_level_1_is_the_bare_attention(attention, axis):
    x = features(2, 4, 3, 8)
    pyramid = AttentionPyramid(attention, levels=1, axis=axis)
    bare = type(attention).from_config(attention.get_config())
    pyramid(x), bare(x)
    bare.set_weights(pyramid.get_weights())
    np.testing.assert_array_equal(pyramid(x), bare(x))
    assert np.abs(ops.convert_to_numpy(pyramid(x)) - x).max() > 0.01


@pytest.mark.parametrize(("attention", "axis"), [(CHANNELS, "channels"), (SPATIAL, "height")])
def test_radix_1_is_the_stacked_attention(attention, axis):
    x = features(2, 4, 3, 8)
    pyramid = AttentionPyramid(attention, levels=3, radix=1, axis=axis)
    pyramid(x)
    stacked = x
    for (own,) in pyramid.attentions:
        bare = type(attention).from_config(attention.get_config())
        bare(x)
        bare.set_weights(own.get_weights())
        stacked = bare(stacked)
    np.testing.assert_array_equal(pyramid(x), stacked)


@pytest.mark.parametrize("axis", ["channels", "height"])
def test_split_attend_merge_stack(axis):
    """Three levels of radix 2 by hand: each part by its own attention, on what the level before attended to."""
    x = features(2, 8, 3, 8)
    pyramid = AttentionPyramid(CHANNELS, levels=3, axis=axis)
    result = pyramid(x)
    for number, attentions in enumerate(pyramid.attentions):
        assert len(attentions) == 2**number
        along = 3 if axis == "channels" else 1
        parts = np.split(ops.convert_to_numpy(x), len(attentions), axis=along)
        x = np.concatenate([attention(part) for attention, part in zip(attentions, parts, strict=True)], axis=along)
    np.testing.assert_allclose(result, x, rtol=1e-6)


@pytest.mark.parametrize(("levels", "radix"), [(1, 3), (2, 3), (3, 2), (2, 6), (4, 2)])
def test_every_level_and_radix_that_divides(levels, radix):
    parts = radix ** (levels - 1)
    for attention, axis in ((CHANNELS, "channels"), (SPATIAL, "height")):
        shape = (2, 2, 2, parts) if axis == "channels" else (2, parts, 2, 4)
        assert AttentionPyramid(attention, levels, radix, axis)(keras.KerasTensor(shape)).shape == shape


@pytest.mark.parametrize(
    ("attention", "axis", "shapes"),
    [
        (CHANNELS, "channels", [(2, 1, 1, 8)] * 2),
        (SPATIAL, "height", [(2, 4, 3, 1)] * 2),
        (SPATIAL, "channels", [(2, 4, 3, 1), (2, 4, 3, 8)]),
        (CHANNELS, "height", [(2, 1, 1, 8), (2, 4, 1, 8)]),
    ],
)
def test_masks_are_what_is_done(attention, axis, shapes):
    x = features(2, 4, 3, 8)
    with_masks = AttentionPyramid(attention, axis=axis, masks=True)
    declared = with_masks.compute_output_shape(x.shape)  # before there is a layer for any part
    assert [declared["level1"], declared["level2"]] == shapes
    without = AttentionPyramid(attention, axis=axis)
    found = with_masks(x)
    without(x)
    without.set_weights(with_masks.get_weights())
    assert [found["level1"].shape, found["level2"].shape] == shapes
    np.testing.assert_allclose(found["features"], without(x), rtol=1e-6)
    masks = ops.convert_to_numpy(found["level1"]) * ops.convert_to_numpy(found["level2"])
    np.testing.assert_allclose(found["features"], x * masks, rtol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_masks_learn_as_without_them(training):
    """Batch normalisation inside of an attention is told that it trains, too."""
    x = features(4, 4, 3, 8)
    with_masks, without = (AttentionPyramid(SPATIAL, axis="height", masks=masks) for masks in (True, False))
    with_masks(x), without(x)
    without.set_weights(with_masks.get_weights())
    before = [ops.convert_to_numpy(weight) for weight in with_masks.non_trainable_weights]
    np.testing.assert_allclose(with_masks(x, training=training)["features"], without(x, training=training), rtol=1e-5)
    assert before
    for weight, twin, old in zip(with_masks.non_trainable_weights, without.non_trainable_weights, before, strict=True):
        assert (np.abs(ops.convert_to_numpy(weight) - old).max() > 0) == training
        np.testing.assert_allclose(weight, twin, rtol=1e-5)


def test_an_attention_of_another_shape():
    with pytest.raises(ReIDError) as error:
        AttentionPyramid(ForegroundChannelAttention()).build((None, 4, 4, 32))
    assert str(error.value) == (
        "AttentionPyramid expects an `attention` whose output has its input's shape. Received: "
        "ForegroundChannelAttention, which makes (None, 1, 1, 32) of (None, 4, 4, 32)"
    )


def test_any_layer_that_keeps_the_shape():
    layer = AttentionPyramid(keras.layers.Conv2D(4, 3, padding="same"), axis="height")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    x = features(2, 4, 3, 4)
    assert again(x).shape == layer(x).shape == x.shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attention": "se"}, "AttentionPyramid expects `attention` to be a layer, e.g. "),
        ({"attention": CHANNELS, "levels": 0}, "AttentionPyramid expects `levels` to be a whole number above 0. Rec"),
        (
            {"attention": CHANNELS, "radix": 0},
            "AttentionPyramid expects `radix` to be a whole number above 0. Received",
        ),
        (
            {"attention": CHANNELS, "axis": "width"},
            "AttentionPyramid expects `axis` to be one of height, channels. Received: axis='width'",
        ),
        (
            {"attention": ForegroundChannelAttention(), "masks": True},
            "AttentionPyramid expects an attention with a method `mask` where masks=True. Received: ",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ReIDError) as error:
        AttentionPyramid(**arguments)
    assert str(error.value).startswith(message)


def test_a_map_that_does_not_split():
    with pytest.raises(ReIDError) as error:
        AttentionPyramid(CHANNELS, levels=3).build((None, 4, 4, 6))
    assert str(error.value) == (
        "AttentionPyramid splits the channels into 4 equal parts at level 3 (radix 2), which must divide it. Received: "
        "channels of 6. Use fewer levels or another radix."
    )


class Gate(keras.layers.Layer):
    """An attention as somebody writes it: no more than `build` and `call`."""

    def build(self, input_shape):
        self.gate = keras.layers.Dense(input_shape[-1], activation="sigmoid")
        self.gate.build(input_shape)

    def call(self, inputs):
        return inputs * self.gate(inputs)


def test_a_layer_of_ones_own():
    layer = AttentionPyramid(Gate(), levels=2)
    assert layer(features(2, 4, 3, 8)).shape == (2, 4, 3, 8)


def test_a_pattern_whose_config_is_taken_apart_is_saved_as_often_as_wanted():
    pattern = keras.layers.SpectralNormalization(keras.layers.Conv2D(8, 3, padding="same"))
    layer = AttentionPyramid(pattern, levels=1)
    first = layer.get_config()
    layer(features(2, 4, 3, 8))
    assert layer.get_config() == first


def test_parts_are_told_that_they_train():
    """Also where no call around them tells them, as in a step of JAX."""
    x = ops.convert_to_tensor(features(2, 4, 3, 8))
    layer = AttentionPyramid(SPATIAL, levels=1, axis="height")
    layer(x)
    before = [ops.convert_to_numpy(each) for each in layer.non_trainable_variables]
    state = [[each.value for each in some] for some in (layer.trainable_variables, layer.non_trainable_variables)]
    _, after = layer.stateless_call(*state, x, training=True)
    assert all(np.abs(ops.convert_to_numpy(a) - b).max() > 0 for a, b in zip(after, before, strict=True))

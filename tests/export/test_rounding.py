import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid.export import rounding
from keras_reid.export.flatbuffer import Graph
from keras_reid.export.network import Network
from keras_reid.export.rounding import STEPS, matrix_products, moments, nearest_together, round_together
from keras_reid.export.tflite import _converted, to_tflite


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A depthwise convolution between two of 1×1 without biases, whose zeros LiteRT shares, and a dense layer."""
    images = keras.Input((32, 16, 3))
    maps = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(images * (1 / 255))
    maps = keras.layers.Conv2D(12, 1, use_bias=False)(maps)
    maps = keras.layers.DepthwiseConv2D(3, activation="relu")(maps)
    maps = keras.layers.Conv2D(12, 1, use_bias=False)(maps)
    maps = keras.layers.DepthwiseConv2D(3, activation="relu")(maps)
    embedding = keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(maps))
    folder = tmp_path_factory.mktemp("rounding") / "saved_model"
    Network.of(keras.Model(images, embedding)).write_saved_model(folder, 1)
    return _converted(folder, None)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 16, 3), dtype=np.uint8)


def nearest(weights):
    step = np.abs(weights).max(axis=1, keepdims=True) / STEPS
    return np.rint(weights / step) * step


def error(products, change):
    """Mean square of what a change of the weights does to the output."""
    return np.einsum("oi,ij,oj->", change, products, change)


def test_errors_of_inputs_that_go_together_cancel():
    # The last two inputs are always equal: only the sum of their weights counts, and 0.8 is nearer to 1 than to 0.
    weights = np.array([[127.0, 0.4, 0.4]])
    products = np.array([[1.0, 0, 0], [0, 1, 1], [0, 1, 1]])
    np.testing.assert_allclose(nearest(weights), [[127, 0, 0]])
    np.testing.assert_allclose(sorted(nearest_together(weights, products)[0]), [0, 1, 127])


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 24))
def test_on_the_steps_with_the_largest_weight_kept(seed, outputs, inputs):
    random = np.random.default_rng(seed)
    weights = random.normal(size=(outputs, inputs))
    seen = random.normal(size=(100, inputs)) @ random.normal(size=(inputs, inputs))
    products = seen.T @ seen / 100
    rounded = nearest_together(weights, products)
    largest = np.abs(weights).max(axis=1)
    steps = rounded / largest[:, None] * STEPS
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
    np.testing.assert_allclose(np.abs(rounded).max(axis=1), largest)
    np.testing.assert_allclose(nearest(rounded), rounded, atol=1e-12)  # the quantiser leaves them where they are


def test_outputs_change_less_than_by_the_nearest():
    random = np.random.default_rng(1)
    weights = random.normal(size=(32, 64))
    seen = random.normal(size=(1000, 16)) @ random.normal(size=(16, 64)) + 0.1 * random.normal(size=(1000, 64))
    products = seen.T @ seen / 1000
    together, alone = (
        error(products, rounded - weights) for rounded in (nearest_together(weights, products), nearest(weights))
    )
    assert together < 0.1 * alone


def test_blocks_change_nothing(monkeypatch):
    random = np.random.default_rng(2)
    weights, seen = random.normal(size=(8, 150)), random.normal(size=(500, 150))
    products = seen.T @ seen / 500
    in_blocks = nearest_together(weights, products)
    monkeypatch.setattr(rounding, "BLOCK", 150)
    np.testing.assert_allclose(in_blocks, nearest_together(weights, products), atol=1e-9)


def test_rows_and_inputs_of_nothing_but_zeros():
    weights = np.array([[0.0, 0.0], [1.0, -0.5]])
    rounded = nearest_together(weights, np.zeros((2, 2)))
    np.testing.assert_allclose(rounded, [[0, 0], [1, -64 / 127]], atol=1e-9)


def test_moments_are_of_all_positions_of_all_pictures(content, pixels):
    graph = Graph(content)
    layers = matrix_products(graph)
    assert [layer.name for layer in layers] == ["CONV_2D", "CONV_2D", "FULLY_CONNECTED"]
    alone = [moments(content, pixels[i : i + 1], layers) for i in range(len(pixels))]
    for layer, together, *each in zip(layers, moments(content, pixels, layers), *alone, strict=True):
        assert together.products.shape == (next(iter(layer.constants.values()))[-1],) * 2
        np.testing.assert_allclose(together.mean, np.mean([one.mean for one in each], axis=0), rtol=1e-5)
        np.testing.assert_allclose(together.products, np.mean([one.products for one in each], axis=0), rtol=1e-5)


def test_layers_are_rounded_and_their_mean_output_stays(content, pixels):
    after = Graph(round_together(content, pixels, least=0))
    before = Graph(content)
    for old, new in zip(matrix_products(before), matrix_products(after), strict=True):
        (weights, *biases), (new_weights, *new_biases) = old.constants, new.constants
        matrix = before.values(weights).reshape(len(before.values(weights)), -1)
        rounded = after.values(new_weights).reshape(matrix.shape)
        assert np.abs(rounded - matrix).max() > 0
        np.testing.assert_allclose(nearest(rounded), rounded, atol=1e-6)
        (of_inputs,) = moments(content, pixels, [old])
        for bias, new_bias in zip(biases, new_biases, strict=True):
            mean = matrix @ of_inputs.mean + before.values(bias)
            np.testing.assert_allclose(rounded @ of_inputs.mean + after.values(new_bias), mean, atol=1e-4)


def test_small_layers_stay_as_they_are(content, pixels):
    assert round_together(content, pixels, least=10**9) == Graph(content).content


def test_shared_constants_become_ones_own(content):
    graph = Graph(content)
    (first, zeros), (second, others) = [(layer, list(layer.constants)[1]) for layer in matrix_products(graph)[:2]]
    assert graph.buffer(zeros) == graph.buffer(others)
    own = graph.own(first, zeros)
    graph.set_values(own, graph.values(own) + 3)
    after = Graph(graph.content)
    changed, unchanged = (
        next(one for one in after.operations if one.outputs == layer.outputs) for layer in (first, second)
    )
    np.testing.assert_array_equal(after.values(list(changed.constants)[1]), 3)
    np.testing.assert_array_equal(after.values(list(unchanged.constants)[1]), 0)
    assert after.own(changed, own) == own


def test_inputs_that_do_not_vary(content, pixels):
    """As where one picture is all that represents them: what varies is the rounding of float32."""
    products = np.outer(np.arange(1.0, 13), np.arange(1.0, 13))
    noise = 1e-7 * np.random.default_rng(0).normal(size=products.shape) * products
    weights = np.random.default_rng(1).normal(size=(3, 12))
    with pytest.raises(np.linalg.LinAlgError):
        nearest_together(weights, noise + noise.T)
    least = rounding.NOISE * np.trace(products) / 12
    step = np.abs(weights).max(axis=1, keepdims=True) / STEPS
    assert np.abs(nearest_together(weights, noise + noise.T, least) - weights).max() < step.max()
    assert len(round_together(content, pixels[:1], least=0)) > 0


def test_convolutions_in_groups_and_of_several_kernels_a_channel(tmp_path, pixels):
    """Are neither rounded together nor brought to one range, and exported all the same."""
    images = keras.Input((32, 16, 3))
    maps = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(images * (1 / 255))
    maps = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu")(maps)
    maps = keras.layers.Conv2D(64, 1, groups=4, activation="relu")(maps)
    embedding = keras.layers.Dense(32)(keras.layers.GlobalAveragePooling2D()(maps))
    report = to_tflite(keras.Model(images, embedding), tmp_path / "m.tflite", "int8", pixels, images=pixels)
    assert report.lowest_cosine > 0.98

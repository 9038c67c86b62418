import json
import threading

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops
from keras.src import backend

from keras_reid import ReIDError
from keras_reid.fidelity import multiply_adds
from keras_reid.fidelity.operations import FORMULAS, REFUSED

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's graph")


def of_layer(layer, *shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    return multiply_adds(keras.Model(inputs, layer(*inputs)))


@keras.saving.register_keras_serializable(package="test")
class Calls(layers.Layer):
    """A layer of somebody's own, whose work is `function`."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, *inputs):
        return self.function(*inputs)


@pytest.mark.parametrize(
    ("layer", "shape", "expected", "parameters"),
    [
        # output positions × kernel × channels in × channels out
        (layers.Conv2D(16, 3, padding="same"), (10, 6, 8), 10 * 6 * 3 * 3 * 8 * 16, 3 * 3 * 8 * 16 + 16),
        (layers.Conv2D(16, 3, padding="valid", use_bias=False), (10, 6, 8), 8 * 4 * 9 * 8 * 16, 9 * 8 * 16),
        (layers.Conv2D(16, 3, strides=2, padding="same"), (11, 6, 8), 6 * 3 * 9 * 8 * 16, 9 * 8 * 16 + 16),
        (layers.Conv2D(16, (5, 1), strides=(2, 1)), (11, 6, 8), 4 * 6 * 5 * 8 * 16, 5 * 8 * 16 + 16),
        (layers.Conv2D(16, 3, groups=4, padding="same"), (10, 6, 8), 10 * 6 * 9 * (8 // 4) * 16, 9 * 2 * 16 + 16),
        (layers.Conv2D(16, 3, dilation_rate=2), (10, 6, 8), 6 * 2 * 9 * 8 * 16, 9 * 8 * 16 + 16),
        (layers.Conv1D(4, 3, padding="causal"), (10, 8), 10 * 3 * 8 * 4, 3 * 8 * 4 + 4),
        (layers.Conv3D(4, 3, padding="same"), (5, 6, 7, 2), 5 * 6 * 7 * 27 * 2 * 4, 27 * 2 * 4 + 4),
        (layers.DepthwiseConv2D(3, strides=2, padding="same"), (10, 6, 8), 5 * 3 * 9 * 8, 9 * 8 + 8),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), (10, 6, 8), 8 * 4 * 9 * 16, 9 * 16 + 16),
        (layers.SeparableConv2D(16, 3), (10, 6, 8), 8 * 4 * (9 * 8 + 8 * 16), 9 * 8 + 8 * 16 + 16),
        (layers.SeparableConv2D(16, 3, 2, "same", depth_multiplier=2), (10, 6, 8), 15 * (144 + 256), 144 + 256 + 16),
        # every one of the 10×6 input positions is spread over a kernel
        (layers.Conv2DTranspose(16, 3, strides=2, padding="same"), (10, 6, 8), 60 * 9 * 8 * 16, 9 * 8 * 16 + 16),
        (layers.Dense(7), (5,), 35, 42),
        (layers.Dense(7), (10, 6, 5), 60 * 35, 42),
        (layers.EinsumDense("abc,cd->abd", output_shape=(None, 7)), (6, 5), 6 * 35, 35),
        (layers.UpSampling2D(2, interpolation="bilinear"), (10, 6, 8), 20 * 12 * 8 * 4, 0),
        (layers.Resizing(5, 3), (10, 6, 8), 5 * 3 * 8 * 4, 0),
        (layers.BatchNormalization(), (10, 6, 8), 0, 4 * 8),
    ],
)
def test_layers_of_keras(layer, shape, expected, parameters):
    count = of_layer(type(layer).from_config(layer.get_config()), shape)
    assert count.multiply_adds == expected
    assert count.parameters == parameters


@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        (ops.matmul, [(4, 5), (5, 6)], 4 * 5 * 6),
        (ops.matmul, [(3, 4, 5), (1, 5, 6)], 3 * 4 * 5 * 6),  # broadcast: counted for each of the three
        (lambda x, y: ops.matmul(x, ops.transpose(y, (0, 2, 1))), [(4, 5), (6, 5)], 4 * 5 * 6),
        (lambda x: ops.matmul(x, ops.ones((5,))), [(4, 5)], 4 * 5),
        (lambda x: ops.dot(x, ops.ones((5, 6))), [(4, 5)], 4 * 5 * 6),
        (lambda x: ops.dot(x, 2.0), [(4, 5)], 0),
        (lambda x: ops.inner(x[0], ops.ones((4, 5))), [(4, 5)], 4 * 5 * 4),
        (lambda x: ops.vdot(x, x), [(4, 5)], 4 * 5),
        (lambda x: ops.tensordot(x, ops.ones((4, 5, 6)), 2), [(4, 5)], 4 * 5 * 6),
        (lambda x: ops.tensordot(x, ops.ones((6, 5, 4)), [[2, 1], [1, 2]]), [(4, 5)], 4 * 5 * 6),
        (lambda x: ops.tensordot(x, ops.ones((5, 4)), 0), [(4, 5)], 0),
        (lambda x, y: ops.einsum("bij,bjk->bik", x, y), [(4, 5), (5, 6)], 4 * 5 * 6),
        (lambda x, y: ops.einsum("bij,bkj", x, y), [(4, 5), (6, 5)], 4 * 5 * 6),
        (lambda x: ops.einsum("...j,jk->...k", x, ops.ones((5, 6))), [(3, 4, 5)], 3 * 4 * 5 * 6),
        (lambda x: ops.einsum("...j,jk", x, ops.ones((5, 6))), [(3, 4, 5)], 3 * 4 * 5 * 6),
        (lambda x, y: ops.einsum("...ij,...jk->...ik", x, y), [(3, 4, 5), (1, 5, 6)], 3 * 4 * 5 * 6),
        # (ij,jk),kl takes 288, ij,(jk,kl) 350, all three at once more than 840
        (lambda x, y, z: ops.einsum("bij,bjk,bkl->bil", x, y, z), [(4, 5), (5, 6), (6, 7)], 4 * 5 * 6 + 4 * 6 * 7),
        (lambda x: ops.einsum("bhw,bhw->bhw", x, x), [(4, 5)], 0),  # elementwise, as x * x
        (lambda x: ops.einsum("bhw->b", x), [(4, 5)], 0),  # a sum
        (lambda x: ops.image.resize(x, (7, 9)), [(4, 5, 3)], 7 * 9 * 3 * 4),
        (lambda x: ops.image.resize(x, (7, 9), interpolation="bicubic"), [(4, 5, 3)], 7 * 9 * 3 * 16),
        (lambda x: ops.image.resize(x, (7, 9), interpolation="nearest"), [(4, 5, 3)], 0),
        (lambda x: ops.image.affine_transform(x, ops.ones((1, 8))), [(4, 5, 3)], 4 * 5 * 3 * 4),
        (lambda x: ops.image.map_coordinates(x[0], ops.zeros((2, 7)), 1), [(4, 5)], 7 * 4),
        (lambda x: ops.image.map_coordinates(x[0], ops.zeros((2, 7)), 0), [(4, 5)], 0),
        # 10 queries, 6 keys, 2 heads of 8: products with the keys, then the weighted values
        (ops.nn.dot_product_attention, [(10, 2, 8), (6, 2, 8), (6, 2, 8)], 2 * (10 * 6 * 8) * 2),
        (lambda x: ops.conv(x, ops.ones((3, 3, 4, 6)), padding="valid"), [(8, 7, 4)], 6 * 5 * 9 * 4 * 6),
        (lambda x: ops.depthwise_conv(x, ops.ones((3, 3, 4, 1)), padding="same"), [(8, 7, 4)], 8 * 7 * 9 * 4),
        (lambda x: ops.relu(ops.mean(x, axis=(1, 2)) * 3 + 1), [(8, 7, 4)], 0),
    ],
)
def test_operations_in_a_layer_of_ones_own(function, shapes, expected):
    assert of_layer(Calls(function), *shapes).multiply_adds == expected


def test_operations_as_nodes_of_a_functional_graph():
    image = keras.Input((4, 5))
    count = multiply_adds(keras.Model(image, ops.einsum("bij,bik->bjk", image @ ops.ones((5, 6)), image)))
    assert [(row.kind, row.multiply_adds, row.output_shape) for row in count.rows] == [
        ("Matmul", 4 * 5 * 6, (1, 4, 6)),
        ("Einsum", 4 * 6 * 5, (1, 6, 5)),
    ]


def test_channels_first():
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow convolves channels-first pictures on a GPU only")
    assert of_layer(layers.Conv2D(16, 3, data_format="channels_first"), (8, 10, 6)).multiply_adds == 8 * 4 * 9 * 8 * 16


@settings(deadline=None, max_examples=20)
@given(
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    kernel=st.integers(1, 4),
    strides=st.integers(1, 3),
    padding=st.sampled_from(["same", "valid"]),
    groups=st.sampled_from([1, 2, 4]),
)
def test_convolutions_cost_their_weights_at_every_position(size, kernel, strides, padding, groups):
    layer = layers.Conv2D(8, kernel, strides, padding, groups=groups, use_bias=False)
    count = of_layer(layer, (*size, 4))
    side = [-(-n // strides) if padding == "same" else (n - kernel) // strides + 1 for n in size]
    assert count.multiply_adds == side[0] * side[1] * layer.count_params()


def bottleneck():
    """Every row by hand: 8×6×4 → 1×1 to 6 → depthwise 3×3, stride 2 → gate from the mean → dense 5."""
    image = keras.Input((8, 6, 4))
    x = layers.Conv2D(6, 1, use_bias=False, name="expand")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise")(x)
    gate = layers.Dense(6, activation="sigmoid", name="gate")(ops.mean(x, axis=(1, 2)))
    x = x * ops.reshape(gate, (-1, 1, 1, 6))
    return keras.Model(image, layers.Dense(5, name="features")(layers.GlobalAveragePooling2D()(x)), name="bottleneck")


def test_rows_of_a_network():
    count = multiply_adds(bottleneck())
    assert [
        (row.name, row.kind, row.calls, row.output_shape, row.multiply_adds, row.parameters, row.kernels)
        for row in count.rows
    ] == [
        ("expand", "Conv2D", 1, (1, 8, 6, 6), 48 * 24, 24, 24),
        ("norm", "BatchNormalization", 1, (1, 8, 6, 6), 0, 24, 0),
        ("depthwise", "DepthwiseConv2D", 1, (1, 4, 3, 6), 12 * 54, 60, 54),
        ("gate", "Dense", 1, (1, 6), 36, 42, 36),
        ("features", "Dense", 1, (1, 5), 30, 35, 30),
    ]
    assert count.name == "bottleneck"
    assert count.multiply_adds == 1152 + 648 + 36 + 30
    assert (count.parameters, count.kernels) == (bottleneck().count_params(), 24 + 54 + 36 + 30)


def test_nested_layers_have_paths_and_own_weights():
    @keras.saving.register_keras_serializable(package="test")
    class Block(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1], 3), name="scale")
            self.inner = layers.Dense(2, name="inner")
            self.inner.build((*shape[:-1], 3))

        def call(self, x):
            return self.inner(ops.matmul(x, self.scale))

    image = keras.Input((4,))
    nested = keras.Sequential([keras.Input((2,)), layers.Dense(6, name="last")], name="head")
    count = multiply_adds(keras.Model(image, nested(Block(name="block")(image))))
    assert [(row.name, row.multiply_adds, row.parameters) for row in count.rows] == [
        ("block", 12, 12),
        ("block/inner", 6, 8),
        ("head/last", 12, 18),
    ]
    assert count.part("block").multiply_adds == 18
    assert count.part("block/inner", "head").parameters == 26


def test_a_shared_layer_counts_each_time_it_is_applied():
    """Four streams through one layer cost the same whether it is called four times or once on a batch of four."""
    crops = keras.Input((4, 6, 5, 3))
    shared = layers.Conv2D(8, 3, padding="same", name="shared")
    apart = multiply_adds(keras.Model(crops, ops.stack([shared(crops[:, i]) for i in range(4)], axis=1)))
    joined = multiply_adds(keras.Model(crops, shared(ops.reshape(crops, (-1, 6, 5, 3)))))
    assert apart.multiply_adds == joined.multiply_adds == 4 * 30 * 27 * 8
    assert [(row.name, row.calls, row.parameters) for row in apart.rows] == [("shared", 4, 27 * 8 + 8)]
    assert [(row.calls, row.output_shape) for row in joined.rows] == [(1, (4, 6, 5, 8))]


def test_layers_that_are_built_by_their_first_call_count_once():
    class Lazy(keras.Model):
        def __init__(self):
            super().__init__(name="lazy")
            self.block = keras.Sequential([layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)])

        def call(self, x):
            return self.block(x)

    assert multiply_adds(Lazy(), image_size=(8, 7)).multiply_adds == 6 * 5 * 27 * 4 + 8


def test_what_an_operation_is_made_of_is_not_counted_again():
    # TensorFlow's `separable_conv` calls `conv` and `depthwise_conv` of the same module.
    count = of_layer(layers.SeparableConv2D(1, 1, use_bias=False), (3, 3, 2))
    assert count.multiply_adds == 9 * (2 + 2)


def test_image_size():
    anysize = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 3, padding="same")], name="anysize")
    assert multiply_adds(anysize, (10, 6)).multiply_adds == 60 * 27 * 4
    with pytest.raises(ReIDError) as error:
        multiply_adds(anysize)
    assert (
        str(error.value) == "anysize takes inputs of any size, (None, None, None, 3): give image_size=(height, width)."
    )
    with pytest.raises(ReIDError) as error:
        multiply_adds(bottleneck(), (8, 7))
    assert str(error.value) == "bottleneck takes inputs of shape (None, 8, 6, 4). Received: image_size=(8, 7)"


def test_several_inputs_by_name():
    left, right = keras.Input((4, 5), name="left"), keras.Input((5, 6), name="right", dtype="float16")
    model = keras.Model({"left": left, "right": right}, ops.matmul(left, ops.cast(right, "float32")))
    assert multiply_adds(model).multiply_adds == 120


def test_what_is_no_model():
    with pytest.raises(ReIDError) as error:
        multiply_adds(layers.Dense(3))
    assert str(error.value) == (
        "multiply_adds expects a keras.Model; put a layer into keras.Sequential([keras.Input(shape), layer]). "
        "Received: Dense"
    )


def test_a_model_that_does_not_say_what_it_takes():
    class Silent(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ReIDError) as error:
        multiply_adds(Silent(name="silent"))
    assert str(error.value) == "silent does not say what it takes: give image_size=(height, width)."


def test_a_part_that_is_not_there():
    with pytest.raises(ReIDError) as error:
        multiply_adds(bottleneck()).part("expand", "gat")
    assert str(error.value) == (
        "bottleneck has no layer 'gat' that costs anything. It has: expand, norm, depthwise, gate, features."
    )


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            Calls(lambda x: ops.vectorized_map(lambda row: ops.matmul(row, ops.ones((5, 6))), x), name="rows"),
            (4, 5),
            "rows: what keras.ops runs through the backend's `vectorized_map` cannot be counted exactly.",
        ),
        (
            layers.SimpleRNN(3, name="memory"),
            (4, 5),
            "memory: what keras.ops runs through the backend's `rnn` cannot be counted exactly.",
        ),
        (
            Calls(lambda x: ops.image.resize(x, (2, 2), antialias=True), name="smooth"),
            (4, 5, 3),
            "smooth: a resize with antialias=True, whose number of samples depends on the scale, cannot be counted "
            "exactly.",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(layer, shape, message):
    image = keras.Input(shape)
    model = keras.Model(image, layer(image))
    with pytest.raises(ReIDError) as error:
        multiply_adds(model)
    assert str(error.value) == message


@on_tensorflow
def test_shapes_that_depend_on_values_are_refused():
    def call(x):
        found = ops.cast(ops.nonzero(x)[0], "float32")
        return ops.sum(ops.matmul(ops.expand_dims(found, 1), ops.ones((1, 2))))

    image = keras.Input((5,))
    with pytest.raises(ReIDError) as error:
        multiply_adds(keras.Model(image, Calls(call, name="found")(image)))
    assert str(error.value) == (
        "found: an operation whose shapes are not known before it runs cannot be counted exactly."
    )


def functions_of_keras():
    watched = [(getattr(backend, module), name) for module, names in FORMULAS.items() for name in names]
    refused = [
        (getattr(backend, module) if module else backend, name) for module, names in REFUSED.items() for name in names
    ]
    return [keras.Operation.__call__, *(getattr(owner, name) for owner, name in watched + refused)]


def test_keras_is_left_as_it_was():
    before = functions_of_keras()
    seen = []

    def fail(x):
        seen.append(functions_of_keras())
        raise RuntimeError("from within")

    image = keras.Input((3,))
    armed = threading.Event()
    model = keras.Model(image, Calls(lambda x: fail(x) if armed.is_set() else x)(image))
    armed.set()
    with pytest.raises(RuntimeError, match="from within"):
        multiply_adds(model)
    assert all(one is not other for one, other in zip(seen[0], before, strict=True))  # it was watched, all of it
    assert all(one is other for one, other in zip(functions_of_keras(), before, strict=True))
    assert multiply_adds(bottleneck()).multiply_adds == 1866  # and nothing hinders the next count


def test_other_threads_are_left_out():
    elsewhere = threading.Thread(target=lambda: ops.matmul(ops.ones((5, 5)), ops.ones((5, 5))))

    def call(x):
        elsewhere.start()
        elsewhere.join()
        return ops.matmul(x, ops.ones((3, 2)))

    image = keras.Input((3,))
    layer = Calls(call)
    layer.compute_output_shape = lambda shape: (shape[0], 2)
    layer.compute_output_spec = lambda x: keras.KerasTensor((x.shape[0], 2))
    assert multiply_adds(keras.Model(image, layer(image))).multiply_adds == 6


def test_the_network_computes_what_it_did_before():
    model = bottleneck()
    picture = np.random.default_rng(0).normal(size=(2, 8, 6, 4)).astype("float32")
    before = ops.convert_to_numpy(model(picture))
    multiply_adds(model)
    np.testing.assert_array_equal(ops.convert_to_numpy(model(picture)), before)


def test_rows_are_plain_numbers():
    rows = multiply_adds(bottleneck()).rows
    assert json.loads(json.dumps([[row.multiply_adds, row.parameters, row.output_shape] for row in rows]))


@on_tensorflow
def test_agrees_with_the_profiler_of_tensorflow():
    """An independent count, from the shapes of TensorFlow's own graph: two operations a multiply-add."""
    import tensorflow as tf

    image = keras.Input((20, 12, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(image)
    x = layers.DepthwiseConv2D(3, padding="same")(layers.BatchNormalization()(x))
    x = layers.SeparableConv2D(16, 3, activation="relu")(x)
    x = ops.matmul(ops.reshape(x, (-1, 8 * 4, 16)), ops.reshape(x, (-1, 16, 8 * 4)))
    model = keras.Model(image, layers.Dense(5)(layers.Flatten()(x)))

    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec((1, 20, 12, 3))).graph
    option = tf.compat.v1.profiler.ProfileOptionBuilder
    node = tf.compat.v1.profiler.profile(
        graph, cmd="op", options=option(option.float_operation()).with_empty_output().build()
    )
    operations = {}
    while node.children:  # a chain, each with the total of the rest
        node = node.children[0]
        operations[node.name] = node.float_ops
    products = ("Conv2D", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2")
    assert sum(operations[name] for name in products) == 2 * multiply_adds(model).multiply_adds

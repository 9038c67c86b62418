"""What every layer of the package must pass, whatever it computes."""

import inspect

import keras
import numpy as np
from keras import ops


def run_layer_checks(layer, *shapes, config=None, training_weights=True):
    """Round trip, declared shapes, gradients to every weight, half precision, freezing, and channels that stay last.

    Args:
        layer: Built or not; its config must rebuild it.
        *shapes: Of the inputs, batch included.
        config: Constructor arguments that the config must hold.
        training_weights: Whether gradients must reach every trainable weight.
    """
    rng = np.random.default_rng(0)
    inputs = [ops.convert_to_tensor(rng.normal(0.3, 1, shape).astype("float32")) for shape in shapes]
    outputs = _outputs(layer, inputs)
    _check_shapes(layer, shapes, outputs)
    _check_round_trip(layer, inputs, outputs, config or {})
    if training_weights:
        _check_gradients(layer, inputs)
    _check_half_precision(layer, inputs, outputs)


def _outputs(layer, inputs):
    """What the layer makes of the inputs; on JAX in one program, since it would compile every operation by itself."""
    if keras.backend.backend() != "jax":
        return layer(*inputs)
    import jax

    _make_weights(layer, inputs)
    outputs, _ = jax.jit(layer.stateless_call)(*_values(layer), *inputs)
    return outputs


def _values(layer):
    """Of the trainable variables, and of the others, as `stateless_call` takes them."""
    return [[each.value for each in some] for some in (layer.trainable_variables, layer.non_trainable_variables)]


def _make_weights(layer, inputs):
    layer(*[keras.KerasTensor(x.shape) for x in inputs])


def _check_shapes(layer, shapes, outputs):
    declared = layer.compute_output_shape(*shapes)
    assert keras.tree.map_structure(lambda x: tuple(x.shape), outputs) == (
        {name: tuple(shape) for name, shape in declared.items()} if isinstance(declared, dict) else tuple(declared)
    )
    symbolic = layer(*[keras.KerasTensor((None, *shape[1:])) for shape in shapes])
    assert keras.tree.map_structure(lambda x: tuple(x.shape[1:]), symbolic) == keras.tree.map_structure(
        lambda x: tuple(x.shape[1:]), outputs
    )


def _check_round_trip(layer, inputs, outputs, config):
    saved = layer.get_config()
    assert {name: saved[name] for name in config} == config
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    _make_weights(again, inputs)
    again.set_weights(layer.get_weights())
    for one, two in zip(_arrays(outputs), _arrays(_outputs(again, inputs)), strict=True):
        np.testing.assert_array_equal(one, two)


def _check_gradients(layer, inputs):
    assert layer.trainable_weights, "the layer has no trainable weights"
    for weight, gradient in zip(layer.trainable_weights, _gradients(layer, inputs), strict=True):
        assert gradient is not None, f"no gradient reaches {weight.path}"
        assert np.abs(ops.convert_to_numpy(gradient)).max() > 0, f"no gradient reaches {weight.path}"


def _gradients(layer, inputs):
    """Of the outputs' mean square distance from random targets, to each trainable weight; None where it has none."""

    def distance(outputs):
        rng = np.random.default_rng(1)
        flat = keras.tree.flatten(outputs)
        return sum(ops.mean(ops.square(x - rng.normal(0, 3, x.shape).astype("float32"))) for x in flat)

    if keras.backend.backend() == "jax":
        import jax

        # To a layer's `call` itself, which Keras does not ask first whether it takes `training`.
        training = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}

        def of_weights(trainable, others):
            outputs, _ = layer.stateless_call(trainable, others, *inputs, **training)
            return distance(outputs)

        return jax.jit(jax.grad(of_weights))(*_values(layer))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        result = distance(layer(*inputs, training=True))
    return tape.gradient(result, [weight.value for weight in layer.trainable_variables])


def _check_half_precision(layer, inputs, outputs):
    half = _otherwise({**layer.get_config(), "dtype": "mixed_bfloat16", "trainable": False}, type(layer), inputs)
    half.set_weights(layer.get_weights())
    assert all(weight.dtype == "float32" for weight in half.weights)
    assert not half.trainable_weights, "frozen layers learn"
    for one, two in zip(_arrays(outputs), _arrays(_outputs(half, inputs)), strict=True):
        assert np.isfinite(two).all()
        assert one.shape == two.shape
    if keras.config.backend() == "tensorflow":  # which refuses what JAX converts
        pure = type(layer).from_config({**layer.get_config(), "dtype": "bfloat16"})
        for one in _arrays(pure(*[ops.cast(x, "bfloat16") for x in inputs], training=True)):
            assert np.isfinite(one).all()


def _otherwise(config, kind, inputs):
    """A layer of this config, built where Keras has been told to put channels first, which ours never do."""
    keras.config.set_image_data_format("channels_first")
    try:
        layer = kind.from_config(config)
        _make_weights(layer, inputs)
    finally:
        keras.config.set_image_data_format("channels_last")
    return layer


def _arrays(outputs):
    return [np.asarray(ops.convert_to_numpy(ops.cast(x, "float32"))) for x in keras.tree.flatten(outputs)]

"""What every layer of the package must pass, whatever it computes."""

import keras
import numpy as np
from keras import ops


def run_layer_checks(layer, *shapes, config=None, training_weights=True):
    """Round trip, declared shapes, gradients to every weight, half precision.

    Args:
        layer: Built or not; its config must rebuild it.
        *shapes: Of the inputs, batch included.
        config: Constructor arguments that the config must hold.
        training_weights: Whether gradients must reach every trainable weight.
    """
    rng = np.random.default_rng(0)
    inputs = [ops.convert_to_tensor(rng.normal(0.3, 1, shape).astype("float32")) for shape in shapes]
    outputs = layer(*inputs)
    _check_shapes(layer, shapes, outputs)
    _check_round_trip(layer, inputs, outputs, config or {})
    if training_weights:
        _check_gradients(layer, inputs)
    _check_half_precision(layer, inputs, outputs)


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
    again(*inputs)
    again.set_weights(layer.get_weights())
    for one, two in zip(_arrays(outputs), _arrays(again(*inputs)), strict=True):
        np.testing.assert_array_equal(one, two)


def _check_gradients(layer, inputs):
    """Through a model trained for one step, which every backend can do: a weight without gradient would stand still."""
    flat = keras.layers.Flatten()
    symbols = [keras.Input(x.shape[1:]) for x in inputs]
    results = keras.tree.flatten(layer(*symbols))
    joined = keras.layers.Concatenate()([flat(result) for result in results]) if len(results) > 1 else flat(results[0])
    model = keras.Model(symbols, joined)
    # Adam's first step moves each weight with a gradient by the learning rate, however small the gradient is.
    model.compile(
        keras.optimizers.Adam(1e-2, epsilon=1e-30), loss="mse", run_eagerly=keras.config.backend() == "tensorflow"
    )
    before = [ops.convert_to_numpy(weight) for weight in layer.trainable_weights]
    target = np.random.default_rng(1).normal(0, 3, (inputs[0].shape[0], joined.shape[-1])).astype("float32")
    model.train_on_batch([ops.convert_to_numpy(x) for x in inputs], target)
    assert before, "the layer has no trainable weights"
    for weight, old in zip(layer.trainable_weights, before, strict=True):
        assert np.abs(ops.convert_to_numpy(weight) - old).max() > 1e-4, f"no gradient reaches {weight.path}"
    for weight, old in zip(layer.trainable_weights, before, strict=True):
        weight.assign(old)


def _check_half_precision(layer, inputs, outputs):
    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
    half(*inputs)
    half.set_weights(layer.get_weights())
    assert all(weight.dtype == "float32" for weight in half.trainable_weights)
    for one, two in zip(_arrays(outputs), _arrays(half(*inputs)), strict=True):
        assert np.isfinite(two).all()
        assert one.shape == two.shape


def _arrays(outputs):
    return [np.asarray(ops.convert_to_numpy(ops.cast(x, "float32"))) for x in keras.tree.flatten(outputs)]

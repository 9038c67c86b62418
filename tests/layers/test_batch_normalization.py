import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.layers import BatchNormalization


@pytest.mark.parametrize("shape", [(4, 6, 5, 8), (6, 8)])
def test_layer(shape):
    run_layer_checks(BatchNormalization(momentum=0.9), shape, config={"momentum": 0.9})


def test_the_single_operation_is_keras():
    """Outputs, gradients and moving statistics of a few steps: one layer is Keras', the other ours, otherwise alike."""
    trained = []
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        rng = np.random.default_rng(0)
        layer = kind(momentum=0.8, epsilon=2e-3)
        model = keras.Sequential([keras.Input((6, 5, 8)), layer, keras.layers.Conv2D(3, 1, kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(0.1), loss="mse")
        for _ in range(3):
            model.train_on_batch(rng.normal(1, 3, (4, 6, 5, 8)), rng.normal(0, 1, (4, 6, 5, 3)))
        trained.append([ops.convert_to_numpy(weight) for weight in model.weights])
    assert len(trained[0]) == 6
    for theirs, ours in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_has_statistics_in_float32(precision):
    inputs = np.random.default_rng(0).normal(3, 2, (8, 6, 5, 8)).astype("float32")
    trained = []
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        layer = kind(momentum=0.5, dtype=precision)
        outputs = layer(ops.cast(inputs, precision.removeprefix("mixed_")), training=True)
        assert outputs.dtype == precision.removeprefix("mixed_")
        trained.append([ops.convert_to_numpy(ops.cast(x, "float32")) for x in (outputs, *layer.variables)])
    for theirs, ours in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(trained[1][3], trained[0][3], rtol=1e-4)  # the moving mean has no half precision in it


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="the single operation is TensorFlow's")
def test_only_training_on_feature_maps_takes_it():
    import tensorflow as tf

    def operations(layer, shape, **arguments):
        layer.build(shape)
        traced = tf.function(lambda x: layer(x, **arguments)).get_concrete_function(tf.TensorSpec(shape))
        return {operation.type for operation in traced.graph.get_operations()}

    fused = "FusedBatchNormV3"
    assert fused in operations(BatchNormalization(), (2, 6, 5, 8), training=True)
    assert fused not in operations(BatchNormalization(), (2, 6, 5, 8), training=False)
    assert fused not in operations(BatchNormalization(trainable=False), (2, 6, 5, 8), training=True)
    assert fused not in operations(BatchNormalization(scale=False), (2, 6, 5, 8), training=True)
    assert fused not in operations(BatchNormalization(renorm=True), (2, 6, 5, 8), training=True)
    assert fused in operations(BatchNormalization(dtype="mixed_bfloat16"), (2, 6, 5, 8), training=True)
    assert fused not in operations(BatchNormalization(), (6, 8), training=True)

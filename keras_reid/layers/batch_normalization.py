"""Batch normalisation that trains as fast on TensorFlow as its kernels allow."""

from collections.abc import Iterable

import keras
from keras import ops


def synchronise(layers: Iterable[keras.layers.Layer]) -> None:
    """Have all batch normalisation among `layers`, Keras' own too, take its statistics from all replicas."""
    for layer in layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


@keras.saving.register_keras_serializable(package="keras_reid")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation, in one operation where TensorFlow trains on feature maps.

    Keras 3 composes a training step of about ten operations a layer, and as many for the gradient; on a CPU, where
    nothing fuses them, that was a third of HAN's training time. TensorFlow's own kernel does the same in one. The
    values are Keras', to rounding, and so are weights, arguments and inference.

    Example:
        >>> keras_reid.layers.BatchNormalization()(keras.random.normal((2, 40, 16, 128)), training=True).shape
        (2, 40, 16, 128)

    Args:
        As for `keras.layers.BatchNormalization`.

    Input: As there. The single operation serves (batch, height, width, channels) with scale and offset, and with
        statistics that are not synchronised; all else is Keras'. Half precision is computed in float32 inside it, as
        Keras does, but not written out as such.
    Output: Of the input's shape.

    Source: Ioffe, Szegedy: Batch Normalization, 2015, Algorithm 1.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and self._in_one_operation(inputs, mask)):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, ops.convert_to_tensor(self.gamma), ops.convert_to_tensor(self.beta), epsilon=self.epsilon
        )
        # The kernel divides by n - 1 what it hands out for the moving variance, Keras by n.
        number = ops.cast(ops.prod(ops.shape(inputs)[:3]), variance.dtype)
        variance = variance * (number - 1) / number
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs

    def _in_one_operation(self, inputs, mask) -> bool:
        return (
            keras.config.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and inputs.dtype in ("float32", "bfloat16", "float16")
            and keras.backend.standardize_dtype(inputs.dtype) == self.compute_dtype
            and self.variable_dtype == "float32"
            and self.axis in (-1, 3)
            and self.center
            and self.scale
            and not self.synchronized
            and not self.renorm
            and mask is None
        )

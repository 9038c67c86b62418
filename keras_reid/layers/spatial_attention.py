"""Spatial attention of the harmonious attention module (Li et al., HAN, section 3.2, Fig. 2b)."""

import keras
from keras import ops

from keras_reid.layers.arguments import check_sized_map
from keras_reid.layers.batch_normalization import BatchNormalization
from keras_reid.layers.composed import composed


@keras.saving.register_keras_serializable(package="keras_reid")
class SpatialAttention(keras.layers.Layer):
    """Where to look: one weight a position, shared by all channels.

    Mean over the channels, a 3×3 convolution of stride 2, bilinear resizing back to the size of the map, and a 1×1
    convolution that learns the scale: 10 weights whatever the width of the map (section 3.2 (i)). Each convolution is
    followed by batch normalisation and ReLU. The last normalisation starts at offset 1, so that the attention starts
    near 1 everywhere and no position begins behind a dead ReLU; the paper leaves the initialisation open.

    Example:
        >>> attention = keras_reid.layers.SpatialAttention()
        >>> attention(keras.random.normal((2, 40, 16, 128))).shape
        (2, 40, 16, 1)

    Args:
        momentum: Of the moving statistics of the batch normalisation. Defaults to 0.9.
        synchronized: Whether the batch normalisation takes its statistics from all replicas. Defaults to False.

    Input: (batch, height, width, channels), height and width known.
    Output: (batch, height, width, 1), values ≥ 0.

    Raises:
        ReIDError: the input is no feature map of known size.

    Source: Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention, section 3.2, Eq. 4.
    """

    def __init__(self, momentum: float = 0.9, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.synchronized = synchronized

    @composed
    def build(self, input_shape):
        check_sized_map("SpatialAttention", input_shape)
        batch, height, width, _ = input_shape
        normalisation = {"momentum": self.momentum, "synchronized": self.synchronized, "dtype": self.dtype_policy}
        # Averages at the start: the map begins as the blurred activation, whatever the seed.
        self.convolution = keras.layers.Conv2D(
            1, 3, strides=2, padding="same", use_bias=False, dtype=self.dtype_policy,
            kernel_initializer=keras.initializers.Constant(1 / 9), name="convolution",
        )  # fmt: skip
        self.convolution_norm = BatchNormalization(**normalisation, beta_initializer="ones", name="convolution_norm")
        self.scale = keras.layers.Conv2D(
            1, 1, use_bias=False, dtype=self.dtype_policy, kernel_initializer="ones", name="scale"
        )
        self.scale_norm = BatchNormalization(**normalisation, beta_initializer="ones", name="scale_norm")
        halved = (batch, -(-height // 2), -(-width // 2), 1)
        self.convolution.build((batch, height, width, 1))
        self.convolution_norm.build(halved)
        self.scale.build((batch, height, width, 1))
        self.scale_norm.build((batch, height, width, 1))

    def call(self, inputs, training=None):
        height, width = inputs.shape[1:3]
        attention = ops.mean(inputs, axis=-1, keepdims=True)  # Eq. 4
        attention = ops.relu(self.convolution_norm(self.convolution(attention), training=training))
        attention = ops.image.resize(attention, (height, width), data_format="channels_last")
        return ops.relu(self.scale_norm(self.scale(attention), training=training))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "synchronized": self.synchronized}

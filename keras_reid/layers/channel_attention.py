"""Channel attention of the harmonious attention module (Li et al., HAN, section 3.2, Fig. 2c)."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_count, check_map_or_mean
from keras_reid.layers.composed import composed


@keras.saving.register_keras_serializable(package="keras_reid")
class ChannelAttention(keras.layers.Layer):
    """What to look at: one weight a channel, shared by all positions.

    Squeeze and excitation: mean over space (Eq. 5), down to channels / reduction and up again, ReLU after each
    (Eq. 6): 2·channels²/reduction weights, each followed by batch normalisation. The last normalisation starts at
    offset 1, so that no channel begins behind a dead ReLU.

    Example:
        >>> attention = keras_reid.layers.ChannelAttention()
        >>> attention(keras.random.normal((2, 40, 16, 128))).shape
        (2, 1, 1, 128)

    Args:
        reduction: By how much the bottleneck is narrower than the map. Defaults to 16, the paper's r.
        momentum: Of the moving statistics of the batch normalisation. Defaults to 0.9.
        synchronized: Whether the batch normalisation takes its statistics from all replicas. Defaults to False.

    Input: (batch, height, width, channels), or (batch, channels) where the mean over space is at hand already.
    Output: (batch, 1, 1, channels), values ≥ 0.

    Raises:
        ReIDError: `reduction` is no whole number above 0 or does not divide the channels, or the input has
            another rank.

    Source: Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention, section 3.2, Eq. 5 and 6.
    """

    def __init__(self, reduction: int = 16, momentum: float = 0.9, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        check_count("ChannelAttention", reduction=reduction)
        self.reduction = int(reduction)
        self.momentum = momentum
        self.synchronized = synchronized

    @composed
    def build(self, input_shape):
        check_map_or_mean("ChannelAttention", input_shape)
        channels = input_shape[-1]
        if channels % self.reduction:
            raise ReIDError(
                "ChannelAttention expects a number of channels that `reduction` divides. "
                f"Received: channels={channels}, reduction={self.reduction}"
            )
        normalisation = {"momentum": self.momentum, "synchronized": self.synchronized, "dtype": self.dtype_policy}
        narrow = channels // self.reduction
        self.squeeze = keras.layers.Dense(
            narrow, use_bias=False, kernel_initializer="he_normal", dtype=self.dtype_policy, name="squeeze"
        )
        self.squeeze_norm = keras.layers.BatchNormalization(**normalisation, name="squeeze_norm")
        self.excite = keras.layers.Dense(
            channels, use_bias=False, kernel_initializer="he_normal", dtype=self.dtype_policy, name="excite"
        )
        self.excite_norm = keras.layers.BatchNormalization(**normalisation, beta_initializer="ones", name="excite_norm")
        self.squeeze.build((input_shape[0], channels))
        self.squeeze_norm.build((input_shape[0], narrow))
        self.excite.build((input_shape[0], narrow))
        self.excite_norm.build((input_shape[0], channels))

    def call(self, inputs, training=None):
        signature = ops.mean(inputs, axis=(1, 2)) if len(inputs.shape) == 4 else inputs  # Eq. 5
        narrow = ops.relu(self.squeeze_norm(self.squeeze(signature), training=training))
        excitation = ops.relu(self.excite_norm(self.excite(narrow), training=training))  # Eq. 6
        return ops.reshape(excitation, (-1, 1, 1, excitation.shape[-1]))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1, 1, input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "reduction": self.reduction,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
        }

"""Foreground-aware channel attention of AANet (Lian, Jiang, Hu: Attention-Aligned Network, section 3.2.1)."""

import keras
from keras import ops

from keras_reid.layers.arguments import check_count, check_map
from keras_reid.layers.composed import composed


@keras.saving.register_keras_serializable(package="keras_reid")
class ForegroundChannelAttention(keras.layers.Layer):
    """What to look at: one weight a channel, from what stands out of the background.

    The signature of a channel is its mean over space less its minimum, where the minimum stands for the background;
    two 1×1 convolutions squeeze it to channels / reduction and expand it again: 2·channels²/reduction weights.

    The paper names no activations: ReLU between the two and a sigmoid behind them are those of squeeze and excitation,
    on which the block is an improvement. Nor does it name a normalisation: there is none, and the convolutions have
    biases. The mask starts near the constant 0.88, so that the block strengthens some
    channels rather than halving all; the paper leaves the initialisation open.

    Example:
        >>> attention = keras_reid.layers.ForegroundChannelAttention()
        >>> attention(keras.random.normal((2, 24, 12, 1024))).shape
        (2, 1, 1, 1024)

    Args:
        reduction: By how much the bottleneck is narrower than the map. Defaults to 16, the paper's r.

    Input: (batch, height, width, channels).
    Output: The mask, (batch, 1, 1, channels), values in (0, 1).

    Raises:
        ReIDError: `reduction` is no whole number above 0, or the input is no feature map.

    Source: Lian, Jiang, Hu: Attention-Aligned Network for Person Re-Identification, section 3.2.1, Fig. 3.
    """

    def __init__(self, reduction: int = 16, **kwargs):
        super().__init__(**kwargs)
        check_count("ForegroundChannelAttention", reduction=reduction)
        self.reduction = int(reduction)

    @composed
    def build(self, input_shape):
        check_map("ForegroundChannelAttention", input_shape)
        batch, channels = input_shape[0], input_shape[-1]
        narrow = max(1, channels // self.reduction)
        self.squeeze = keras.layers.Dense(
            narrow, activation="relu", kernel_initializer="he_normal", dtype=self.dtype_policy, name="squeeze"
        )
        self.expand = keras.layers.Dense(
            channels, activation="sigmoid", bias_initializer=keras.initializers.Constant(2.0),
            kernel_initializer=keras.initializers.VarianceScaling(0.1), dtype=self.dtype_policy, name="expand",
        )  # fmt: skip
        self.squeeze.build((batch, channels))
        self.expand.build((batch, narrow))

    def call(self, inputs):
        signature = ops.mean(inputs, axis=(1, 2)) - ops.min(inputs, axis=(1, 2))
        mask = self.expand(self.squeeze(signature))
        return ops.reshape(mask, (-1, 1, 1, mask.shape[-1]))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1, 1, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}

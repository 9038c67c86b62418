"""Squeeze and excitation (Hu, Shen, Sun: Squeeze-and-Excitation Networks, CVPR 2018)."""

import keras
from keras import ops

from keras_reid.layers.arguments import check_count, check_map
from keras_reid.layers.composed import composed


@keras.saving.register_keras_serializable(package="keras_reid")
class SqueezeExcite(keras.layers.Layer):
    """A map times one weight a channel, from the mean over space: sigmoid(σ(ξ(mean of x))) ⊗ x.

    ξ goes down to channels / reduction with ReLU, σ up again: weights in (0, 1), which start about 0.5. Where a map is
    narrower than `reduction`, the bottleneck has one channel. It is the special case of `AttentionInAttention` in which
    φ is the identity, ϕ is 1 and ϖ is σ(ξ(·)) (AiA, Eq. 5 and Remark 1).

    Example:
        >>> keras_reid.layers.SqueezeExcite()(keras.random.normal((2, 24, 12, 256))).shape
        (2, 24, 12, 256)

    Args:
        reduction: By how much the bottleneck is narrower than the map. Defaults to 16, the paper's r; AiA's paper
            compares it at 4 (Table 3).

    Input: (batch, height, width, channels).
    Output: Of the input's shape. `mask(inputs)` is the mask alone, (batch, 1, 1, channels).

    Raises:
        ReIDError: `reduction` is no whole number above 0, or the input is no feature map.

    Source: Hu, Shen, Sun, 2018, section 3, Eq. 2 and 3; Chen et al.: Person Re-identification via Attention Pyramid,
        Eq. 5.
    """

    def __init__(self, reduction: int = 16, **kwargs):
        super().__init__(**kwargs)
        check_count("SqueezeExcite", reduction=reduction)
        self.reduction = int(reduction)

    @composed
    def build(self, input_shape):
        check_map("SqueezeExcite", input_shape)
        batch, channels = input_shape[0], input_shape[-1]
        narrow = max(1, channels // self.reduction)
        self.squeeze = keras.layers.Dense(
            narrow, activation="relu", kernel_initializer="he_normal", dtype=self.dtype_policy, name="squeeze"
        )
        self.excite = keras.layers.Dense(channels, activation="sigmoid", dtype=self.dtype_policy, name="excite")
        self.squeeze.build((batch, channels))
        self.excite.build((batch, narrow))

    def mask(self, inputs, training=None):
        """The weights of the channels, (batch, 1, 1, channels); of a layer that has been built."""
        excitation = self.excite(self.squeeze(ops.mean(inputs, axis=(1, 2))))
        return ops.reshape(excitation, (-1, 1, 1, excitation.shape[-1]))

    def call(self, inputs, training=None):
        return inputs * self.mask(inputs)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}

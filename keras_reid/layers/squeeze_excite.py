"""Squeeze and excitation (Hu et al., Squeeze-and-Excitation Networks, 2018)."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_count, check_map


@keras.saving.register_keras_serializable(package="keras_reid")
class SqueezeExcite(keras.layers.Layer):
    """A feature map times one gate a channel, from the mean over space.

        output = sigmoid(σ(ξ(mean of x))) ⊗ x

    with ξ a dense layer to channels / reduction with ReLU, and σ one back to the channels (AiA, Eq. 5). It is the
    special case of `AttentionInAttention` in which φ is the identity, ϕ is 1 and ϖ is σ(ξ(·)) (AiA, Remark 1).

    Example:
        >>> keras_reid.layers.SqueezeExcite()(keras.random.normal((2, 16, 8, 480))).shape
        (2, 16, 8, 480)

    Args:
        reduction: By how much the bottleneck is narrower than the map. Defaults to 4, as AiA's paper compares it
            (Table 3); its authors take 16.

    Input: (batch, height, width, channels).
    Output: Of the input's shape; with `return_mask=True` in the call a pair, this and the gates,
        (batch, 1, 1, channels).

    Raises:
        ReIDError: `reduction` is no whole number above 0 or does not divide the channels, or the input is no feature
            map.

    Source: Hu et al.: Squeeze-and-Excitation Networks, section 3, Eq. 2 to 4.
    """

    def __init__(self, reduction: int = 4, **kwargs):
        super().__init__(**kwargs)
        check_count("SqueezeExcite", reduction=reduction)
        self.reduction = int(reduction)

    def build(self, input_shape):
        check_map("SqueezeExcite", input_shape)
        batch, *_, channels = input_shape
        if channels % self.reduction:
            raise ReIDError(
                "SqueezeExcite expects a number of channels that `reduction` divides. "
                f"Received: channels={channels}, reduction={self.reduction}"
            )
        narrow = channels // self.reduction
        self.squeeze = keras.layers.Dense(
            narrow, activation="relu", kernel_initializer="he_normal", dtype=self.dtype_policy, name="squeeze"
        )
        self.excite = keras.layers.Dense(channels, activation="sigmoid", dtype=self.dtype_policy, name="excite")
        self.squeeze.build((batch, channels))
        self.excite.build((batch, narrow))

    def call(self, inputs, return_mask=False):
        gates = self.excite(self.squeeze(ops.mean(inputs, axis=(1, 2))))
        gates = ops.reshape(gates, (-1, 1, 1, gates.shape[-1]))
        attended = inputs * gates
        return (attended, gates) if return_mask else attended

    def compute_output_spec(self, inputs, return_mask=False):
        attended = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        if not return_mask:
            return attended
        return attended, keras.KerasTensor((inputs.shape[0], 1, 1, inputs.shape[-1]), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}

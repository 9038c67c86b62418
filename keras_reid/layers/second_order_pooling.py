"""Second-order features of every position (Fang et al., AiA, section 3.2; BAT-net, section 3.1)."""

import keras
from keras import ops

from keras_reid.layers.arguments import check_sized_map


@keras.saving.register_keras_serializable(package="keras_reid")
class SecondOrderPooling(keras.layers.Layer):
    """The products of every two channels at each position: the explicit features of the second-order kernel.

    Of n channels come n(n+1)/2 products, each unordered pair once, as in the upper triangle of x̄x̄ᵀ (Eq. 9). Neither
    the whole matrix nor a gather is computed: rows of rotated copies of x̄, times x̄. The products therefore stand in
    the order of the matrix' wrapped diagonals, x̄_j · x̄_(j+k mod n) for k = 0, 1, …; what follows is a learnt
    convolution, to which any order is the same.

    The inner product of the features is (x̄ᵀȳ)² with the terms off the diagonal once instead of twice:
    ((x̄ᵀȳ)² + Σᵢ x̄ᵢ²ȳᵢ²) / 2. Eq. 11 prints them twice, which is (x̄ᵀȳ)² itself and not what the upper triangle of Eq. 9
    gives; the networks' sizes in the paper are those of Eq. 9.

    Example:
        >>> keras_reid.layers.SecondOrderPooling()(keras.random.normal((2, 16, 8, 60))).shape
        (2, 16, 8, 1830)

    Input: (batch, height, width, channels), height and width known.
    Output: (batch, height, width, channels · (channels + 1) / 2).

    Raises:
        ReIDError: the input is no feature map of known size.

    Source: Fang et al.: Attention in Attention Networks for Person Retrieval, section 3.2, Eq. 8 and 9; the same as
        Bi(·) in Fang et al.: Bilinear Attention Networks for Person Retrieval, Eq. 1 and 2.
    """

    def build(self, input_shape):
        check_sized_map("SecondOrderPooling", input_shape)

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        # Repetitions of x̄ cut into rows of n + 1: row k is x̄ rotated by k, its first value once more at the end.
        rows = channels // 2 + 1
        length = rows * (channels + 1)
        flat = ops.reshape(inputs, (-1, height * width, channels))
        repeated = ops.tile(flat, (1, 1, -(-length // channels)))[:, :, :length]
        rotated = ops.reshape(repeated, (-1, height * width, rows, channels + 1))[:, :, :, :channels]
        products = rotated * ops.expand_dims(flat, 2)
        # For an even n the last rotation meets every pair twice, in its first half and in its second.
        pairs = self._pairs(channels)
        products = ops.reshape(products, (-1, height * width, rows * channels))[:, :, :pairs]
        return ops.reshape(products, (-1, height, width, pairs))

    @staticmethod
    def _pairs(channels: int) -> int:
        return channels * (channels + 1) // 2

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self._pairs(input_shape[-1]))

"""Multiscale spatial attention of AANet (Lian, Jiang, Hu: Attention-Aligned Network, section 3.2.2)."""

import keras
from keras import ops

from keras_reid.layers.arguments import check_count, check_map
from keras_reid.layers.composed import composed

SCALES = (1, 3, 5, 7)  # section 3.2.2: receptive fields of the four branches


@keras.saving.register_keras_serializable(package="keras_reid")
class MultiscaleSpatialAttention(keras.layers.Layer):
    """Where to look, for every channel: a mask from neighbourhoods of four sizes.

    Each of four branches narrows the map to channels / reduction by a 1×1 convolution, looks at n×n neighbourhoods by a
    1×n and an n×1 convolution (n = 3, 5, 7; the first branch has none), and widens to `filters` by a 1×1 convolution;
    the branches are summed and sent through a sigmoid.

    The paper widens each branch to c channels and the sum to c' in two steps; its Table 5 agrees with one step, right
    to c' in each branch, which is the reading here: three blocks of conv4 then add 2.34e6 parameters (printed 2.4e6)
    and the three of conv5 7.2e6 (7.4e6). ReLU follows the convolutions within a branch, as in the factorised ones of
    Inception-v3 that the paper takes them from; it names no normalisation, and there is none: the convolutions have
    biases instead. The four 1×1 convolutions are computed as one, before and behind.

    The mask starts near the constant 0.88, so that a pre-trained network begins nearly as it is; the paper leaves the
    initialisation open.

    Example:
        >>> attention = keras_reid.layers.MultiscaleSpatialAttention(filters=2048)
        >>> attention(keras.random.normal((2, 24, 12, 1024))).shape
        (2, 24, 12, 2048)

    Args:
        filters: Channels of the mask, c'. Defaults to None: those of the input.
        reduction: By how much the branches are narrower than the map. Defaults to 16, the paper's r.

    Input: (batch, height, width, channels).
    Output: The mask, (batch, height, width, filters), values in (0, 1).

    Raises:
        ReIDError: an argument is no whole number above 0, or the input is no feature map.

    Source: Lian, Jiang, Hu: Attention-Aligned Network for Person Re-Identification, section 3.2.2, Fig. 3, Table 5.
    """

    def __init__(self, filters: int | None = None, reduction: int = 16, **kwargs):
        super().__init__(**kwargs)
        check_count("MultiscaleSpatialAttention", filters=1 if filters is None else filters, reduction=reduction)
        self.filters = filters
        self.reduction = int(reduction)

    @composed
    def build(self, input_shape):
        check_map("MultiscaleSpatialAttention", input_shape)
        narrow = max(1, input_shape[-1] // self.reduction)
        inner = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        self.reduce = keras.layers.Conv2D(len(SCALES) * narrow, 1, **inner, name="reduce")
        self.neighbours = [
            [
                keras.layers.Conv2D(narrow, kernel, **inner, name=f"neighbours_{kernel[0]}x{kernel[1]}")
                for kernel in ((1, size), (size, 1))
            ]
            for size in SCALES[1:]
        ]
        self.widen = keras.layers.Conv2D(
            self.filters or input_shape[-1], 1, bias_initializer=keras.initializers.Constant(2.0),
            kernel_initializer=keras.initializers.VarianceScaling(0.01), dtype=self.dtype_policy, name="widen",
        )  # fmt: skip
        self.reduce.build(input_shape)
        for convolution in (convolution for pair in self.neighbours for convolution in pair):
            convolution.build((*input_shape[:-1], narrow))
        self.widen.build((*input_shape[:-1], len(SCALES) * narrow))

    def call(self, inputs):
        smallest, *branches = ops.split(self.reduce(inputs), len(SCALES), axis=-1)
        branches = [across(along(x)) for x, (along, across) in zip(branches, self.neighbours, strict=True)]
        return ops.sigmoid(self.widen(ops.concatenate([smallest, *branches], axis=-1)))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters or input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "reduction": self.reduction}

"""The embedding function of the attention papers: 1×1 convolution, batch normalisation, ReLU."""

import keras
from keras import ops

from keras_reid.layers.arguments import check_count, check_map
from keras_reid.layers.batch_normalization import BatchNormalization
from keras_reid.layers.composed import composed


@keras.saving.register_keras_serializable(package="keras_reid")
class PointwiseEmbedding(keras.layers.Layer):
    """Every position's channels embedded by themselves: 1×1 convolution without bias, batch normalisation, ReLU.

    Example:
        >>> keras_reid.layers.PointwiseEmbedding(120)(keras.random.normal((2, 16, 8, 480))).shape
        (2, 16, 8, 120)

    Args:
        filters: Channels of the output.
        offset: Where the normalisation's offset starts. At 1 hardly any channel begins behind a dead ReLU. Defaults
            to 0.
        momentum: Of the moving statistics of the batch normalisation. Defaults to 0.9.
        synchronized: Whether the batch normalisation takes its statistics from all replicas. Defaults to False.

    Input: (batch, height, width, channels).
    Output: (batch, height, width, filters), values ≥ 0.

    Raises:
        ReIDError: `filters` is no whole number above 0, or the input is no feature map.

    Source: Fang et al.: Attention in Attention Networks for Person Retrieval, section 4.4, "Network Architecture".
    """

    def __init__(self, filters: int, offset: float = 0.0, momentum: float = 0.9, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        check_count("PointwiseEmbedding", filters=filters)
        self.filters = int(filters)
        self.offset = float(offset)
        self.momentum = momentum
        self.synchronized = synchronized

    @composed
    def build(self, input_shape):
        check_map("PointwiseEmbedding", input_shape)
        self.convolution = keras.layers.Conv2D(
            self.filters, 1, use_bias=False, kernel_initializer="he_normal", dtype=self.dtype_policy, name="convolution"
        )
        self.norm = BatchNormalization(
            momentum=self.momentum, synchronized=self.synchronized, dtype=self.dtype_policy, name="norm",
            beta_initializer=keras.initializers.Constant(self.offset),
        )  # fmt: skip
        self.convolution.build(input_shape)
        self.norm.build(self.compute_output_shape(input_shape))

    def call(self, inputs, training=None):
        return ops.relu(self.norm(self.convolution(inputs), training=training))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "offset": self.offset,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
        }

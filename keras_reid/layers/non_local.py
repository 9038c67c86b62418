"""The non-local block (Wang et al., Non-local Neural Networks, 2018)."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_count, check_sized_map
from keras_reid.layers.batch_normalization import BatchNormalization
from keras_reid.layers.composed import composed


@keras.saving.register_keras_serializable(package="keras_reid")
class NonLocal(keras.layers.Layer):
    """Every position plus what it finds at all others, weighed by how much alike they are.

        y = softmax(θ(x) φ(x)ᵀ) g(x),        output = x + W(y)

    with θ, φ, g and W 1×1 convolutions and batch normalisation behind W: the embedded Gaussian form. The scale of that
    normalisation starts at 0, so that the block starts as the identity and can be put into a trained network.

    Example:
        >>> keras_reid.layers.NonLocal()(keras.random.normal((2, 16, 8, 480))).shape
        (2, 16, 8, 480)

    Args:
        reduction: By how much θ, φ and g are narrower than the map. Defaults to 4, as AiA's paper compares it
            (Table 3); its authors take 2.
        momentum: Of the moving statistics of the batch normalisation. Defaults to 0.9.
        synchronized: Whether the batch normalisation takes its statistics from all replicas. Defaults to False.

    Input: (batch, height, width, channels), height and width known.
    Output: Of the input's shape.

    Raises:
        ReIDError: `reduction` is no whole number above 0 or does not divide the channels, or the input is no feature
            map of known size.

    Source: Wang et al.: Non-local Neural Networks, section 3.2 and 3.3, Eq. 4 and 6, section 4.1 for the
        normalisation.
    """

    def __init__(self, reduction: int = 4, momentum: float = 0.9, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        check_count("NonLocal", reduction=reduction)
        self.reduction = int(reduction)
        self.momentum = momentum
        self.synchronized = synchronized

    @composed
    def build(self, input_shape):
        check_sized_map("NonLocal", input_shape)
        *others, channels = input_shape
        if channels % self.reduction:
            raise ReIDError(
                "NonLocal expects a number of channels that `reduction` divides. "
                f"Received: channels={channels}, reduction={self.reduction}"
            )
        narrow = channels // self.reduction
        self.theta, self.phi, self.g = (
            keras.layers.Conv2D(narrow, 1, dtype=self.dtype_policy, name=name) for name in ("theta", "phi", "g")
        )
        self.restore = keras.layers.Conv2D(channels, 1, use_bias=False, dtype=self.dtype_policy, name="restore")
        self.restore_norm = BatchNormalization(
            momentum=self.momentum, synchronized=self.synchronized, dtype=self.dtype_policy, name="restore_norm",
            gamma_initializer="zeros",
        )  # fmt: skip
        for layer in (self.theta, self.phi, self.g):
            layer.build(input_shape)
        self.restore.build((*others, narrow))
        self.restore_norm.build(input_shape)

    def call(self, inputs, training=None):
        _, height, width, channels = inputs.shape
        positions = (-1, height * width, channels // self.reduction)
        query, key, value = (ops.reshape(layer(inputs), positions) for layer in (self.theta, self.phi, self.g))
        query, key = ops.cast(query, "float32"), ops.cast(key, "float32")  # whose products pass what float16 holds
        alike = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1))), axis=-1)
        found = ops.matmul(ops.cast(alike, value.dtype), value)
        found = ops.reshape(found, (-1, height, width, positions[-1]))
        return inputs + self.restore_norm(self.restore(found), training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "reduction": self.reduction,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
        }

"""Attention in attention, with a linear, polynomial or Gaussian kernel (Fang et al., AiA; BAT-net's Bi-attention)."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_count, check_map
from keras_reid.layers.composed import composed
from keras_reid.layers.pointwise_embedding import PointwiseEmbedding
from keras_reid.layers.random_fourier_features import RandomFourierFeatures
from keras_reid.layers.second_order_pooling import SecondOrderPooling

KERNELS = ("linear", "polynomial", "gaussian")


@keras.saving.register_keras_serializable(package="keras_reid")
class AttentionInAttention(keras.layers.Layer):
    """A feature map times a mask over all its positions and channels, which an inner attention has weighed.

    For a map x of c channels, with embedding functions φ, ϕ and ϖ (1×1 convolution, batch normalisation, ReLU):

        x̄ = φ(x)                                  c/r channels (Eq. 1)
        x̃ = x̄ | SoP(x̄) | Gau(x̄)                   kernel linear | polynomial (Eq. 9) | gaussian (Eq. 14)
        z = sigmoid(ϖ(mean of x̃) ⊗ ϕ(x̃))          with inner attention (Eq. 3, 10)
        z = sigmoid(ϕ(x̃))                         without (Eq. 7, 12, 17)
        output z ⊗ x                              (Eq. 4)

    The polynomial kernel's is BAT-net's bilinear attention. The mask lies in [0.5, 1): behind ReLUs, nothing negative
    reaches the sigmoid. The paper leaves the initialisation open; here the normalisation of ϖ starts at offset 1, so
    that the inner attention starts near 1 and hardly any channel begins behind a dead ReLU.

    Example:
        >>> features = keras.random.normal((2, 16, 8, 480))
        >>> keras_reid.layers.AttentionInAttention(kernel="gaussian")(features).shape
        (2, 16, 8, 480)
        >>> attended, mask = keras_reid.layers.AttentionInAttention()(features, return_mask=True)

    Args:
        kernel: "linear", "polynomial" or "gaussian". Defaults to "linear".
        inner_attention: Whether there is an attention in the attention. Defaults to True.
        reduction: By how much x̄ is narrower than x, the paper's r. Defaults to 4.
        features: Frequencies of the Gaussian kernel's features, c′. Defaults to 480.
        form: Of these features, see `RandomFourierFeatures`. Defaults to "cosine".
        sigma: The Gaussian kernel's width. Defaults to 1.
        seed: Of the Gaussian kernel's frequencies. Defaults to 0.
        momentum: Of the moving statistics of the batch normalisation. Defaults to 0.9.
        synchronized: Whether the batch normalisation takes its statistics from all replicas. Defaults to False.

    Input: (batch, height, width, channels); height and width known for the polynomial kernel.
    Output: Of the input's shape; with `return_mask=True` in the call a pair, this and the mask, of the same shape.
        `mask(inputs)` is the mask alone.

    Raises:
        ReIDError: an argument is none of the above, the input is no feature map, or `reduction` does not divide its
            channels.

    Source: Fang et al.: Attention in Attention Networks for Person Retrieval, section 3, Table 1; Fang et al.: Bilinear
        Attention Networks for Person Retrieval, section 3.
    """

    def __init__(
        self,
        kernel: str = "linear",
        inner_attention: bool = True,
        reduction: int = 4,
        features: int = 480,
        form: str = "cosine",
        sigma: float = 1.0,
        seed: int = 0,
        momentum: float = 0.9,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel not in KERNELS:
            raise ReIDError(f"AttentionInAttention expects `kernel` out of {KERNELS}. Received: kernel={kernel!r}")
        check_count("AttentionInAttention", reduction=reduction)
        RandomFourierFeatures(features, form, sigma, seed)  # has its arguments checked, whatever the kernel
        self.kernel = kernel
        self.inner_attention = bool(inner_attention)
        self.reduction = int(reduction)
        self.features = int(features)
        self.form = form
        self.sigma = float(sigma)
        self.seed = int(seed)
        self.momentum = momentum
        self.synchronized = synchronized

    @composed
    def build(self, input_shape):
        check_map("AttentionInAttention", input_shape)
        channels = input_shape[-1]
        if channels % self.reduction:
            raise ReIDError(
                "AttentionInAttention expects a number of channels that `reduction` divides. "
                f"Received: channels={channels}, reduction={self.reduction}"
            )
        shared = {"momentum": self.momentum, "synchronized": self.synchronized, "dtype": self.dtype_policy}
        self.reduce = PointwiseEmbedding(channels // self.reduction, **shared, name="reduce")  # φ
        self.feature_map = self._feature_map()
        self.outer = PointwiseEmbedding(channels, **shared, name="outer")  # ϕ
        self.inner = PointwiseEmbedding(channels, offset=1, **shared, name="inner") if self.inner_attention else None

        reduced_shape = self.reduce.compute_output_shape(input_shape)
        features_shape = self.feature_map.compute_output_shape(reduced_shape)
        self.reduce.build(input_shape)
        self.feature_map.build(reduced_shape)
        self.outer.build(features_shape)
        if self.inner is not None:  # ϖ
            self.inner.build((features_shape[0], 1, 1, features_shape[-1]))

    def _feature_map(self) -> keras.layers.Layer:
        match self.kernel:
            case "polynomial":
                return SecondOrderPooling(dtype=self.dtype_policy, name="second_order")
            case "gaussian":
                return RandomFourierFeatures(
                    self.features, self.form, self.sigma, self.seed, dtype=self.dtype_policy, name="fourier"
                )
            case _:
                return keras.layers.Identity(dtype=self.dtype_policy, name="linear")

    def mask(self, inputs, training=None):
        """The mask alone, of the input's shape; of a layer that has been built."""
        features = self.feature_map(self.reduce(inputs, training=training))
        attention = self.outer(features, training=training)
        if self.inner is not None:
            summary = ops.mean(features, axis=(1, 2), keepdims=True)  # Eq. 2
            attention = attention * self.inner(summary, training=training)  # Eq. 3
        return ops.sigmoid(attention)

    def call(self, inputs, training=None, return_mask=False):
        mask = self.mask(inputs, training=training)
        attended = inputs * mask  # Eq. 4
        return (attended, mask) if return_mask else attended

    def compute_output_spec(self, inputs, training=None, return_mask=False):
        spec = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        return (spec, keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)) if return_mask else spec

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "kernel": self.kernel,
            "inner_attention": self.inner_attention,
            "reduction": self.reduction,
            "features": self.features,
            "form": self.form,
            "sigma": self.sigma,
            "seed": self.seed,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
        }

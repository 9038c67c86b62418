"""Soft attention of the harmonious attention module: spatial times channel (Li et al., HAN, section 3.2, Fig. 2a)."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_map
from keras_reid.layers.batch_normalization import BatchNormalization
from keras_reid.layers.channel_attention import ChannelAttention
from keras_reid.layers.composed import composed
from keras_reid.layers.spatial_attention import SpatialAttention


@keras.saving.register_keras_serializable(package="keras_reid")
class SoftAttention(keras.layers.Layer):
    """A mask over every position and channel, from spatial and channel attention.

    The two factors are multiplied (Eq. 3), blended by a 1×1 convolution of channels² weights with batch normalisation
    and ReLU, and sent through a sigmoid; behind the ReLU the mask lies in [0.5, 1), as the paper says. It starts near
    the constant 0.88, with live gradients: the blend's normalisation has scale 0.1 and offset 2.

    With one of the two switched off (Table 9) the other alone is blended.

    Example:
        >>> features = keras.random.normal((2, 40, 16, 128))
        >>> attended = features * keras_reid.layers.SoftAttention()(features)["soft"]

    Args:
        spatial: Whether to use spatial attention. Defaults to True.
        channel: Whether to use channel attention. Defaults to True.
        reduction: Of the channel attention's bottleneck. Defaults to 16.
        momentum: Of the moving statistics of the batch normalisation. Defaults to 0.9.
        synchronized: Whether the batch normalisation takes its statistics from all replicas. Defaults to False.

    Input: (batch, height, width, channels).
    Output: A dict: "soft", the mask, (batch, height, width, channels), or (batch, 1, 1, channels) without spatial
        attention; and its factors where they are used, "spatial", (batch, height, width, 1), and "channel",
        (batch, 1, 1, channels).

    Raises:
        ReIDError: both factors are switched off, or the input is no feature map, of known size for
            spatial attention.

    Source: Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention, section 3.2, Eq. 3.
    """

    def __init__(
        self,
        spatial: bool = True,
        channel: bool = True,
        reduction: int = 16,
        momentum: float = 0.9,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not (spatial or channel):
            raise ReIDError("SoftAttention expects `spatial` or `channel` to be True. Received: both False")
        self.spatial = spatial
        self.channel = channel
        self.reduction = reduction
        self.momentum = momentum
        self.synchronized = synchronized

    @composed
    def build(self, input_shape):
        check_map("SoftAttention", input_shape)
        batch, height, width, channels = input_shape
        shared = {"momentum": self.momentum, "synchronized": self.synchronized, "dtype": self.dtype_policy}
        if self.spatial:
            self.spatial_attention = SpatialAttention(**shared, name="spatial")
            self.spatial_attention.build(input_shape)
        if self.channel:
            self.channel_attention = ChannelAttention(self.reduction, **shared, name="channel")
            self.channel_attention.build((batch, channels))
        self.blend = keras.layers.Conv2D(
            channels, 1, use_bias=False, kernel_initializer="he_normal", dtype=self.dtype_policy, name="blend"
        )
        self.blend_norm = BatchNormalization(
            **shared,
            gamma_initializer=keras.initializers.Constant(0.1),
            beta_initializer=keras.initializers.Constant(2.0),
            name="blend_norm",
        )
        self.blend.build((batch, 1, 1, channels) if self.channel else (batch, height, width, 1))
        self.blend_norm.build((batch, height, width, channels))

    def call(self, inputs, signature=None, training=None):
        """`signature`: the mean of `inputs` over space, (batch, channels), where it is at hand already."""
        factors = {}
        if self.spatial:
            factors["spatial"] = self.spatial_attention(inputs, training=training)
        if self.channel:
            factors["channel"] = self.channel_attention(inputs if signature is None else signature, training=training)
        # Eq. 3 and the blend. The product holds the same channel vector at every position, times that position's
        # weight, so the 1×1 convolution may go first, on the one vector: the same mask for a fraction of the work.
        if self.spatial and self.channel:
            attention = factors["spatial"] * self.blend(factors["channel"])
        else:
            attention = self.blend(*factors.values())
        blended = self.blend_norm(attention, training=training)
        return {"soft": ops.sigmoid(ops.relu(blended)), **factors}

    def compute_output_spec(self, inputs, signature=None, training=None):
        shapes = self.compute_output_shape(inputs.shape)
        return {name: keras.KerasTensor(shape, dtype=self.compute_dtype) for name, shape in shapes.items()}

    def compute_output_shape(self, input_shape, signature_shape=None):
        batch, height, width, channels = input_shape
        shapes = {"soft": tuple(input_shape) if self.spatial else (batch, 1, 1, channels)}
        if self.spatial:
            shapes["spatial"] = (batch, height, width, 1)
        if self.channel:
            shapes["channel"] = (batch, 1, 1, channels)
        return shapes

    def get_config(self):
        return {
            **super().get_config(),
            "spatial": self.spatial,
            "channel": self.channel,
            "reduction": self.reduction,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
        }

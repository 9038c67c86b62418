"""The harmonious attention module: soft and hard attention learnt together (Li et al., HAN, section 3.2, Fig. 2)."""

from collections.abc import Collection, Sequence

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_map
from keras_reid.layers.composed import composed
from keras_reid.layers.hard_attention import HardAttention
from keras_reid.layers.soft_attention import SoftAttention

KINDS = ("spatial", "channel", "hard")


@keras.saving.register_keras_serializable(package="keras_reid")
class HarmoniousAttention(keras.layers.Layer):
    """Soft attention over pixels and channels, and the positions of T regions, from one feature map.

    The mean over space is computed once and serves channel and hard attention both (Eq. 5).

    Example:
        >>> outputs = keras_reid.layers.HarmoniousAttention()(keras.random.normal((2, 40, 16, 128)))
        >>> outputs["features"].shape, outputs["positions"].shape
        ((2, 40, 16, 128), (2, 4, 2))

    Args:
        attention: Which of "spatial", "channel" and "hard" to use, any subset (Table 9). Without "hard" the regions
            stay stacked evenly from head to feet. Defaults to all three.
        regions: How many regions, T. Defaults to 4.
        reduction: Of the channel attention's bottleneck. Defaults to 16.
        momentum: Of the moving statistics of the batch normalisation. Defaults to 0.9.
        synchronized: Whether the batch normalisation takes its statistics from all replicas. Defaults to False.

    Input: (batch, height, width, channels).
    Output: A dict: "features", the input times the soft mask; "positions", (batch, regions, 2), the regions' centres as
        (y, x) in [-1, 1]; and, where they are used, "soft", "spatial" and "channel", as `SoftAttention` gives them.

    Raises:
        ReIDError: `attention` names something else, or the input is no feature map, of known size for
            spatial attention.

    Source: Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention, section 3.2.
    """

    def __init__(
        self,
        attention: Sequence[str] = KINDS,
        regions: int = 4,
        reduction: int = 16,
        momentum: float = 0.9,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        some = isinstance(attention, Collection) and not isinstance(attention, str)
        if not some or any(kind not in KINDS for kind in attention):
            raise ReIDError(
                f"HarmoniousAttention expects `attention` out of {KINDS}. Received: attention={attention!r}"
            )
        self.attention = tuple(kind for kind in KINDS if kind in attention)
        self.regions = regions
        self.reduction = reduction
        self.momentum = momentum
        self.synchronized = synchronized

    @composed
    def build(self, input_shape):
        check_map("HarmoniousAttention", input_shape)
        self.soft = None
        if "spatial" in self.attention or "channel" in self.attention:
            self.soft = SoftAttention(
                spatial="spatial" in self.attention,
                channel="channel" in self.attention,
                reduction=self.reduction,
                momentum=self.momentum,
                synchronized=self.synchronized,
                dtype=self.dtype_policy,
                name="soft",
            )
            self.soft.build(input_shape)
        self.hard = HardAttention(self.regions, learned="hard" in self.attention, dtype=self.dtype_policy, name="hard")
        self.hard.build((input_shape[0], input_shape[-1]))

    def call(self, inputs, training=None):
        signature = ops.mean(inputs, axis=(1, 2))  # Eq. 5
        outputs = {"positions": self.hard(signature), "features": inputs}
        if self.soft is not None:
            outputs.update(self.soft(inputs, signature=signature, training=training))
            outputs["features"] = inputs * outputs["soft"]
        return outputs

    def compute_output_spec(self, inputs, training=None):
        shapes = self.compute_output_shape(inputs.shape)
        return {
            name: keras.KerasTensor(shape, dtype="float32" if name == "positions" else self.compute_dtype)
            for name, shape in shapes.items()
        }

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        shapes = {"positions": (batch, self.regions, 2), "features": tuple(input_shape)}
        if "spatial" in self.attention or "channel" in self.attention:
            shapes["soft"] = tuple(input_shape) if "spatial" in self.attention else (batch, 1, 1, channels)
        if "spatial" in self.attention:
            shapes["spatial"] = (batch, height, width, 1)
        if "channel" in self.attention:
            shapes["channel"] = (batch, 1, 1, channels)
        return shapes

    def get_config(self):
        return {
            **super().get_config(),
            "attention": self.attention,
            "regions": self.regions,
            "reduction": self.reduction,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
        }

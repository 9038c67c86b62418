"""Omnidirectional foreground-aware attention of AANet (Lian, Jiang, Hu: Attention-Aligned Network, section 3.2)."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_map
from keras_reid.layers.composed import composed
from keras_reid.layers.foreground_channel_attention import ForegroundChannelAttention
from keras_reid.layers.multiscale_spatial_attention import MultiscaleSpatialAttention


@keras.saving.register_keras_serializable(package="keras_reid")
class OmniForegroundAttention(keras.layers.Layer):
    """A mask over every position and channel of a residual block's output, in parallel to the block or behind it.

    Foreground-aware channel attention strengthens the map that enters, multiscale spatial attention on the strengthened
    map is the mask S. Eq. 1 writes A = F_in × C × S, which has a shape only if the block keeps the number of channels;
    S computed *from* F_in × C always has, and is the reading here.

    - In parallel (Eq. 2, AANet): `attention(x, block(x))` is block(x) · S(x): what enters the block decides what of its
      output is kept.
    - In series (AANet-2 of Table 4): `attention(y)` is y · S(y), with y = block(x).

    Beside a block of stride 2 the mask is computed at the size of what enters and averaged to that of what leaves. The
    paper does not say so; the FLOPs that its Table 5 prints for 9, 13 and 16 modules do.

    Example:
        >>> entering = keras.random.normal((2, 24, 12, 1024))
        >>> leaving = keras.layers.Conv2D(2048, 1)(entering)
        >>> keras_reid.layers.OmniForegroundAttention()(entering, leaving)["features"].shape
        (2, 24, 12, 2048)

    Args:
        reduction: Of both attentions' bottlenecks. Defaults to 16, the paper's r.

    Input: The map that enters, (batch, height, width, channels); and what the mask is laid on, (batch, height / stride,
        width / stride, filters), rounded up. Without the second, the first.
    Output: A dict: "features", the second input times the mask; "spatial", the mask, of the second input's shape; and
        "channel", (batch, 1, 1, channels).

    Raises:
        ReIDError: `reduction` is no whole number above 0, an input is no feature map, or the second input is no whole
            number of times smaller than the first.

    Source: Lian, Jiang, Hu: Attention-Aligned Network for Person Re-Identification, section 3.2, Eq. 1 and 2, Fig. 3.
    """

    def __init__(self, reduction: int = 16, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction
        # Made here, so that a bad `reduction` is told at once.
        self.channel = ForegroundChannelAttention(reduction, dtype=self.dtype_policy, name="channel")

    @composed
    def build(self, entering_shape, leaving_shape=None):
        leaving_shape = leaving_shape or entering_shape
        for shape in (entering_shape, leaving_shape):
            check_map("OmniForegroundAttention", shape)
        self.stride = _stride(entering_shape[1:3], leaving_shape[1:3])
        self.spatial = MultiscaleSpatialAttention(
            leaving_shape[-1], self.reduction, dtype=self.dtype_policy, name="spatial"
        )
        self.channel.build(entering_shape)
        self.spatial.build(entering_shape)

    def call(self, entering, leaving=None):
        channel = self.channel(entering)
        mask = self.spatial(entering * channel)
        if self.stride > 1:
            mask = ops.average_pool(mask, self.stride, self.stride, "same", data_format="channels_last")
        return {"features": (entering if leaving is None else leaving) * mask, "spatial": mask, "channel": channel}

    def compute_output_spec(self, entering, leaving=None):
        shapes = self.compute_output_shape(entering.shape, None if leaving is None else leaving.shape)
        return {name: keras.KerasTensor(shape, dtype=self.compute_dtype) for name, shape in shapes.items()}

    def compute_output_shape(self, entering_shape, leaving_shape=None):
        leaving_shape = tuple(leaving_shape or entering_shape)
        channel = (entering_shape[0], 1, 1, entering_shape[-1])
        return {"features": leaving_shape, "spatial": leaving_shape, "channel": channel}

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}


def _stride(entering, leaving) -> int:
    """By how much smaller the sides of a map leave a block than they entered it."""
    if tuple(entering) == tuple(leaving):
        return 1
    if None not in (*entering, *leaving):
        stride = -(-entering[0] // leaving[0])
        if tuple(leaving) == tuple(-(-side // stride) for side in entering):
            return stride
    raise ReIDError(
        "OmniForegroundAttention expects a block whose output is smaller than its input by a whole stride, if at all. "
        f"Received: {' and '.join('×'.join(map(str, sides)) for sides in (entering, leaving))}"
    )

"""Cropping of regions at learnt positions, by two matrix products."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_count


def sampling_matrix(centres, size: int, extent: int):
    """Bilinear weights that cut `size` neighbouring samples about `centres` out of `extent`.

    Args:
        centres: (batch, regions, 1), in [-1, 1], the borders of the map.
        size: Samples of the region.
        extent: Samples of the map.

    Returns:
        (batch, regions, size, extent). Row i holds max(0, 1 − |c_i − j|) for every sample j, which is bilinear
        interpolation; what lies outside the map counts as zero.
    """
    middle = (centres + 1) * (extent / 2) - 0.5 * size
    wanted = middle + ops.arange(size, dtype="float32")
    distance = ops.expand_dims(wanted, -1) - ops.arange(extent, dtype="float32")
    return ops.relu(1 - ops.abs(distance))


@keras.saving.register_keras_serializable(package="keras_reid")
class RegionCrop(keras.layers.Layer):
    """Regions of fixed size cut from a feature map at given positions, with gradients to map and positions.

    The scale is fixed and there is no rotation (Eq. 7 with s_h and s_w fixed), so bilinear sampling separates into
    `A_y · X · A_xᵀ`: two matrix products that every backend and every exporter has, where a general grid sampler
    would need gathers that mobile runtimes lack. One sample of a region is one sample of the map; outside of the map
    there are zeros.

    Example:
        >>> positions = keras.ops.zeros((2, 4, 2))                   # all in the middle
        >>> crop = keras_reid.layers.RegionCrop((12, 14))
        >>> crop(keras.random.normal((2, 40, 16, 128)), positions).shape
        (2, 4, 12, 14, 128)

    Args:
        size: Height and width of a region in samples of the map.

    Input: The map, (batch, height, width, channels) with known height and width, and `positions`,
        (batch, regions, 2) as (y, x) of the regions' centres in [-1, 1].
    Output: (batch, regions, *size, channels).

    Raises:
        ReIDError: `size` is not two whole numbers above 0, or the map's height or width is unknown.

    Source: Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention, section 3.2, Eq. 7.
    """

    def __init__(self, size: Sequence[int], **kwargs):
        # Positions stay float32 under half precision: 16 bits would place a region only to a tenth of a pixel.
        super().__init__(**{"autocast": False, **kwargs})
        if np.shape(size) != (2,):
            raise ReIDError(f"RegionCrop expects `size` as (height, width). Received: size={size!r}")
        check_count("RegionCrop", height=size[0], width=size[1])
        self.size = (int(size[0]), int(size[1]))

    def build(self, inputs_shape, positions_shape):
        if len(inputs_shape) != 4 or None in inputs_shape[1:]:
            raise ReIDError(
                "RegionCrop expects a feature map (batch, height, width, channels) of known size. "
                f"Received: shape={tuple(inputs_shape)}"
            )

    def call(self, inputs, positions):
        _, height, width, channels = inputs.shape
        regions = positions.shape[1]
        positions = ops.cast(positions, "float32")
        rows = ops.cast(sampling_matrix(positions[:, :, :1], self.size[0], height), inputs.dtype)
        columns = ops.cast(sampling_matrix(positions[:, :, 1:], self.size[1], width), inputs.dtype)
        # All regions' rows in one product (regions·size, height) × (height, width·channels), nothing transposed.
        cut = ops.matmul(
            ops.reshape(rows, (-1, regions * self.size[0], height)), ops.reshape(inputs, (-1, height, width * channels))
        )
        cut = ops.reshape(cut, (-1, regions, self.size[0], width, channels))
        return ops.matmul(ops.expand_dims(columns, 2), cut)

    def compute_output_shape(self, inputs_shape, positions_shape):
        return (inputs_shape[0], positions_shape[1], *self.size, inputs_shape[-1])

    def compute_output_spec(self, inputs, positions):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape, positions.shape), dtype=inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "size": self.size}

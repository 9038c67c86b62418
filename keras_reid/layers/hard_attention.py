"""Hard regional attention of the harmonious attention module (Li et al., HAN, section 3.2 (II), Fig. 2d)."""

import math

import keras
import numpy as np
from keras import ops

from keras_reid.layers.arguments import check_count, check_map_or_mean
from keras_reid.layers.composed import composed


def stacked_centres(regions: int) -> np.ndarray:
    """Centres of `regions` equal bands from head to feet, (regions, 2) as (y, x) in [-1, 1]; ∓0.75, ∓0.25 for four."""
    y = (2 * np.arange(regions) + 1) / regions - 1
    return np.stack([y, np.zeros(regions)], axis=1).astype("float32")


@keras.saving.register_keras_serializable(package="keras_reid")
class HardAttention(keras.layers.Layer):
    """Where the regions of a person are: a position for each of T regions of fixed size.

    The mean over space (shared with the channel attention, Eq. 5), one dense layer of 2·T·channels weights and tanh:
    the centre of each region (t_y, t_x in Eq. 7), −1 and 1 being the borders of the map, so that a region may reach
    over the border where a person is cut off. Starts with zero weights and a bias that stacks the regions evenly from
    head to feet; the paper leaves the initialisation open, and random positions hardly learn.

    The mean is divided by √channels on its way into the dense layer, which changes what is learnt first and not what
    can be learnt. Behind a ReLU the mean is positive in every channel, so that one step of Adam moves all weights the
    same way: undivided, the regions ran into the corners of the map within an epoch, where tanh is flat, and stayed
    there for every picture.

    Example:
        >>> positions = keras_reid.layers.HardAttention(regions=4)(keras.random.normal((2, 40, 16, 128)))
        >>> positions.shape
        (2, 4, 2)

    Args:
        regions: How many regions, T. Defaults to 4.
        learned: Whether the positions are learnt; if not they stay stacked for every image and there are no weights
            (the networks without hard attention of Table 9). Defaults to True.

    Input: (batch, height, width, channels), or (batch, channels) where the mean over space is at hand already.
    Output: (batch, regions, 2), float32, as (y, x) in [-1, 1].

    Raises:
        ReIDError: `regions` is no whole number above 0, the input has another rank, or its channels are unknown.

    Source: Li, Zhu, Gong: Scalable Person Re-Identification by Harmonious Attention, section 3.2, Eq. 7.
    """

    def __init__(self, regions: int = 4, learned: bool = True, **kwargs):
        super().__init__(**kwargs)
        check_count("HardAttention", regions=regions)
        self.regions = int(regions)
        self.learned = learned

    @composed
    def build(self, input_shape):
        check_map_or_mean("HardAttention", input_shape)
        if self.learned:
            # A hair beside the centres: where a region's samples fall on the map's, as in levels 1 and 2 of HAN at
            # 160×64, bilinear interpolation has no slope (TensorFlow takes 0), and the regions would never move.
            start = (np.arctanh(stacked_centres(self.regions)) + 1e-5).ravel().tolist()
            # float32 whatever the policy: half precision would place a region only to a tenth of a pixel.
            self.locate = keras.layers.Dense(
                2 * self.regions,
                activation="tanh",
                kernel_initializer="zeros",
                bias_initializer=lambda shape, dtype=None: ops.convert_to_tensor(start, dtype=dtype),
                dtype="float32",
                name="locate",
            )
            self.locate.build((input_shape[0], input_shape[-1]))

    def call(self, inputs):
        signature = ops.mean(inputs, axis=(1, 2)) if len(inputs.shape) == 4 else inputs
        if self.learned:
            scaled = ops.cast(signature, "float32") / math.sqrt(signature.shape[-1])
            return ops.reshape(self.locate(scaled), (-1, self.regions, 2))
        nothing = ops.cast(0 * signature[:, :1, None], "float32")  # (batch, 1, 1): gives the batch its size
        return nothing + ops.convert_to_tensor(stacked_centres(self.regions)[None])

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((inputs.shape[0], self.regions, 2), dtype="float32")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.regions, 2)

    def get_config(self):
        return {**super().get_config(), "regions": self.regions, "learned": self.learned}

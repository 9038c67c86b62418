"""The attention pyramid: any attention, from the whole to ever finer parts (Chen et al., APNet, section III-A)."""

import copy
import inspect
from typing import Any

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import check_count, check_map
from keras_reid.layers.composed import composed

AXES = {"height": 1, "channels": 3}


@keras.saving.register_keras_serializable(package="keras_reid")
class AttentionPyramid(keras.layers.Layer):
    """Split, attend, merge and stack: an attention on the whole map, then on its halves, quarters, ….

    Level i splits the map into n = radix^(i−1) equal parts, applies an attention of its own to each and joins them
    again; what it attended to goes to level i + 1, so that coarse attention guides finer: X_i = σ(A_i) · X_{i−1}
    (Eq. 3). The last level's map is the result.

    Section III-A gives n = 2^i and counts levels so that the first is global (its Table II's "APNet-1"): level 1 is the
    bare attention here. With radix 1 nothing is ever split, which is the paper's "stacked attention". The levels run
    from coarse to fine, as the paper says.

    Example:
        >>> pyramid = keras_reid.layers.AttentionPyramid(keras_reid.layers.SqueezeExcite(), levels=3)
        >>> pyramid(keras.random.normal((2, 24, 12, 256))).shape
        (2, 24, 12, 256)

    Args:
        attention: A layer that maps a feature map to an attended one of the same shape, e.g. `SqueezeExcite()`. It is a
            pattern: every part gets a layer of its own, made from its config, under the pyramid's dtype policy.
        levels: How many levels. Defaults to 2.
        radix: Into how many parts each part is split at the next level, R. Defaults to 2.
        axis: What is split: "channels", for attention over channels, or "height", for spatial attention. Defaults to
            "channels".
        masks: Whether to give out the masks as well, for looking at. The attention then needs a method
            `mask(inputs, training=None)` whose product with the input is the layer's output. Defaults to False.

    Input: (batch, height, width, channels).
    Output: Of the input's shape; or, with `masks`, a dict: "features", that, and "level1", "level2", …, the masks, each
        (batch, height or 1, width or 1, channels or 1).

    Raises:
        ReIDError: an argument has no possible value, the map does not split into radix^(levels − 1) equal parts, or
            `attention` makes another shape of them.

    Source: Chen et al.: Person Re-identification via Attention Pyramid, section III-A, Eq. 1 to 3, Fig. 2.
    """

    def __init__(
        self,
        attention: keras.layers.Layer | dict[str, Any],
        levels: int = 2,
        radix: int = 2,
        axis: str = "channels",
        masks: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if isinstance(attention, dict):
            attention = keras.saving.deserialize_keras_object(attention)
        if not isinstance(attention, keras.layers.Layer):
            raise ReIDError(
                "AttentionPyramid expects `attention` to be a layer, e.g. keras_reid.layers.SqueezeExcite(). "
                f"Received: attention={attention!r}"
            )
        if masks and not callable(getattr(attention, "mask", None)):
            raise ReIDError(
                f"AttentionPyramid expects an attention with a method `mask` where masks=True. Received: {attention!r}"
            )
        check_count("AttentionPyramid", levels=levels, radix=radix)
        if axis not in AXES:
            raise ReIDError(f"AttentionPyramid expects `axis` to be one of {', '.join(AXES)}. Received: axis={axis!r}")
        self._pattern = (type(attention), attention.get_config())
        self._asks_training = "training" in inspect.signature(attention.call).parameters
        self.levels = int(levels)
        self.radix = int(radix)
        self.axis = axis
        self.masks = masks

    @composed
    def build(self, input_shape):
        check_map("AttentionPyramid", input_shape)
        extent = input_shape[AXES[self.axis]]
        parts = self.radix ** (self.levels - 1)
        if extent is None or extent % parts:
            raise ReIDError(
                f"AttentionPyramid splits the {self.axis} into {parts} equal parts at level {self.levels} (radix "
                f"{self.radix}), which must divide it. Received: {self.axis} of {extent}. Use fewer levels or another "
                "radix."
            )
        self.attentions = [
            [self._attention(level, number) for number in range(self.radix**level)] for level in range(self.levels)
        ]
        for attentions in self.attentions:
            part_shape = list(input_shape)
            part_shape[AXES[self.axis]] = extent // len(attentions)
            for attention in attentions:
                attention.build(tuple(part_shape))
            spec = attentions[0].compute_output_spec(keras.KerasTensor(part_shape, dtype=self.compute_dtype))
            attended = keras.tree.map_structure(lambda x: tuple(x.shape), spec)
            if attended != tuple(part_shape):
                raise ReIDError(
                    "AttentionPyramid expects an `attention` whose output has its input's shape. Received: "
                    f"{type(attentions[0]).__name__}, which makes {attended} of {tuple(part_shape)}"
                )

    def _attention(self, level, number):
        kind, config = self._pattern
        name = f"level{level + 1}_part{number + 1}"
        return kind.from_config({**copy.deepcopy(config), "name": name, "dtype": self.dtype_policy})

    def call(self, inputs, training=None):
        axis, features, found = AXES[self.axis], inputs, {}
        told = {"training": training} if self._asks_training else {}
        for level, attentions in enumerate(self.attentions, start=1):
            parts = ops.split(features, len(attentions), axis=axis) if len(attentions) > 1 else [features]
            pairs = list(zip(attentions, parts, strict=True))
            if self.masks:
                found[f"level{level}"] = self._merged_masks(pairs, training)
                features = features * found[f"level{level}"]  # Eq. 3
            else:
                features = self._merged([attention(part, **told) for attention, part in pairs])
        return {"features": features, **found} if self.masks else features

    def _merged_masks(self, pairs, training):
        # Said, as Keras tells layers that are called whether they train, and no other methods.
        masks, axis = [attention.mask(part, training=training) for attention, part in pairs], AXES[self.axis]
        if (
            len(masks) > 1 and masks[0].shape[axis] == 1
        ):  # the same all along the split, as for channels along the height
            masks = [ops.repeat(mask, part.shape[axis], axis) for mask, (_, part) in zip(masks, pairs, strict=True)]
        return self._merged(masks)

    def _merged(self, parts):
        return ops.concatenate(parts, axis=AXES[self.axis]) if len(parts) > 1 else parts[0]

    def compute_output_shape(self, input_shape):
        if not self.masks:
            return tuple(input_shape)
        spec = self.compute_output_spec(keras.KerasTensor(input_shape))
        return {name: tuple(tensor.shape) for name, tensor in spec.items()}

    def compute_output_spec(self, inputs, training=None):
        if not self.masks:
            return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        if not self.built:
            self.build(inputs.shape)
        return keras.Operation.compute_output_spec(self, inputs)  # the attention alone knows its mask's shape

    def get_config(self):
        kind, config = self._pattern
        pattern = keras.saving.serialize_keras_object(kind.from_config(copy.deepcopy(config)))
        return {
            **super().get_config(),
            "attention": pattern,
            "levels": self.levels,
            "radix": self.radix,
            "axis": self.axis,
            "masks": self.masks,
        }

"""ResNet-50 and ResNet-101 (He et al., 2016) in two layouts, open between their blocks and stages."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers

from keras_reid.backbones import pixels
from keras_reid.backbones.stages import STAGES, stages_from

_EPSILON = 1.001e-5  # keras.applications' batch normalisation; the ImageNet weights' variances go down to 1e-6


@dataclass(frozen=True)
class ResNet:
    """A ResNet of bottleneck blocks: 1×1, 3×3 and 1×1 convolution beside a shortcut, each batch-normalised.

    Called with a picture it builds stem and stages and returns the stages' maps; layers carry the names that they have
    in `keras.applications`. The two layouts differ in where a stage halves its maps and in biases:

    - Keras': in the first 1×1 convolution, all convolutions biased. `keras.applications` has ImageNet weights for it.
    - "v1.5": in the 3×3 convolution, without biases, as in PyTorch's; the papers' FLOPs are of this one.

    Args:
        blocks: Blocks of each stage; (3, 4, 6, 3) is ResNet-50.
        version_1_5: Which layout.
    """

    blocks: tuple[int, ...]
    version_1_5: bool

    def __call__(
        self,
        images: keras.KerasTensor,
        batch_norm: Callable[[str], keras.layers.Layer],
        *,
        last_stride: int = 1,
        width: int = 64,
        after_stage: Callable | None = None,
        after_block: Callable | None = None,
        start: str = STAGES[0],
        prefix: str = "",
    ) -> dict[str, keras.KerasTensor]:
        """Build the network on `images`.

        Args:
            images: (batch, height, width, 3), from −1 to 1; with `start`, what that stage takes.
            batch_norm: From a name to a batch normalisation layer.
            last_stride: Of the fourth stage: 1, as the papers of this package have it, or 2. Defaults to 1.
            width: Filters of the first convolution, of which all others are multiples. Defaults to 64.
            after_stage: Called with the stage's name and map; what it returns goes on. Defaults to None.
            after_block: Called with a block's name, e.g. "conv4_block6", the map that enters it and the map that leaves
                it; what it returns goes on. Defaults to None.
            start: The first stage to build. Defaults to "stage1".
            prefix: Of the layers' names. Defaults to none.

        Returns:
            "stage1" to "stage4", from `start` on -> map of 4, 8, 16 and 16 · `last_stride` times smaller sides.

        Raises:
            ReIDError: no such stage.
        """
        x = images
        stages = {}
        for stage in stages_from(start):
            if stage == "stage1":
                x = self._stem(x, width, batch_norm, prefix)
            number = STAGES.index(stage)
            for block in range(1, self.blocks[number] + 1):
                name = f"conv{number + 2}_block{block}"
                strides = (1, 2, 2, last_stride)[number] if block == 1 else 1
                leaving = self._block(x, width * 2**number, strides, batch_norm, prefix + name, first=block == 1)
                x = after_block(name, x, leaving) if after_block else leaving
            x = after_stage(stage, x) if after_stage else x
            stages[stage] = x
        return stages

    def _stem(self, images, width, batch_norm, prefix):
        x = (pixels.standardised if self.version_1_5 else pixels.centred)(images)
        x = layers.ZeroPadding2D(3, name=f"{prefix}conv1_pad")(x)
        x = self._convolution(x, width, 7, 2, batch_norm, f"{prefix}conv1", ("conv", "bn", "relu"))
        x = layers.ZeroPadding2D(1, name=f"{prefix}pool1_pad")(x)
        return layers.MaxPooling2D(3, 2, name=f"{prefix}pool1_pool")(x)

    def _block(self, x, filters, strides, batch_norm, name, first):
        shortcut = x
        if first:
            shortcut = self._convolution(x, 4 * filters, 1, strides, batch_norm, name, ("0_conv", "0_bn", None))
        inner, middle = (1, strides) if self.version_1_5 else (strides, 1)
        x = self._convolution(x, filters, 1, inner, batch_norm, name, ("1_conv", "1_bn", "1_relu"))
        x = self._convolution(x, filters, 3, middle, batch_norm, name, ("2_conv", "2_bn", "2_relu"))
        x = self._convolution(x, 4 * filters, 1, 1, batch_norm, name, ("3_conv", "3_bn", None))
        return layers.Activation("relu", name=f"{name}_out")(layers.Add(name=f"{name}_add")([shortcut, x]))

    def _convolution(self, x, filters, kernel, strides, batch_norm, name, ends):
        """Convolution, batch normalisation and ReLU under the names that they have in keras.applications."""
        convolution, norm, relu = ends
        padding = "same" if strides == 1 else "valid"
        if strides > 1 and kernel == 3:
            # PyTorch's padding, where "same" would add a row at the bottom only.
            x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
        x = layers.Conv2D(
            filters, kernel, strides, padding=padding, use_bias=not self.version_1_5, kernel_initializer="he_normal",
            name=f"{name}_{convolution}",
        )(x)  # fmt: skip
        normalise = batch_norm(f"{name}_{norm}")
        normalise.epsilon = _EPSILON
        x = normalise(x)
        return layers.Activation("relu", name=f"{name}_{relu}")(x) if relu else x


RESNETS = {
    "resnet50": ResNet((3, 4, 6, 3), version_1_5=False),
    "resnet101": ResNet((3, 4, 23, 3), version_1_5=False),
    "resnet50_v1.5": ResNet((3, 4, 6, 3), version_1_5=True),
    "resnet101_v1.5": ResNet((3, 4, 23, 3), version_1_5=True),
}

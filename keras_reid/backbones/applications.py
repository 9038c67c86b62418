"""Networks of `keras.applications` as backbones, their stages found."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import keras

from keras_reid.backbones import pixels
from keras_reid.backbones.stages import STAGES, stages_from
from keras_reid.errors import ReIDError
from keras_reid.layers.batch_normalization import synchronise

# Names that Keras counts up over all models of a process, so that those of a second Inception-v3 are others.
_COUNTED = re.compile(r"(activation|average_pooling2d|batch_normalization|concatenate|conv2d|max_pooling2d)(_\d+)?")


@dataclass(frozen=True)
class Application:
    """A network of `keras.applications`, cut behind its stages into models of their own: "stage1" to "stage4".

    Batch normalisation is Keras' own, of momentum 0.99, since the layers are those that ImageNet weights belong to.

    Args:
        name: Of the function in `keras.applications`.
        ends: Names of the layers that end the four stages.
        smallest: Least height and width of a picture.
        normalised: What is done to pixels from −1 to 1. Defaults to None: nothing.
    """

    name: str
    ends: tuple[str, str, str, str]
    smallest: int = 32
    normalised: Callable | None = None

    def __call__(
        self,
        images: keras.KerasTensor,
        batch_norm: Callable[[str], keras.layers.Layer],
        *,
        after_stage: Callable | None = None,
        start: str = STAGES[0],
        prefix: str = "",
    ) -> dict[str, keras.KerasTensor]:
        """Build the network on `images`.

        Args:
            images: (batch, height, width, 3), from −1 to 1; with `start`, what that stage takes.
            batch_norm: Only whether it is synchronised, see above.
            after_stage: Called with the stage's name and map; what it returns goes on. Defaults to None.
            start: The first stage to build. Defaults to "stage1".
            prefix: Of the stages' names. Defaults to none.

        Returns:
            "stage1" to "stage4", from `start` on -> map.

        Raises:
            ReIDError: no such stage, or the picture is too small.
        """
        built, first = stages_from(start), start == STAGES[0]
        if first and min(images.shape[1:3]) < self.smallest:
            raise ReIDError(
                f"{self.name} takes pictures of at least {self.smallest}×{self.smallest}. Received: "
                f"{images.shape[1]}×{images.shape[2]}"
            )
        whole = with_own_names(
            getattr(keras.applications, self.name)(
                include_top=False, weights=None, input_shape=images.shape[1:] if first else (None, None, 3)
            )
        )
        if getattr(batch_norm("asked"), "synchronized", False):
            synchronise(whole.layers)
        x = self.normalised(images) if self.normalised and first else images
        entering, stages = whole.input, {}
        for stage, layer in zip(STAGES, self.ends, strict=True):
            leaving = whole.get_layer(layer).output
            if stage in built:
                x = keras.Model(entering, leaving, name=prefix + stage)(x)
                x = after_stage(stage, x) if after_stage else x
                stages[stage] = x
            entering = leaving
        return stages


def with_own_names(model: keras.Model) -> keras.Model:
    """The model, with its layers called the same in every process and copy."""
    for index, layer in enumerate(model.layers):
        if counted := _COUNTED.fullmatch(layer.name):
            layer.name = f"{counted[1]}.{index}"
    return model


APPLICATIONS = {
    "densenet121": Application(
        "DenseNet121",
        ("conv2_block6_concat", "conv3_block12_concat", "conv4_block24_concat", "relu"),
        normalised=pixels.standardised,
    ),
    "densenet169": Application(
        "DenseNet169",
        ("conv2_block6_concat", "conv3_block12_concat", "conv4_block32_concat", "relu"),
        normalised=pixels.standardised,
    ),
    # The stem ends with the second max pooling, which is the 18th layer.
    "inception_v3": Application("InceptionV3", ("max_pooling2d.17", "mixed2", "mixed7", "mixed10"), smallest=75),
    "mobilenet": Application("MobileNet", ("conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu")),
}

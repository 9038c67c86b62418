"""GoogLeNet with batch normalisation (Szegedy et al., Going Deeper with Convolutions, 2015)."""

from collections.abc import Callable

import keras
from keras import layers

from keras_reid.backbones.stages import STAGES, stages_from
from keras_reid.layers.convolution import convolution

# Table 1: 1×1; 3×3 with the 1×1 that reduces for it; 5×5 with its own; 1×1 behind the pooling.
INCEPTION = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}


def googlenet(
    images: keras.KerasTensor,
    batch_norm: Callable[[str], layers.Layer],
    *,
    after_stage: Callable | None = None,
    start: str = STAGES[0],
    prefix: str = "",
) -> dict[str, keras.KerasTensor]:
    """GoogLeNet's four stages, each convolution followed by batch normalisation and ReLU, without its classifiers.

    Of 256×128 pixels the stages leave, with the pooling that closes them, 192×(32×16), 480×(16×8), 832×(8×4) and
    1024×(8×4) features: the stem, and the modules that the paper numbers 3, 4 and 5 (AiA, section 4.4 and Fig. 7, where
    they are called blocks).

    Args:
        images: (batch, height, width, 3); with `start`, what that stage takes.
        batch_norm: From a layer's name to its normalisation layer.
        after_stage: Called with the stage's name and map; what it returns goes on. Defaults to None.
        start: The first stage to build. Defaults to "stage1".
        prefix: Of the layers' names. Defaults to none.

    Returns:
        "stage1" to "stage4", from `start` on -> map.

    Raises:
        ReIDError: no such stage.
    """
    x = images
    stages = {}
    for stage in stages_from(start):
        if stage == "stage1":
            x = convolution(x, 64, 7, 2, batch_norm, f"{prefix}conv1")
            x = _halved(x, f"{prefix}pool1")
            x = convolution(x, 64, 1, 1, batch_norm, f"{prefix}conv2.reduce")
            x = convolution(x, 192, 3, 1, batch_norm, f"{prefix}conv2")
            x = _halved(x, f"{prefix}pool2")
        else:
            number = int(stage.removeprefix("stage")) + 1  # the paper's
            for module, widths in INCEPTION.items():
                if module.startswith(str(number)):
                    x = _inception(x, widths, batch_norm, f"{prefix}inception{module}")
            if stage != STAGES[-1]:
                x = _halved(x, f"{prefix}pool{number}")
        x = after_stage(stage, x) if after_stage else x
        stages[stage] = x
    return stages


def _inception(x, widths, batch_norm, name):
    """Four parallel paths, concatenated (Fig. 2b)."""
    single, (reduce3, filters3), (reduce5, filters5), pooled = widths
    paths = [
        convolution(x, single, 1, 1, batch_norm, f"{name}.1x1"),
        convolution(
            convolution(x, reduce3, 1, 1, batch_norm, f"{name}.3x3.reduce"), filters3, 3, 1, batch_norm, f"{name}.3x3"
        ),
        convolution(
            convolution(x, reduce5, 1, 1, batch_norm, f"{name}.5x5.reduce"), filters5, 5, 1, batch_norm, f"{name}.5x5"
        ),
        convolution(
            layers.MaxPooling2D(3, 1, padding="same", name=f"{name}.pool")(x),
            pooled,
            1,
            1,
            batch_norm,
            f"{name}.pooled",
        ),
    ]
    return layers.Concatenate(name=f"{name}.concat")(paths)


def _halved(x, name):
    return layers.MaxPooling2D(3, 2, padding="same", name=name)(x)

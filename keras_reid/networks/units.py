"""Building units of the networks: their batch normalisation, and the units of HAN's Table 12."""

import functools
from collections.abc import Callable

import keras
from keras import layers

from keras_reid.layers.batch_normalization import BatchNormalization
from keras_reid.layers.convolution import convolution
from keras_reid.networks.checks import check_choice

# A unit maps (features, filters, strides, name) to features; `batch_norm` makes its normalisation layers.
Unit = Callable[..., keras.KerasTensor]


def normalisation(synchronized: bool) -> Callable[..., keras.layers.Layer]:
    """What makes a network's batch normalisation layers: a function of `name` and what else `BatchNormalization` takes.

    Args:
        synchronized: Whether they take their statistics from all replicas.
    """
    return functools.partial(_normalisation, synchronized)


def _normalisation(synchronized, name, **options):
    return BatchNormalization(momentum=0.9, synchronized=synchronized, name=name, **options)


def depthwise(x, filters, strides, batch_norm, name):
    """1×1 convolution, then a 3×3 depthwise-separable one that carries the stride (HAN, Fig. 4c; the default)."""
    x = convolution(x, filters, 1, 1, batch_norm, f"{name}.expand")
    # float32 under every policy: it has few of the multiply-adds, and TensorFlow's kernels for the CPU are several
    # times slower in bfloat16, in which the 1×1 convolutions take half the time.
    x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False, dtype="float32", name=f"{name}.depthwise")(x)
    return convolution(x, filters, 1, 1, batch_norm, f"{name}.pointwise")


def residual(x, filters, strides, batch_norm, name):
    """Bottleneck of 1×1, 3×3 and 1×1 convolutions beside a shortcut (HAN, Table 12).

    The paper gives no inner width; half of the filters comes nearest to its FLOPs.
    """
    shortcut = x
    if strides > 1 or x.shape[-1] != filters:
        shortcut = convolution(x, filters, 1, strides, batch_norm, f"{name}.shortcut", activation=None)
    x = convolution(x, filters // 2, 1, 1, batch_norm, f"{name}.reduce")
    x = convolution(x, filters // 2, 3, strides, batch_norm, f"{name}.middle")
    x = convolution(x, filters, 1, 1, batch_norm, f"{name}.restore", activation=None)
    return layers.Activation("relu", name=f"{name}.relu")(layers.Add(name=f"{name}.add")([x, shortcut]))


def inception(x, filters, strides, batch_norm, name):
    """Four parallel paths, concatenated (HAN, Table 12): 1×1; 1×1 and 3×3; 1×1, 3×3 and 3×3; pooling and 1×1.

    The paper names Inception-A/B and gives no widths; a quarter of the filters each is the reading here.
    """
    width = filters // 4
    pooled = layers.AveragePooling2D(3, strides, padding="same", name=f"{name}.pool")(x)
    paths = [
        convolution(x, width, 1, strides, batch_norm, f"{name}.path1"),
        convolution(
            convolution(x, width, 1, 1, batch_norm, f"{name}.path2a"), width, 3, strides, batch_norm, f"{name}.path2b"
        ),
        convolution(pooled, width, 1, 1, batch_norm, f"{name}.path4"),
    ]
    double = convolution(x, width, 1, 1, batch_norm, f"{name}.path3a")
    double = convolution(double, width, 3, 1, batch_norm, f"{name}.path3b")
    paths.insert(2, convolution(double, width, 3, strides, batch_norm, f"{name}.path3c"))
    return layers.Concatenate(name=f"{name}.concat")(paths)


UNITS: dict[str, Unit] = {"depthwise": depthwise, "residual": residual, "inception": inception}


def unit(name: str) -> Unit:
    """The unit called `name`; unknown names raise `ReIDError`."""
    check_choice(UNITS, unit=name)
    return UNITS[name]

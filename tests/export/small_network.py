"""A network small enough to be exported in a second that has what makes exports hard: depthwise convolution, batch
normalisation with statistics of its own, resizing, a product of two computed matrices, rows of length 1."""

import keras
from keras import layers, ops

SIZE = (32, 16)


def build(**options) -> keras.Model:
    """Pixels 0..255 (batch, 32, 16, 3) -> (batch, 24)."""
    images = keras.Input((*SIZE, 3), name="images")
    x = images * (1 / 127.5) - 1.0
    for number, filters in enumerate((16, 24)):
        x = layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name=f"conv{number}")(x)
        x = layers.ReLU()(layers.BatchNormalization(name=f"norm{number}")(x))
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"depthwise{number}")(x)
    where = layers.Conv2D(1, 3, 2, padding="same", name="where")(ops.mean(x, axis=-1, keepdims=True))
    where = ops.sigmoid(ops.image.resize(where, (8, 4), data_format="channels_last"))
    x = x * where
    # Position by softmax over rows, as a product of two computed matrices.
    rows = ops.softmax(ops.mean(x, axis=(2, 3)))
    cut = ops.matmul(ops.reshape(rows, (-1, 1, 8)), ops.reshape(x, (-1, 8, 4 * 24)))
    pooled = ops.mean(ops.reshape(cut, (-1, 4, 24)), axis=1)
    pooled = layers.Concatenate()([pooled, ops.mean(x, axis=(1, 2))])
    feature = layers.Dense(24, name="dense", **options)(pooled)
    return keras.Model(images, layers.UnitNormalization(dtype="float32")(feature), name="tiny")

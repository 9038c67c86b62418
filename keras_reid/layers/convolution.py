"""What backbones and networks are built of: a convolution with batch normalisation and ReLU."""

from keras import layers


def convolution(x, filters, kernel, strides, batch_norm, name, activation="relu"):
    """Convolution, batch normalisation and, unless `activation` is None, ReLU; "same" padding, no bias."""
    x = layers.Conv2D(
        filters, kernel, strides, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}.conv"
    )(x)
    x = batch_norm(f"{name}.norm")(x)
    return layers.Activation(activation, name=f"{name}.relu")(x) if activation else x

"""Pixels as a backbone's weights want them, from pixels between −1 and 1.

Constants are NumPy's: a tensor that is made before the graph becomes an input of ONNX files.
"""

import numpy as np

# Mean and standard deviation of ImageNet's pixels, red, green, blue, in shares of 1.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
# Means of the Caffe networks that Keras' ResNets were ported from, in 255ths.
_CAFFE_MEAN = (123.68, 116.779, 103.939)


def standardised(images):
    """Less the mean of ImageNet, divided by its standard deviation: torchvision's weights, and Keras' DenseNets."""
    scale = [0.5 / deviation for deviation in _DEVIATION]
    offset = [(0.5 - mean) / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
    return images * np.array(scale, "float32") + np.array(offset, "float32")


def centred(images):
    """From 0 to 255, less the mean of ImageNet: Keras' ResNets.

    Those want blue, green, red. The order stays as it is here, and `imagenet.load` turns the first kernel round.
    """
    return images * 127.5 + np.array([127.5 - mean for mean in _CAFFE_MEAN], "float32")

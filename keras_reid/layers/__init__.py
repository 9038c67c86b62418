"""Attention blocks, each an ordinary Keras layer that can be put into any network."""

from keras_reid.layers.batch_normalization import BatchNormalization
from keras_reid.layers.channel_attention import ChannelAttention
from keras_reid.layers.hard_attention import HardAttention
from keras_reid.layers.harmonious_attention import HarmoniousAttention
from keras_reid.layers.region_crop import RegionCrop
from keras_reid.layers.soft_attention import SoftAttention
from keras_reid.layers.spatial_attention import SpatialAttention

__all__ = [
    "BatchNormalization",
    "ChannelAttention",
    "HardAttention",
    "HarmoniousAttention",
    "RegionCrop",
    "SoftAttention",
    "SpatialAttention",
]

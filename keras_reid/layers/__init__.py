"""Attention blocks, each an ordinary Keras layer that can be put into any network."""

from keras_reid.layers.attention_in_attention import AttentionInAttention
from keras_reid.layers.attention_pyramid import AttentionPyramid
from keras_reid.layers.batch_normalization import BatchNormalization
from keras_reid.layers.channel_attention import ChannelAttention
from keras_reid.layers.foreground_channel_attention import ForegroundChannelAttention
from keras_reid.layers.hard_attention import HardAttention
from keras_reid.layers.harmonious_attention import HarmoniousAttention
from keras_reid.layers.multiscale_spatial_attention import MultiscaleSpatialAttention
from keras_reid.layers.non_local import NonLocal
from keras_reid.layers.omni_foreground_attention import OmniForegroundAttention
from keras_reid.layers.pointwise_embedding import PointwiseEmbedding
from keras_reid.layers.random_fourier_features import RandomFourierFeatures
from keras_reid.layers.region_crop import RegionCrop
from keras_reid.layers.relation_aware_attention import RelationAwareAttention
from keras_reid.layers.second_order_pooling import SecondOrderPooling
from keras_reid.layers.soft_attention import SoftAttention
from keras_reid.layers.spatial_attention import SpatialAttention
from keras_reid.layers.squeeze_excite import SqueezeExcite

__all__ = [
    "AttentionInAttention",
    "AttentionPyramid",
    "BatchNormalization",
    "ChannelAttention",
    "ForegroundChannelAttention",
    "HardAttention",
    "HarmoniousAttention",
    "MultiscaleSpatialAttention",
    "NonLocal",
    "OmniForegroundAttention",
    "PointwiseEmbedding",
    "RandomFourierFeatures",
    "RegionCrop",
    "RelationAwareAttention",
    "SecondOrderPooling",
    "SoftAttention",
    "SpatialAttention",
    "SqueezeExcite",
]

"""Losses: the triplet family, attention alignment, supervised contrastive learning and smoothed cross-entropy."""

from keras_reid.losses.attention_cosine import AttentionCosineDistance
from keras_reid.losses.branches import branch_losses
from keras_reid.losses.contrastive import SupervisedContrastive
from keras_reid.losses.cross_entropy import SmoothedCrossEntropy
from keras_reid.losses.improved_triplet import ImprovedTriHard
from keras_reid.losses.triplet import BatchHardTriplet

__all__ = [
    "AttentionCosineDistance",
    "BatchHardTriplet",
    "ImprovedTriHard",
    "SmoothedCrossEntropy",
    "SupervisedContrastive",
    "branch_losses",
]

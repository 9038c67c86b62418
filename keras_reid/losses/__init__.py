"""Losses: the triplet family, supervised contrastive learning and smoothed cross-entropy."""

from keras_reid.losses.branches import branch_losses
from keras_reid.losses.contrastive import SupervisedContrastive
from keras_reid.losses.cross_entropy import SmoothedCrossEntropy
from keras_reid.losses.triplet import BatchHardTriplet

__all__ = ["BatchHardTriplet", "SmoothedCrossEntropy", "SupervisedContrastive", "branch_losses"]

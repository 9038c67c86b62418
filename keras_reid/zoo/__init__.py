"""Published models by name: what there is, what is known about each, and loading with checked weights."""

from keras_reid.zoo.card import card
from keras_reid.zoo.listing import info, list_models
from keras_reid.zoo.loading import load
from keras_reid.zoo.verification import verify

__all__ = ["card", "info", "list_models", "load", "verify"]

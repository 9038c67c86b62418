"""Explanations after the fact: which places of a picture made its embedding, or its likeness to another."""

from keras_reid.explanations.class_activation import class_activation
from keras_reid.explanations.grad_cam import grad_cam

__all__ = ["class_activation", "grad_cam"]

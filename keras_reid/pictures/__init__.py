"""Pictures for people to look at: ranked matches, and what a network attends to."""

from keras_reid.pictures.attention import draw_attention
from keras_reid.pictures.matches import draw_matches

__all__ = ["draw_attention", "draw_matches"]

"""What layers that are made of others have in common when they are built."""

import functools
from collections.abc import Callable

from keras_reid.data_format import channels_last


def composed(build: Callable[..., None]) -> Callable[..., None]:
    """Around the `build` of a layer that makes its sublayers there: they are frozen with it, and take channels last.

    Keras freezes the sublayers that a layer has, and before `build` it has none: one that was saved frozen, or made
    with `trainable=False`, would learn.
    """

    @functools.wraps(build)
    def build_and_freeze(self, *shapes, **named_shapes):
        with channels_last():
            build(self, *shapes, **named_shapes)
        if not self.trainable:
            self.trainable = False

    return build_and_freeze

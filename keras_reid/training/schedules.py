"""How the learning rate changes during a training: data that, called with its length, give what an optimizer takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from keras_reid.errors import ReIDError

# A number, or a keras.optimizers.schedules.LearningRateSchedule.
Rate = Any


@dataclass(frozen=True)
class Constant:
    """The same learning rate throughout."""

    def __call__(self, rate: float, steps_per_epoch: int, epochs: int) -> Rate:
        return rate


@dataclass(frozen=True)
class Falling:
    """The learning rate times `factor` at each of some points, as most papers of the field have it.

    Args:
        at: Fractions of all epochs, ascending; a shorter training then falls at the same points.
        factor: Defaults to 0.1.
    """

    at: tuple[float, ...]
    factor: float = 0.1

    def __call__(self, rate: float, steps_per_epoch: int, epochs: int) -> Rate:
        import keras

        # The first epoch that begins at a fraction or after it; the rounding is that of thirds.
        falls = [math.ceil(round(fraction * epochs, 6)) for fraction in self.at]
        starts = sorted({epoch for epoch in falls if 0 < epoch < epochs})
        if not starts:
            return rate
        values = [rate * self.factor ** sum(fall <= start for fall in falls) for start in [0, *starts]]
        # Keras counts a boundary to what is before it.
        boundaries = [start * steps_per_epoch - 1 for start in starts]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)


@dataclass(frozen=True)
class Cosine:
    """A rise from 0 to the learning rate, then a fall along half a cosine.

    Args:
        warm_up: Share of all steps that the rise takes. Defaults to 0.05.
        end: Share of the learning rate that is left at the end. Defaults to 0.

    Raises:
        ReIDError: `warm_up` leaves no step to fall in.
    """

    warm_up: float = 0.05
    end: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up < 1:
            raise ReIDError(f"Cosine expects `warm_up` in [0, 1), a share of all steps. Received: {self.warm_up}")

    def __call__(self, rate: float, steps_per_epoch: int, epochs: int) -> Rate:
        import keras

        steps = steps_per_epoch * epochs
        rise = min(round(self.warm_up * steps), steps - 1)
        cosine = keras.optimizers.schedules.CosineDecay
        if not rise:
            return cosine(rate, steps, alpha=self.end)
        return cosine(0.0, steps - rise, alpha=self.end, warmup_target=rate, warmup_steps=rise)

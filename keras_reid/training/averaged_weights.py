"""Evaluating the moving average of the weights, while training goes on with the weights themselves."""

import contextlib
from collections.abc import Iterator

from keras import ops


@contextlib.contextmanager
def averaged_weights(model) -> Iterator[None]:
    """The optimizer's averages in the place of the model's weights, if it keeps any (`use_ema=True`).

    `keras.callbacks.SwapEMAWeights` exchanges the two by additions and subtractions, whose rounding stays in the
    weights; here training goes on with exactly those it had, so that measuring more or less often changes nothing.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # behind a loss scale
    if not getattr(optimizer, "use_ema", False) or not optimizer.built:
        yield
        return
    weights = optimizer._trainable_variables
    kept = [ops.convert_to_numpy(weight) for weight in weights]
    for weight, average in zip(weights, optimizer._model_variables_moving_average, strict=True):
        weight.assign(ops.convert_to_numpy(average))  # a copy: JAX gives the buffers of weights away in each step
    try:
        yield
    finally:
        for weight, value in zip(weights, kept, strict=True):
            weight.assign(value)

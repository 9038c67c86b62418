"""`fit` under `tf.distribute.MultiWorkerMirroredStrategy`: a way round two errors of Keras 3.15 (and 3.15.1).

1. `TensorFlowTrainer._maybe_symbolic_build` reduces a whole batch of per-replica values in one call, which only the
   single-machine strategies accept. What it is for, the variables of the model's metrics and optimizer, are there
   already (`fitting.training_step`), and it does nothing here.
2. `reduce_per_replica` asks for the mean of the step's logs over axis 0, and they are scalars. Here they are vectors of
   length 1, of which it then takes the mean over all replicas.

`tests/training/test_multi_worker.py` says when a newer Keras no longer needs this.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
from keras import ops


def is_multi_worker(model) -> bool:
    """Whether several processes train the model together."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    strategy = model.distribute_strategy
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and strategy.num_replicas_in_sync > 1


@contextlib.contextmanager
def fit_works(model) -> Iterator[None]:
    """`model.fit` runs with several workers inside this block."""
    compute_metrics = model.compute_metrics

    def vectors(*args, **kwargs):
        return {name: ops.reshape(value, (1,)) for name, value in compute_metrics(*args, **kwargs).items()}

    model.compute_metrics = vectors
    model._maybe_symbolic_build = lambda *args, **kwargs: None
    model.train_function = None
    try:
        yield
    finally:
        del model.compute_metrics, model._maybe_symbolic_build
        model.train_function = None

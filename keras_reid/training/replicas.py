"""Several devices in one training step: what random layers and batches need to know about it.

Under a `tf.distribute` strategy Keras splits every batch evenly among the replicas, in order: replica 0 gets its first
images. The gradient of the whole batch's mean loss comes out, as on one device, where batch normalisation is
synchronised (HAN's `synchronized=True`) or frozen, and where the loss of an image does not depend on others. The
triplet, contrastive and alignment losses compare images of one replica only: an identity's images lie next to each
other in a P×K batch, so that each replica gets P / replicas whole identities, fewer negatives than one device would.
"""

from __future__ import annotations

import contextlib
from typing import Any

import keras
import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.layers import batch_normalization

# How far apart the replicas' random numbers are in one stream: more than a replica draws in an epoch.
_APART = 1 << 24


def number_of_replicas(model) -> int:
    """How many devices compute a step of `model.fit` together."""
    strategy = _strategy(model)
    return 1 if strategy is None else strategy.num_replicas_in_sync


def strategy_scope(model) -> contextlib.AbstractContextManager:
    """Variables that belong to the training of `model` are made in here."""
    strategy = _strategy(model)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def check_divisible(count: int, what: str, replicas: int) -> None:
    """Refuse a batch of which the replicas would not get equal shares.

    Raises:
        ReIDError: `count`, the number of `what` in a batch, is no multiple of `replicas`.
    """
    if count % replicas:
        lower = count - count % replicas
        choice = f"{lower} or {lower + replicas}" if lower else str(replicas)
        raise ReIDError(
            f"A batch of {count} {what} cannot be shared equally by {replicas} devices: take {choice} {what}, or "
            "another number of devices."
        )


def synchronise(model) -> None:
    """Have all batch normalisation of `model` take its statistics from all replicas, as HAN's option does."""
    if keras.backend.backend() != "tensorflow":  # JAX always does: it sees one batch, whatever devices hold it
        return
    batch_normalization.synchronise(model._flatten_layers())


def copy_for_replicas(layer: keras.layers.Layer, model) -> keras.layers.Layer:
    """`layer`, or where a strategy trains `model`, a copy whose random state each replica has for itself.

    Keras makes the state a mirrored variable, which TensorFlow does not let a replica change.
    """
    strategy = _strategy(model)
    if strategy is None:
        return layer
    import tensorflow as tf

    def one_each(next_creator, **kwargs):
        kwargs["synchronization"] = tf.VariableSynchronization.ON_READ
        kwargs["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
        return next_creator(**kwargs)

    with strategy.scope(), tf.variable_creator_scope(one_each):
        return layer.__class__.from_config(layer.get_config())


def separate_replicas(model) -> None:
    """Move the random states of `model` apart, from replica to replica, so that each draws numbers of its own.

    Called after the states have been set to the same everywhere.
    """
    strategy = _strategy(model)
    if strategy is None:
        return
    first = _first_replica(strategy)
    for variable in model.variables:
        if variable.name == "seed_generator_state":
            for replica, state in enumerate(strategy.experimental_local_results(variable.value), start=first):
                state.assign_add(np.array([0, replica * _APART], state.dtype.as_numpy_dtype))


def embed_on_one(model, pixels: np.ndarray) -> Any:
    """Embeddings of a batch, computed on one device where a strategy trains `model`.

    Keras' `predict_on_batch` has every replica compute the same batch, and waits for those on other machines.
    """
    if _strategy(model) is None:
        return model.predict_on_batch(pixels)
    import tensorflow as tf

    if not hasattr(model, "_embedding_step"):
        step = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
        object.__setattr__(model, "_embedding_step", step)  # Keras' own would make it a part of what is exported
    return model._embedding_step(pixels)


def _strategy(model) -> Any:
    """The model's `tf.distribute` strategy, or None."""
    if keras.backend.backend() != "tensorflow":
        return None
    strategy = model.distribute_strategy
    return strategy if strategy.num_replicas_in_sync > 1 else None


def _first_replica(strategy) -> int:
    """Number of this process' first replica among those of all machines."""
    resolver = strategy.cluster_resolver
    if resolver is None:
        return 0
    task = resolver.task_id or 0
    if resolver.task_type == "worker":
        task += "chief" in resolver.cluster_spec().jobs  # who comes before the workers
    return task * len(strategy.extended.worker_devices)

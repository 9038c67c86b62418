"""What `ReIDModel.fit` does before and around Keras' own `fit`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from keras_reid.asking import check_searchable
from keras_reid.data.augmentation import reseed
from keras_reid.data.batches import Batches
from keras_reid.errors import ReIDError
from keras_reid.training.multi_worker import fit_works, is_multi_worker
from keras_reid.training.replicas import (
    check_divisible,
    copy_for_replicas,
    number_of_replicas,
    separate_replicas,
    strategy_scope,
)
from keras_reid.training.retrieval_evaluation import RetrievalEvaluation


class Epoch(keras.callbacks.Callback):
    """Tell batches and random layers which epoch it is.

    Both depend on (seed, epoch) alone, so that a resumed run repeats what the interrupted one would have done. A `fit`
    from epoch 0 goes on behind the epochs that the model has learnt from before: it shall not see them once more.

    Args:
        batches: That `fit` reads.
        exact: Whether epochs are those that `fit` counts, whatever the model has learnt from.
    """

    def __init__(self, batches: Batches, exact: bool):
        super().__init__()
        self.batches = batches
        self.before: int | None = 0 if exact else None

    def on_epoch_begin(self, epoch, logs=None):
        if self.before is None:  # a callback may have restored a training, whose epochs then count from there
            self.before = 0 if epoch else self.model._epochs
        self.batches.epoch = now = self.before + epoch
        reseed(self.model, self.batches.seed, now)
        separate_replicas(self.model)

    def on_epoch_end(self, epoch, logs=None):
        assert self.before is not None  # since the epoch began
        self.model._epochs = self.before + epoch + 1


class Milestones(keras.callbacks.LearningRateScheduler):
    """Learning rate × 0.1 at the paper's milestones, given as fractions of all epochs."""

    def __init__(self, start: float, milestones: tuple[float, ...], epochs: int):
        super().__init__(lambda epoch, _: start * 0.1 ** sum(epoch >= fraction * epochs for fraction in milestones))


def prepare(model, x, y, batch_size, epochs, validation_data, validation_freq, exact):
    """Batches of the model's size, and the callbacks that belong in front of the user's.

    Raises:
        ReIDError: as `ReIDModel.fit` says.
    """
    if not isinstance(x, Batches):
        if y is None:
            raise ReIDError(
                "`fit` expects batches, e.g. model.fit(data.train.batches(identities=16, images=4)), or pictures and "
                f"their labels. Received: x={type(x).__name__} without y"
            )
        x = Batches.from_arrays(x, y, batch_size=batch_size or 32)
    if model.identities is None:
        raise ReIDError(
            "The model has no identity heads to train. Build it with as many as there are people in the training set, "
            f'e.g. keras_reid.zoo.load("{model.name}", identities={x.number_of_identities}).'
        )
    if x.number_of_identities > model.identities:
        raise ReIDError(
            f"The batches hold {x.number_of_identities} identities, the model has heads for {model.identities}. "
            f"Build it with identities={x.number_of_identities}."
        )
    shared = (x.batch_size, "images") if x.identities is None else (x.identities, "identities")
    check_divisible(*shared, number_of_replicas(model))
    if not model.compiled:
        model.compile()
    # With the size first: this makes another object of the batches, and that one has to be told its epoch.
    x = x.with_size(model.image_size)
    callbacks: list[keras.callbacks.Callback] = [Epoch(x, exact)]
    if model._falls_at_milestones and model.milestones:
        # The paper's rate, not the optimizer's present one: an earlier `fit` has let that fall.
        start = float(model.default_optimizer().learning_rate)
        callbacks.append(Milestones(start, model.milestones, epochs))
    if validation_data is not None:
        if not (hasattr(validation_data, "query") and hasattr(validation_data, "gallery")):
            raise ReIDError(
                "`validation_data` is a data set with query and gallery, as keras_reid.data.load returns it: people of "
                "the validation set are none of the training set's, so that only retrieval can be measured on them. "
                f"Received: {type(validation_data).__name__}"
            )
        check_searchable(validation_data)
        callbacks.append(RetrievalEvaluation(validation_data, validation_freq))
    return x, callbacks


@contextlib.contextmanager
def training_step(model, batches: Batches) -> Iterator[None]:
    """The model as `fit` needs it: with the batches' augmentation in its step, and ready for several machines."""
    augmentation = batches.augmentation
    if augmentation is not None:
        model.augmentation = augmentation = copy_for_replicas(augmentation, model)
        # Keras keeps the compiled step from the last `fit`, whose augmentation was another.
        model.train_function = None
    try:
        _make_variables(model, batches)
        with fit_works(model) if is_multi_worker(model) else contextlib.nullcontext():
            yield
    finally:
        if augmentation is not None:
            model.augmentation = None
            # Or its random state would stay among the variables of the model, and go into its exports.
            model._tracker.untrack(augmentation)
            model.train_function = None


def _make_variables(model, batches: Batches) -> None:
    """Make the variables of optimizer, losses and metrics, which Keras does by itself on JAX.

    Otherwise they are made while TensorFlow traces the first step, and it traces once more to have a step that makes
    none: the first step of HAN then takes 20 s in place of 12.
    """
    if keras.backend.backend() != "tensorflow":
        return
    assert batches.image_size is not None  # `prepare` has seen to it
    images = keras.KerasTensor((batches.batch_size, *batches.image_size, 3), "uint8")
    labels = keras.KerasTensor((batches.batch_size,), "int32")
    with strategy_scope(model):
        model._symbolic_build(data_batch=({"images": images}, labels))

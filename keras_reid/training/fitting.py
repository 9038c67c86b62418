"""What `ReIDModel.fit` does before Keras' own `fit` takes over."""

import keras

from keras_reid.data.augmentation import reseed
from keras_reid.data.batches import Batches
from keras_reid.errors import ReIDError
from keras_reid.training.retrieval_evaluation import RetrievalEvaluation


class Epoch(keras.callbacks.Callback):
    """Tell batches and augmentation which epoch it is.

    Both depend on (seed, epoch) alone, so that a resumed run repeats what the interrupted one would have done.
    """

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        if self.batches.augmentation is not None:
            reseed(self.batches.augmentation, self.batches.seed, epoch)


class Milestones(keras.callbacks.LearningRateScheduler):
    """Learning rate × 0.1 at the paper's milestones, given as fractions of all epochs."""

    def __init__(self, start: float, milestones: tuple[float, ...], epochs: int):
        super().__init__(lambda epoch, _: start * 0.1 ** sum(epoch >= fraction * epochs for fraction in milestones))


def prepare(model, x, y, batch_size, epochs, validation_data, validation_freq):
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
    if not model.compiled:
        model.compile()
    x = x.with_size(model.image_size)
    callbacks: list[keras.callbacks.Callback] = [Epoch(x)]
    if model._falls_at_milestones and model.milestones:
        callbacks.append(Milestones(float(model.optimizer.learning_rate), model.milestones, epochs))
    if validation_data is not None:
        if not (hasattr(validation_data, "query") and hasattr(validation_data, "gallery")):
            raise ReIDError(
                "`validation_data` is a data set with query and gallery, as keras_reid.data.load returns it: people of "
                "the validation set are none of the training set's, so that only retrieval can be measured on them. "
                f"Received: {type(validation_data).__name__}"
            )
        callbacks.append(RetrievalEvaluation(validation_data, validation_freq))
    return x, callbacks

"""Retrieval figures while a model trains."""

import keras

from keras_reid.errors import ReIDError
from keras_reid.training.averaged_weights import averaged_weights


class RetrievalEvaluation(keras.callbacks.Callback):
    """Measure retrieval on a data set at the end of epochs.

    Adds "val_rank1", "val_rank5", "val_mAP", … to the logs, so that callbacks behind it in the list (`ModelCheckpoint`,
    `EarlyStopping` with `mode="max"`, `CSVLogger`) can use them. `fit(validation_data=data)` puts one in front of the
    user's callbacks. Where the optimizer keeps a moving average of the weights (`use_ema=True`), that is measured, and
    `ModelCheckpoint` and `EarlyStopping` keep the weights of the last step nevertheless: use neither then.

    Args:
        data: What `keras_reid.data.load` returns.
        frequency: Epochs between two measurements; the last epoch is always measured. Defaults to 1. With more than 1,
            `CSVLogger` misses the figures, because it takes its columns from the first epoch; `EpochLog` does not.
        prefix: Of the names in the logs. Defaults to "val_".
        batch_size: Pictures a step. Defaults to 64.

    Raises:
        ReIDError: `frequency` is no whole number of at least 1.
    """

    def __init__(self, data, frequency: int = 1, prefix: str = "val_", batch_size: int = 64):
        super().__init__()
        if isinstance(frequency, bool) or not isinstance(frequency, int) or frequency < 1:
            raise ReIDError(f"Retrieval is measured every so many epochs, at least 1. Received: {frequency!r}.")
        self.data = data
        self.frequency = frequency
        self.prefix = prefix
        self.batch_size = batch_size

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.frequency and epoch + 1 != self.params["epochs"]:
            return
        with averaged_weights(self.model):
            figures = self.model.evaluate_retrieval(self.data, batch_size=self.batch_size)
        if logs is not None:
            logs.update({f"{self.prefix}{name}": value for name, value in figures.items()})

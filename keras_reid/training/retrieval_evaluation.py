"""Retrieval figures while a model trains."""

import keras


class RetrievalEvaluation(keras.callbacks.Callback):
    """Measure retrieval on a data set at the end of epochs.

    Adds "val_rank1", "val_rank5", "val_mAP", … to the logs, so that callbacks behind it in the list (`ModelCheckpoint`,
    `EarlyStopping`, `CSVLogger`) can use them. `fit(validation_data=data)` puts one in front of the user's callbacks.

    Args:
        data: What `keras_reid.data.load` returns.
        frequency: Epochs between two measurements; the last epoch is always measured. Defaults to 1.
        prefix: Of the names in the logs. Defaults to "val_".
        batch_size: Pictures a step. Defaults to 64.
    """

    def __init__(self, data, frequency: int = 1, prefix: str = "val_", batch_size: int = 64):
        super().__init__()
        self.data = data
        self.frequency = frequency
        self.prefix = prefix
        self.batch_size = batch_size

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.frequency and epoch + 1 != self.params["epochs"]:
            return
        figures = self.model.evaluate_retrieval(self.data, batch_size=self.batch_size)
        if logs is not None:
            logs.update({f"{self.prefix}{name}": value for name, value in figures.items()})

"""The state of a training, kept so that a killed one goes on where it was."""

import contextlib
import math
import os
import re
from pathlib import Path

import keras

from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.training.replicas import strategy_scope

_NAME = re.compile(r"epoch-(\d+)\.weights\.h5")


class Backup(keras.callbacks.Callback):
    """Save weights and optimizer at the end of every epoch, and go on from there.

    A state is one file, whole or not there, with the number of the epoch in its name. Keras' own `BackupAndRestore`
    writes two files in place: killed while it writes, it loses the run; killed between the two, it repeats an epoch
    with the weights that came out of it. All else that `fit` of a `ReIDModel` depends on follows from the epoch's
    number: the batches, the augmentation, the learning rate. So a resumed run ends as the uninterrupted one would have.

    Example:
        >>> backup = keras_reid.training.Backup("run/state")
        >>> model.fit(batches, epochs=60, initial_epoch=backup.restore(model), callbacks=[backup])

    Put it last in the list of callbacks: it saves what the others have left.

    Args:
        folder: Where states are; made if needed. Only the latest is kept.
        writes: Whether this process saves; of several workers only one should. Defaults to True.

    Raises:
        ReIDError: at the end of an epoch, the loss is not finite; the state of the epoch before is kept.
    """

    def __init__(self, folder: str | os.PathLike, writes: bool = True):
        super().__init__()
        self.folder = Path(folder).expanduser()
        self.writes = writes

    def epochs(self) -> int:
        """How many epochs the latest state has behind it; 0 where there is none."""
        return max(self._states(), default=0)

    def restore(self, model: keras.Model) -> int:
        """Load the latest state, if there is one, into a compiled model.

        Returns:
            How many epochs it has behind it: `initial_epoch` for `fit`.

        Raises:
            ReIDError: the model is not compiled; or the state is that of another model, or damaged.
        """
        if not model.compiled:  # said at once, not when a killed training is to go on
            raise ReIDError("Compile the model first: its state is the optimizer's, too.")
        if self.writes:
            self._tidy()
        states = self._states()
        if not states:
            return 0
        latest = max(states)
        if not model.optimizer.built:  # or Keras leaves its state out
            with strategy_scope(model):
                model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(states[latest])
        except (OSError, KeyError, ValueError) as error:
            raise ReIDError(
                f"The state of the training in '{states[latest]}' is damaged or that of another model: {error}. "
                "Delete it to begin anew."
            ) from error
        return latest

    def on_epoch_end(self, epoch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise ReIDError(
                f"The loss is {loss} after epoch {epoch + 1}: the training has diverged. Lower the learning rate and "
                "begin anew."
            )
        if not self.writes:
            return
        with atomically(self.folder / f"epoch-{epoch + 1:05d}.weights.h5") as new:
            self.model.save_weights(new)
        for number, path in self._states().items():
            if number != epoch + 1:
                path.unlink()

    def clear(self) -> None:
        """Remove all states, and the folder if nothing else is in it."""
        if self.folder.is_dir():
            self._tidy()
            for path in self._states().values():
                path.unlink()
            with contextlib.suppress(OSError):  # something else lies there, which stays
                self.folder.rmdir()

    def _tidy(self) -> None:
        """Remove what killed processes left half-written."""
        for path in self.folder.glob(".*.weights.h5"):
            path.unlink()

    def _states(self) -> dict[int, Path]:
        found = [(_NAME.fullmatch(path.name), path) for path in self.folder.glob("epoch-*")]
        return {int(match[1]): path for match, path in found if match}

"""The figures of every epoch in a table on disk."""

import csv
import os
import time
from pathlib import Path

import keras

from keras_reid.errors import ReIDError
from keras_reid.files import atomically


class EpochLog(keras.callbacks.Callback):
    """Write what every epoch reports to a CSV file, with the learning rate and the seconds it took.

    `keras.callbacks.CSVLogger` takes its columns from the first epoch it sees, which loses figures that are not
    measured in every epoch, and a resumed run writes the interrupted epoch twice. This one writes the whole table anew
    after each epoch, and drops the epochs that are about to be repeated.

    Args:
        path: The CSV file. Columns: "epoch", from 1; what the logs hold, empty where an epoch has no such figure;
            "learning_rate", where a schedule falls within the epoch that of the step to come; "seconds".
        epochs: How many of the rows that are there already to keep. Defaults to 0.
        writes: Whether this process writes the file. Defaults to True.
    """

    def __init__(self, path: str | os.PathLike, epochs: int = 0, writes: bool = True):
        super().__init__()
        self.path = Path(path)
        self.writes = writes
        self.rows = [row for row in read_log(path) if row["epoch"] <= epochs]

    def on_epoch_begin(self, epoch, logs=None):
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        figures = {name: float(value) for name, value in (logs or {}).items()}
        figures.setdefault("learning_rate", float(self.model.optimizer.learning_rate))
        seconds = round(time.perf_counter() - self._begun, 2)
        self.rows.append({"epoch": epoch + 1, **figures, "seconds": seconds})
        if self.writes:
            columns = list(dict.fromkeys(name for row in self.rows for name in row))
            with atomically(self.path) as new, open(new, "w", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(self.rows)


def read_log(path: str | os.PathLike) -> list[dict[str, float]]:
    """The rows of the CSV file that `EpochLog` wrote, without their empty cells; none where there is no file.

    Raises:
        ReIDError: the file is damaged.
    """
    if not Path(path).is_file():
        return []
    try:
        with open(path, newline="") as file:
            rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
        return [{**row, "epoch": int(row["epoch"])} for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise ReIDError(f"'{path}' is no log of a training, or damaged ({error!r}).") from error

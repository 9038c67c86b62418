import pytest
import small_training as small

from keras_reid.training.epoch_log import EpochLog, read_log


def logged(log, *epochs):
    """Have `log` note these epochs, (number from 0, figures)."""
    log.set_model(small.Small(identities=4))
    log.model.compile()
    for epoch, figures in epochs:
        log.on_epoch_begin(epoch)
        log.on_epoch_end(epoch, figures)


def test_columns_that_come_later(tmp_path):
    path = tmp_path / "new" / "log.csv"
    logged(EpochLog(path), (0, {"loss": 2.5}), (1, {"loss": 0.1, "val_mAP": 1 / 3}))
    first, second = read_log(path)
    assert first == {"epoch": 1, "loss": 2.5, "learning_rate": pytest.approx(0.01), "seconds": first["seconds"]}
    assert (second["epoch"], second["loss"], second["val_mAP"]) == (2, 0.1, 1 / 3)
    assert path.read_text().splitlines()[0] == "epoch,loss,learning_rate,seconds,val_mAP"


def test_interrupted_epochs_are_not_doubled(tmp_path):
    path = tmp_path / "log.csv"
    logged(EpochLog(path), (0, {"loss": 3.0}), (1, {"loss": 2.0}), (2, {"loss": 1.0}))
    logged(EpochLog(path, epochs=1), (1, {"loss": 2.5}))
    assert [(row["epoch"], row["loss"]) for row in read_log(path)] == [(1, 3.0), (2, 2.5)]


def test_a_worker_that_does_not_write(tmp_path):
    log = EpochLog(tmp_path / "log.csv", writes=False)
    logged(log, (0, {"loss": 1.0}))
    assert log.rows[0]["loss"] == 1.0
    assert read_log(tmp_path / "log.csv") == []

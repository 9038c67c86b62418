import keras
import pytest
import small_training as small

from keras_reid import ReIDError
from keras_reid.training import RetrievalEvaluation


class Figures:
    """In a model's place: what it finds is the number of measurements so far."""

    optimizer = keras.optimizers.SGD()

    def __init__(self):
        self.asked = []

    def evaluate_retrieval(self, data, batch_size):
        self.asked.append((data, batch_size))
        return {"rank1": float(len(self.asked)), "mAP": 0.5}


def logs_of(frequency, epochs, **options):
    callback, model = RetrievalEvaluation("data", frequency, **options), Figures()
    callback.set_model(model)
    callback.set_params({"epochs": epochs})
    logs = [{} for _ in range(epochs)]
    for epoch in range(epochs):
        callback.on_epoch_end(epoch, logs[epoch])
    return logs, model.asked


@pytest.mark.parametrize("frequency", [0, -1, 1.5, [1, 5], True])
def test_bad_frequency(frequency):
    with pytest.raises(ReIDError) as error:
        RetrievalEvaluation("data", frequency)
    assert str(error.value) == f"Retrieval is measured every so many epochs, at least 1. Received: {frequency!r}."


def test_every_epoch():
    logs, asked = logs_of(1, 2, batch_size=16)
    assert logs == [{"val_rank1": 1.0, "val_mAP": 0.5}, {"val_rank1": 2.0, "val_mAP": 0.5}]
    assert asked == [("data", 16)] * 2


def test_every_third_and_the_last():
    logs, _ = logs_of(3, 5, prefix="small_")
    assert [log.get("small_rank1") for log in logs] == [None, None, 1.0, None, 2.0]


def test_without_logs():
    callback = RetrievalEvaluation("data")
    callback.set_model(Figures())
    callback.on_epoch_end(0)
    assert callback.model.asked == [("data", 64)]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model after three epochs with Keras' own callbacks behind the measurement."""
    folder = tmp_path_factory.mktemp("fitted")
    data = small.data(folder / "pictures")
    model = small.Small(identities=4)
    model.compile("sgd", run_eagerly=True)
    callbacks = [
        keras.callbacks.CSVLogger(folder / "log.csv"),
        keras.callbacks.EarlyStopping("val_mAP", mode="max", min_delta=2, patience=2),
        keras.callbacks.ModelCheckpoint(folder / "best.keras", "val_mAP", mode="max", save_best_only=True),
    ]
    history = model.fit(data.train.batches(4, 2), validation_data=data, epochs=9, callbacks=callbacks, verbose=0)
    return model, history.history, folder


def test_keras_callbacks_see_the_figures(fitted):
    model, history, folder = fitted
    assert len(history["val_mAP"]) == 3  # stopped early: no better by 2 in two epochs
    assert {"val_rank1", "val_rank5", "val_rank10", "val_mAP", "val_mINP"} < set(history)
    columns, *rows = (folder / "log.csv").read_text().splitlines()
    assert "val_mAP" in columns.split(",")
    assert len(rows) == 3
    assert keras.models.load_model(folder / "best.keras").name == model.name


def test_the_moving_average_is_measured(tmp_path):
    data = small.data(tmp_path / "pictures")
    model = small.Small(identities=4)
    found = model.evaluate_retrieval(data)
    model.compile(keras.optimizers.SGD(use_ema=True))
    model.optimizer.build(model.trainable_variables)
    averages = model.optimizer._model_variables_moving_average
    for average, weight in zip(averages, model.trainable_variables, strict=True):
        average.assign(weight)
        weight.assign(weight * 0)
    callback, logs = RetrievalEvaluation(data, prefix=""), {}
    callback.set_model(model)
    callback.on_epoch_end(0, logs)
    assert logs == found
    assert model.evaluate_retrieval(data) != found

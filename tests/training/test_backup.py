import keras
import numpy as np
import pytest
import small_training as small

from keras_reid import ReIDError
from keras_reid.training import Backup


def compiled():
    model = small.Small(identities=4)
    model.compile(small.adam(0.01), run_eagerly=True)
    return model


def trained(folder, **options):
    model = compiled()
    backup = Backup(folder, **options)
    model.fit(*small.pixels(), batch_size=8, epochs=2, callbacks=[backup], verbose=0)
    return model, backup


def test_the_state_has_all_that_training_goes_on_from(tmp_path):
    model, backup = trained(tmp_path / "state")
    restored = compiled()
    assert backup.restore(restored) == 2
    assert backup.epochs() == 2
    assert int(restored.optimizer.iterations) == 6
    # The weights in the state are those before `fit` put their averages in their place.
    averages = restored.optimizer._model_variables_moving_average
    for weight, average in zip(model.trainable_variables, averages, strict=True):
        np.testing.assert_array_equal(weight, average)
    for one, other in zip(model.optimizer.variables, restored.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_to_restore(tmp_path):
    assert Backup(tmp_path / "state").restore(compiled()) == 0
    assert not (tmp_path / "state").exists()


def test_a_model_that_is_not_compiled(tmp_path):
    with pytest.raises(ReIDError, match="Compile the model first"):
        Backup(tmp_path / "state").restore(small.Small(identities=4))


def test_only_the_latest_is_kept_and_half_written_ones_go(tmp_path):
    _, backup = trained(tmp_path)
    (tmp_path / ".123.weights.h5").write_bytes(b"half")
    assert backup.restore(compiled()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-00002.weights.h5"]
    backup.clear()
    assert not tmp_path.exists()


def test_a_worker_that_does_not_write(tmp_path):
    trained(tmp_path / "state", writes=False)
    assert not (tmp_path / "state").exists()


def test_damaged_state(tmp_path):
    _, backup = trained(tmp_path)
    path = tmp_path / "epoch-00002.weights.h5"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ReIDError, match=f"The state of the training in '{path}' is damaged or that of another model: "):
        backup.restore(compiled())


def test_what_is_not_its_own_stays(tmp_path):
    _, backup = trained(tmp_path)
    foreign = tmp_path / "notes.txt"
    foreign.write_text("mine")
    backup.clear()
    assert list(tmp_path.iterdir()) == [foreign]


def test_diverged(tmp_path):
    backup = Backup(tmp_path / "state")
    backup.set_model(compiled())
    with pytest.raises(ReIDError) as error:
        backup.on_epoch_end(4, {"loss": float("nan")})
    assert str(error.value) == (
        "The loss is nan after epoch 5: the training has diverged. Lower the learning rate and begin anew."
    )
    assert not (tmp_path / "state").exists()


def test_in_fit_it_goes_on_exactly(tmp_path):
    def fit(folder, epochs):
        keras.utils.set_random_seed(1)
        model, backup = compiled(), Backup(folder)
        first = backup.restore(model)
        return model.fit(
            *small.pixels(), batch_size=8, initial_epoch=first, epochs=epochs, callbacks=[backup], verbose=0
        ).history["loss"]

    whole = fit(tmp_path / "whole", 3)
    fit(tmp_path / "cut", 1)
    assert fit(tmp_path / "cut", 3) == pytest.approx(whole[1:], abs=1e-6)

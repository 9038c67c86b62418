import dataclasses

import keras
import numpy as np
import pytest
import small_training as small

from keras_reid import ReIDError
from keras_reid.data.augmentation import augment
from keras_reid.data.batches import Batches


def compiled(rate=0.05, **options):
    keras.utils.set_random_seed(3)
    model = small.Small(identities=4)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), **{"run_eagerly": True, **options})
    return model


def batches(**options):
    return Batches.from_arrays(*small.pixels(), **{"batch_size": 8, **options})


class Seen(keras.callbacks.Callback):
    """What happened in `fit`."""

    def __init__(self):
        super().__init__()
        self.rates, self.losses = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(round(float(self.model.optimizer.learning_rate), 6))

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))


def losses(model, data, **options):
    return model.fit(data, verbose=0, **options).history["loss"]


def test_an_epoch_is_the_same_whatever_came_before():
    whole = compiled(rate=0.0)
    third = losses(whole, batches(augmentation=augment()), epochs=3)[2]
    later = compiled(rate=0.0)
    assert losses(later, batches(augmentation=augment()), epochs=3, initial_epoch=2) == pytest.approx([third], abs=1e-6)


def test_epochs_differ_and_so_do_seeds():
    def picture(seed, epoch):
        model = compiled(rate=0.0)
        data = batches(seed=seed, augmentation=augment())
        seen = []
        keep = keras.layers.Lambda(lambda images: seen.append(keras.ops.convert_to_numpy(images)) or images)
        call = data.augmentation.call
        data.augmentation.call = lambda images, training=False: keep(call(images, training=training))
        losses(model, data, initial_epoch=epoch, epochs=epoch + 1)
        return np.sort(np.concatenate(seen).mean(axis=(1, 2, 3)))  # whatever their order

    first = picture(0, 0)
    np.testing.assert_array_equal(first, picture(0, 0))
    assert np.abs(first - picture(0, 1)).max() > 0.1
    assert np.abs(first - picture(1, 0)).max() > 0.1


def test_a_second_fit_goes_on():
    whole, parts = (compiled(rate=0.0) for _ in range(2))
    expected = losses(whole, batches(augmentation=augment()), epochs=4)
    data = batches(augmentation=augment())
    found = losses(parts, data, epochs=1) + losses(parts, data, epochs=2) + losses(parts, data, epochs=1)
    assert found == pytest.approx(expected, abs=1e-6)
    assert losses(parts, data, initial_epoch=1, epochs=2) == pytest.approx(expected[1:2], abs=1e-6)


def test_a_fit_after_saving_goes_on(tmp_path):
    whole, part = (compiled(rate=0.0) for _ in range(2))
    expected = losses(whole, batches(augmentation=augment()), epochs=2)
    found = losses(part, batches(augmentation=augment()), epochs=1)
    part.save(tmp_path / "part.keras")
    again = keras.models.load_model(tmp_path / "part.keras")
    found += losses(again, batches(augmentation=augment()), epochs=1)
    assert found == pytest.approx(expected, abs=1e-6)


def test_frozen_layers_stay_frozen_when_saved(tmp_path):
    model = compiled()
    model.get_layer("convolution").trainable = False
    model.get_layer("norm").trainable = False
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), run_eagerly=True)
    losses(model, batches())
    model.save(tmp_path / "frozen.keras")
    again = keras.models.load_model(tmp_path / "frozen.keras")
    assert [weight.path for weight in again.trainable_weights] == [weight.path for weight in model.trainable_weights]
    for ours, theirs in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_augmentation_of_a_fit_that_fails_is_gone(monkeypatch):
    model = compiled()
    monkeypatch.setattr("keras_reid.training.fitting._make_variables", lambda model, batches: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        losses(model, batches(augmentation=augment()))
    assert model.augmentation is None


def test_one_callback():
    seen = Seen()
    losses(compiled(), batches(), callbacks=seen)
    assert seen.losses


def test_the_step_is_traced_once():
    """TensorFlow traces a step that makes variables twice, which takes longer than many a training's first epoch."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow traces")
    model = compiled(run_eagerly=False)
    traced = []
    train_step = model.train_step
    model.train_step = lambda data: traced.append(data) or train_step(data)
    losses(model, batches(augmentation=augment()), epochs=2)
    assert len(traced) == 1


def test_every_fit_has_its_own_augmentation():
    """A compiled step is kept by Keras; it must not keep the augmentation of the fit before."""

    class White(keras.layers.Layer):
        def call(self, images, training=False):
            return images * 0 + 255

    plain = losses(compiled(rate=0.0), batches())
    model = compiled(rate=0.0, run_eagerly=False)
    model.fit(batches(augmentation=White()), verbose=0)
    # The moving statistics have changed; what is used in training has not.
    assert losses(model, batches(), initial_epoch=0) == pytest.approx(plain, abs=1e-5)
    white = losses(model, batches(augmentation=White()))
    assert white == pytest.approx([np.log(4)], abs=1e-3)  # all pictures alike: each person as likely as the next
    assert white != pytest.approx(plain, abs=1e-5)


def test_no_trace_of_augmentation_is_left():
    model = compiled()
    before = [variable.path for variable in model.variables]
    model.fit(batches(augmentation=augment()), verbose=0)
    metrics = {variable.path for metric in model.metrics for variable in metric.variables}
    assert [path for path in (variable.path for variable in model.variables) if path not in metrics] == [
        path for path in before if path not in metrics
    ]
    assert model.augmentation is None
    assert not [variable for variable in model.variables if variable.name == "seed_generator_state"]


def test_milestones_begin_at_the_papers_rate_in_every_fit():
    model = small.Small(identities=4)
    model.compile(run_eagerly=True)
    for _ in range(2):
        seen = Seen()
        model.fit(batches(), epochs=4, callbacks=[seen], verbose=0)
        assert seen.rates == [0.01, 0.01, 0.001, 0.001]


def test_pictures_and_labels():
    images, labels = small.pixels()
    whole = losses(compiled(), batches(), epochs=2)
    model = compiled()
    history = model.fit(images, labels, batch_size=8, epochs=2, verbose=0).history
    assert history["loss"] == pytest.approx(whole)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(precision):
    keras.config.set_dtype_policy(precision)
    try:
        model = compiled(rate=0.01)
        assert model.get_layer("convolution").compute_dtype == precision.removeprefix("mixed_")
        falling = losses(model, batches(), epochs=6)
        half = model.embed(small.pixels()[0])
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(falling).all()
    assert falling[-1] < falling[0]
    assert all(weight.dtype == "float32" for weight in model.weights)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (precision == "mixed_float16")
    full = small.Small(identities=4)
    full.set_weights(model.get_weights())
    assert (half * full.embed(small.pixels()[0])).sum(axis=1).min() > 0.999


def test_a_saved_model_goes_on_training_where_it_was(tmp_path):
    whole = small.Small(identities=4)
    keras.utils.set_random_seed(3)
    whole.set_weights(compiled().get_weights())
    whole.compile(run_eagerly=True)
    whole.fit(batches(), epochs=2, verbose=0)
    whole.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 6
    assert loaded._falls_at_milestones
    assert losses(loaded, batches(), epochs=4, initial_epoch=2) == pytest.approx(
        losses(whole, batches(), epochs=4, initial_epoch=2), abs=1e-6
    )


def test_validation_data_without_query(tmp_path):
    with pytest.raises(ReIDError, match=r"^`validation_data` is a data set with query and gallery, .*Received: tuple$"):
        compiled().fit(batches(), validation_data=small.pixels(), verbose=0)
    seen, data = Seen(), small.data(tmp_path)
    nobody = dataclasses.replace(data, query=data.query.take([]))
    with pytest.raises(ReIDError, match=r"^The data set has no images in its query: "):
        compiled().fit(batches(), validation_data=nobody, callbacks=[seen], verbose=0)
    assert not seen.losses  # before an epoch is lost

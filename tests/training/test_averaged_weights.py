import keras
import numpy as np
import pytest
import small_training as small

from keras_reid.training.averaged_weights import averaged_weights


def trained(optimizer):
    model = small.Small(identities=4)
    model.compile(optimizer, run_eagerly=True)
    images, labels = small.pixels(8)
    for _ in range(2):  # the average begins at the weights after the first step
        model.train_on_batch({"images": images}, labels)
    return model


def test_averages_stand_in_for_the_weights():
    model = trained(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75))
    kept = model.get_weights()
    before = [keras.ops.convert_to_numpy(it) for it in model.optimizer._model_variables_moving_average]
    assert any((average != weight).any() for average, weight in zip(before, kept, strict=False))
    with averaged_weights(model):
        for weight, average in zip(model.trainable_variables, before, strict=True):
            np.testing.assert_array_equal(weight, average)
    for weight, value in zip(model.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(weight, value)
    for average, value in zip(model.optimizer._model_variables_moving_average, before, strict=True):
        np.testing.assert_array_equal(average, value)


def test_the_weights_come_back_after_an_error():
    model = trained(keras.optimizers.SGD(0.1, use_ema=True))
    kept = model.get_weights()
    with pytest.raises(KeyboardInterrupt), averaged_weights(model):
        raise KeyboardInterrupt
    for weight, value in zip(model.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1, use_ema=True)])
def test_without_averages_nothing_changes(optimizer):
    model = small.Small(identities=4)
    model.compile(optimizer)  # not built: nothing is averaged yet
    kept = model.get_weights()
    with averaged_weights(model):
        for weight, value in zip(model.get_weights(), kept, strict=True):
            np.testing.assert_array_equal(weight, value)


def test_behind_a_loss_scale():
    inner = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model = trained(keras.optimizers.LossScaleOptimizer(inner))
    with averaged_weights(model):
        for weight, average in zip(model.trainable_variables, inner._model_variables_moving_average, strict=True):
            np.testing.assert_array_equal(weight, average)

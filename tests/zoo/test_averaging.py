import keras
import numpy as np
import pytest
from tiny_network import Tiny

from keras_reid import ReIDError
from keras_reid.zoo.averaging import average


def saved(path, seed, **options):
    keras.utils.set_random_seed(seed)
    model = Tiny(**options)
    for weight in model.weights:
        weight.assign(np.random.default_rng(seed).normal(size=weight.shape))
    model.save_weights(path)
    return model


def test_the_mean_of_every_variable(tmp_path):
    paths = [tmp_path / f"{seed}.weights.h5" for seed in range(3)]
    models = [saved(path, seed) for seed, path in enumerate(paths)]
    average(paths, tmp_path / "mean.weights.h5")
    mean = Tiny()
    mean.load_weights(tmp_path / "mean.weights.h5")
    for found, *given in zip(mean.get_weights(), *(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(found, np.mean(given, axis=0), atol=1e-6)


def test_the_mean_of_one_is_itself(tmp_path):
    model = saved(tmp_path / "one.weights.h5", 0)
    average([tmp_path / "one.weights.h5"], tmp_path / "mean.weights.h5")
    other = Tiny()
    other.load_weights(tmp_path / "mean.weights.h5")
    for found, given in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, given)


def test_different_networks(tmp_path):
    saved(tmp_path / "a.weights.h5", 0)
    saved(tmp_path / "b.weights.h5", 0, width=5)
    with pytest.raises(ReIDError, match=r"^Weights of different networks have no mean: those in '.*a.weights.h5' and "):
        average([tmp_path / "a.weights.h5", tmp_path / "b.weights.h5"], tmp_path / "mean.weights.h5")
    assert not (tmp_path / "mean.weights.h5").exists()


def test_nothing_to_average(tmp_path):
    with pytest.raises(ReIDError, match=r"^Expected at least one file of weights to average\. Received: none\.$"):
        average([], tmp_path / "mean.weights.h5")

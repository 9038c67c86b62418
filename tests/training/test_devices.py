import json

import keras
import pytest

from keras_reid import ReIDError
from keras_reid.training.devices import Devices, use_devices

tensorflow_only = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="needs TensorFlow")


def test_one_device_needs_nothing():
    with use_devices(1) as devices:
        assert devices == Devices(replicas=1, writes=True, strategy=None)
        with devices.scope():
            devices.check_same("anything", 1)


def test_none():
    with pytest.raises(ReIDError) as error, use_devices(0):
        pass
    assert str(error.value) == "`devices` is a number of devices, at least 1. Received: 0"


@tensorflow_only
def test_workers_alone(monkeypatch):
    cluster = {"chief": ["127.0.0.1:1"], "worker": ["127.0.0.1:2"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    with pytest.raises(ReIDError, match=r"^TF_CONFIG .* Received: chief besides\.$"), use_devices(1):
        pass


@tensorflow_only
def test_more_than_there_are():
    import tensorflow as tf

    # Once these are listed TensorFlow runs, and its CPU can no longer be split.
    found = len(tf.config.list_logical_devices("CPU"))
    with pytest.raises(ReIDError) as error, use_devices(found + 1):
        pass
    there = "is 1 device" if found == 1 else f"are {found} devices"
    assert str(error.value) == f"There {there} to train on. Received: devices={found + 1}"


@tensorflow_only
def test_a_configuration_that_is_no_json(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{'cluster': {}}")
    with (
        pytest.raises(ReIDError, match=r"TF_CONFIG is expected to be JSON .* Received: {'cluster': {}}"),
        use_devices(1),
    ):
        pass


@tensorflow_only
@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ([], r"is expected to be an object with a cluster\. Received: \[\]$"),
        ({"cluster": ["a:1"]}, "is expected to be an object with a cluster"),
        ({"cluster": {"worker": ["a:1", "b:2"]}}, "is expected to say which of the 2 workers this is"),
        ({"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 2}}, "which of the 2 workers"),
        ({"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "chief", "index": 0}}, "which of the 2 workers"),
    ],
)
def test_an_incomplete_configuration(monkeypatch, configuration, message):
    monkeypatch.setenv("TF_CONFIG", json.dumps(configuration))
    with pytest.raises(ReIDError, match=f"^TF_CONFIG .*{message}"), use_devices(1):
        pass

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCRIPT = Path(__file__).with_name("distributed.py")
DIFFER = """
import json, os
from keras_reid.training.devices import use_devices
with use_devices(1) as devices:
    devices.check_same("the number of images", 7)
    devices.check_same("the number of epochs behind them", json.loads(os.environ["TF_CONFIG"])["task"]["index"])
"""


def free_ports(number):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def workers(command, number, patience=800):
    """Run `command` as so many workers; exit status, output and error messages of each."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(number)]
    processes = []
    for index in range(number):
        configuration = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CONFIG": json.dumps(configuration)}
        processes.append(
            subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        )
    try:
        ended = [(process.communicate(timeout=patience), process.returncode) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(status, output, errors) for (output, errors), status in ended]


def trained(number, *settings):
    found = []
    for status, output, errors in workers([sys.executable, str(SCRIPT), "1", *settings], number):
        assert status == 0, errors[-3000:]
        found.append(json.loads(output.splitlines()[-1]))
    return found


def test_two_workers_train_as_one():
    (one,), (first, second) = trained(1), trained(2)
    assert (one["replicas"], first["replicas"], second["replicas"]) == (1, 2, 2)
    assert (first["writes"], second["writes"]) == (True, False)
    for value in ("losses", "accuracies", "weights", "embedding"):
        assert first[value] == second[value]
    assert first["losses"] == pytest.approx(one["losses"], abs=1e-4)
    assert first["weights"] == pytest.approx(one["weights"], rel=1e-4, abs=1e-5)


def test_augmentation_differs_between_workers_as_between_devices():
    first, second = trained(2, "augmented")
    assert first["losses"] == second["losses"]
    assert first["weights"] == second["weights"]
    for (one,), (other,) in zip(first["random"], second["random"], strict=True):
        assert other[1] - one[1] == 1 << 24


def test_the_way_round_keras_is_still_needed():
    """Keras' own fit fails. When this test does, remove `keras_reid/training/multi_worker.py` and what calls it."""
    first, second = workers([sys.executable, str(SCRIPT), "1", "plain"], 2)
    assert first[0] != 0, f"Keras {keras.__version__} trains with several workers by itself"
    assert second[0] != 0
    assert "unsupported type" in first[2]


def test_workers_that_would_train_on_different_things_stop():
    for status, _, errors in workers([sys.executable, "-c", DIFFER], 2):
        assert status == 1
        assert errors.strip().endswith(
            "ReIDError: The workers differ in the number of epochs behind them: [0, 1]. All of them need the same "
            "data, and the same output folder on a file system they share."
        )

import contextlib
import json
import socket
from pathlib import Path

import keras
import pytest
from processes import Script

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


def workers(number, *command):
    """What comes of a script that so many workers run."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(number)]
    begun = []
    for index in range(number):
        configuration = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        begun.append(Script(*command, TF_CONFIG=json.dumps(configuration)))
    try:
        return [script.end() for script in begun]
    finally:  # those that wait for one that has not ended
        for script in begun:
            script.process.kill()


def trained(number, *settings):
    found = []
    for done in workers(number, SCRIPT, 1, *settings):
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(json.loads(done.stdout.splitlines()[-1]))
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
    first, second = workers(2, SCRIPT, 1, "plain")
    assert first.returncode != 0, f"Keras {keras.__version__} trains with several workers by itself"
    assert second.returncode != 0
    assert "unsupported type" in first.stderr


def test_workers_that_would_train_on_different_things_stop(tmp_path):
    script = tmp_path / "differ.py"
    script.write_text(DIFFER, encoding="utf-8")
    for done in workers(2, script):
        assert done.returncode == 1
        assert done.stderr.strip().endswith(
            "ReIDError: The workers differ in the number of epochs behind them: [0, 1]. All of them need the same "
            "data, and the same output folder on a file system they share."
        )

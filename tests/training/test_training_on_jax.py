"""Training on JAX where TensorFlow is not installed."""

import json
import signal
from pathlib import Path

import pytest

from keras_reid.training.epoch_log import read_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

HERE = Path(__file__).parent


def test_two_devices_train_as_one(on_jax):
    found = []
    for devices in (1, 2):
        done = on_jax(HERE / "distributed.py", str(devices), devices=devices)
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(json.loads(done.stdout.splitlines()[-1]))
    one, two = found
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-4)
    assert two["weights"] == pytest.approx(one["weights"], rel=1e-4, abs=1e-5)
    assert one["losses"][-1] < one["losses"][0] - 0.01


def test_more_devices_than_there_are(on_jax):
    done = on_jax(HERE / "distributed.py", "3", devices=2)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("ReIDError: There are 2 devices to train on. Received: devices=3")


def test_killed_in_an_epoch(on_jax, tmp_path):
    def interrupted(output, *kill):
        return on_jax(HERE / "interrupted.py", tmp_path / "pictures", tmp_path / output, "1", *kill)

    whole = interrupted("whole")
    assert whole.returncode == 0, whole.stderr[-3000:]
    assert interrupted("cut", "batch", "4").returncode == -signal.SIGKILL
    resumed = interrupted("cut")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    expected, found = (read_log(tmp_path / output / "log.csv") for output in ("whole", "cut"))
    assert len(expected) == 5
    for row, other in zip(expected, found, strict=True):
        del row["seconds"], other["seconds"]
        assert other == pytest.approx(row, abs=1e-6)

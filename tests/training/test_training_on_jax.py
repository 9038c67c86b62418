"""Training on JAX where TensorFlow is not installed; `make test` makes the environment.

KERAS_REID_JAX_PYTHON names the Python of another one.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from keras_reid.training.epoch_log import read_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def python(repository):
    path = Path(os.environ.get("KERAS_REID_JAX_PYTHON", repository / ".venv-jax/bin/python"))
    if not path.is_file():
        pytest.skip(f"needs an environment with JAX and without TensorFlow, looked for at {path}: make test")
    return path


def start(python, *arguments, devices=1):
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "PYTHONPATH": str(HERE.parents[1]),
    }
    return subprocess.run([python, *arguments], env=environment, capture_output=True, text=True, timeout=800)


def test_two_devices_train_as_one(python):
    found = []
    for devices in (1, 2):
        done = start(python, HERE / "distributed.py", str(devices), devices=devices)
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(json.loads(done.stdout.splitlines()[-1]))
    one, two = found
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-4)
    assert two["weights"] == pytest.approx(one["weights"], rel=1e-4, abs=1e-5)
    assert one["losses"][-1] < one["losses"][0] - 0.01


def test_more_devices_than_there_are(python):
    done = start(python, HERE / "distributed.py", "3", devices=2)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("ReIDError: There are 2 devices to train on. Received: devices=3")


def test_killed_in_an_epoch(python, tmp_path):
    def interrupted(output, *kill):
        return start(python, HERE / "interrupted.py", tmp_path / "pictures", tmp_path / output, "1", *kill)

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

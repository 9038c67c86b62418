"""The devices and machines a training runs on."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keras_reid.errors import ReIDError


@dataclass(frozen=True)
class Devices:
    """What `use_devices` yields.

    Attributes:
        replicas: How many devices compute a step together, on all machines.
        writes: Whether this process writes the files: one of several workers does.
        strategy: The `tf.distribute` strategy, or None.
    """

    replicas: int = 1
    writes: bool = True
    strategy: Any = None

    def scope(self) -> contextlib.AbstractContextManager:
        """Models are built and compiled in here."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def check_same(self, what: str, number: int) -> None:
        """Compare a number with that of the other workers.

        Raises:
            ReIDError: they differ.
        """
        if self.strategy is None or self.strategy.cluster_resolver is None:
            return
        import tensorflow as tf

        numbers = self.strategy.run(
            lambda: tf.distribute.get_replica_context().all_gather(tf.constant([number]), axis=0)
        )
        numbers = self.strategy.experimental_local_results(numbers)[0].numpy().tolist()
        if len(set(numbers)) > 1:
            raise ReIDError(
                f"The workers differ in {what}: {numbers}. All of them need the same data, and the same output folder "
                "on a file system they share."
            )


@contextlib.contextmanager
def use_devices(number: int) -> Iterator[Devices]:
    """Train on `number` devices of this machine inside this block, and on those of other machines that TF_CONFIG names.

    TensorFlow: GPUs where there are some, otherwise the CPU as so many logical devices, which is for tests. One device
    needs no strategy; several are a `MirroredStrategy`; a `TF_CONFIG` with several workers is a
    `MultiWorkerMirroredStrategy`, of which every process is to call this before anything else uses TensorFlow.
    JAX: `keras.distribution.DataParallel`. A block ends with the distribution that was set before.

    Raises:
        ReIDError: there are not as many devices, or the backend trains on one only.
    """
    import keras

    if number < 1:
        raise ReIDError(f"`devices` is a number of devices, at least 1. Received: {number}")
    backend = keras.backend.backend()
    if backend == "tensorflow":
        yield _tensorflow(number)
    elif number == 1:
        yield Devices()
    elif backend == "jax":
        found = keras.distribution.list_devices()
        _check(number, len(found))
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found[:number]))
        try:
            yield Devices(number)
        finally:
            keras.distribution.set_distribution(before)
    else:
        raise ReIDError(f"On the {backend} backend training takes one device. Received: devices={number}")


def _tensorflow(number: int) -> Devices:
    import tensorflow as tf

    given = os.environ.get("TF_CONFIG") or "{}"
    try:
        configuration = json.loads(given)
    except ValueError as error:
        raise ReIDError(f"TF_CONFIG is expected to be JSON ({error}). Received: {given}") from error
    cluster = configuration.get("cluster", {}) if isinstance(configuration, dict) else None
    if not isinstance(cluster, dict):
        raise ReIDError(f"TF_CONFIG is expected to be an object with a cluster. Received: {given}")
    if others := sorted(cluster.keys() - {"worker"}):
        raise ReIDError(
            "TF_CONFIG is expected to name workers alone, the first of which writes the files. Received: "
            f"{', '.join(others)} besides."
        )
    workers = len(cluster.get("worker", []))
    task = configuration.get("task")
    place = str(task.get("index")) if isinstance(task, dict) and task.get("type") == "worker" else ""
    if workers > 1 and place not in map(str, range(workers)):
        raise ReIDError(
            f"TF_CONFIG is expected to say which of the {workers} workers this is, such as "
            f'"task": {{"type": "worker", "index": 0}}. Received: {given}'
        )
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if kind == "CPU" and number > 1:
        _split_cpu(tf, number)
    if workers > 1:
        # The ring works for CPUs and over any network; between GPUs TensorFlow chooses NCCL by itself.
        communication = tf.distribute.experimental.CommunicationImplementation
        options = tf.distribute.experimental.CommunicationOptions(
            implementation=communication.RING if kind == "CPU" else communication.AUTO
        )
        strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        return Devices(strategy.num_replicas_in_sync, place == "0", strategy)
    if number == 1:
        return Devices()
    found = [device.name for device in tf.config.list_logical_devices(kind)]
    _check(number, len(found))
    return Devices(number, True, tf.distribute.MirroredStrategy(found[:number]))


def _split_cpu(tf, number: int) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    have = tf.config.get_logical_device_configuration(cpu)
    if have is not None and len(have) >= number:
        return
    warnings.warn(
        f"TensorFlow finds no GPU: {number} parts of the CPU train instead, no faster than one. On Linux it uses GPUs "
        "with pip install 'keras-reid[gpu]'.",
        stacklevel=6,  # of who called `run`
    )
    with contextlib.suppress(RuntimeError):  # too late, TensorFlow is running: what it has is counted below
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * number)


def _check(number: int, found: int) -> None:
    if number > found:
        raise ReIDError(
            f"There {'is' if found == 1 else 'are'} {found} device{'s' * (found != 1)} to train on. "
            f"Received: devices={number}"
        )

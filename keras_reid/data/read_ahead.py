"""Threads that read the next batches of an epoch while the current one is trained on."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """`read(epoch, index)`, begun early for the indices that follow the one asked for.

    What is returned depends on epoch and index only, in whatever order they are asked for. Keras' own workers are not
    used, because their queue outlives the epoch: under a distribution strategy, and on JAX, an epoch began with batches
    left over from the one before (Keras 3.15.1).

    Args:
        read: returns batch `index` of epoch `epoch`; called in several threads at once.
        length: batches in an epoch.
        workers: number of threads; 0 to read in the caller's.
    """

    def __init__(self, read: Callable[[int, int], T], length: int, workers: int) -> None:
        self._read = read
        self._length = length
        self._workers = workers
        self._pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="batches")
        self._lock = threading.Lock()
        self._begun: dict[tuple[int, int], Future[T]] = {}

    def get(self, epoch: int, index: int) -> T:
        """Batch `index` of epoch `epoch`; errors of `read` are raised here."""
        if self._workers == 0:
            return self._read(epoch, index)
        wanted = [(epoch, later) for later in range(index, min(index + 1 + 2 * self._workers, self._length))]
        with self._lock:
            for key in self._begun.keys() - wanted:
                self._begun.pop(key).cancel()
            for key in wanted:
                if key not in self._begun:
                    self._begun[key] = self._pool.submit(self._read, *key)
            future = self._begun[epoch, index]
        return future.result()

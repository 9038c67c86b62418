"""Inner products of rows in float32: on the processor by NumPy, or on a GPU where Keras has one."""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

# The bits of a float32 that TensorFloat-32 keeps, in which GPUs multiply unless they are told otherwise.
_KEPT = np.uint32(0xFFFFE000)

Product = Callable[[np.ndarray, np.ndarray], np.ndarray]


def product_with(gallery: np.ndarray) -> Product:
    """A function that multiplies with `gallery`, (G, D) float32: rows (b, D) and a buffer (b, G), which it returns.

    Where Keras has been imported, and sees a GPU, the GPU multiplies. Sums are in float32 in both cases, in another
    order.
    """
    if gpu_ready():
        return _on_gpu(gallery)
    return lambda rows, out: np.matmul(rows, gallery.T, out=out)


def gpu_ready() -> bool:
    """Whether Keras has been imported and sees a GPU; it is not imported for the question."""
    keras: Any = sys.modules.get("keras")
    if keras is None or keras.backend.backend() not in ("tensorflow", "jax"):
        return False
    return any(str(device).lower().startswith("gpu") for device in keras.distribution.list_devices())


def in_threads(work: Callable[[slice], Any], count: int, least: int = 32) -> Iterable[Any]:
    """Results of `work` on slices that make up range(count), one a core, each of `least` items or more."""
    parts = max(1, min(_cores(), count // least))
    borders = [count * part // parts for part in range(parts + 1)]
    slices = [slice(*pair) for pair in pairwise(borders)]
    if parts == 1:
        return [work(slices[0])]
    return list(_pool(os.getpid()).map(work, slices))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads of this process: a forked one inherits the pool without them."""
    return ThreadPoolExecutor(_cores(), thread_name_prefix="keras_reid")


def _on_gpu(gallery: np.ndarray) -> Product:
    from keras import ops

    # a·b is the sum of four products of parts. The large one is exact in TensorFloat-32 but for its float32 sums, and
    # of the small ones 10 bits are enough: together they are as good as float32, whatever the backend's precision is.
    high, low = (ops.transpose(ops.convert_to_tensor(part)) for part in _split(gallery))

    def product(rows: np.ndarray, out: np.ndarray) -> np.ndarray:
        first, rest = (ops.convert_to_tensor(part) for part in _split(rows))
        small = ops.matmul(first, low) + ops.matmul(rest, high) + ops.matmul(rest, low)
        out[...] = ops.convert_to_numpy(ops.matmul(first, high) + small)
        return out

    return product


def _split(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two float32 arrays whose exact sum is `rows`, the first of which TensorFloat-32 holds exactly."""
    rows = np.ascontiguousarray(rows, np.float32)
    high = (rows.view(np.uint32) & _KEPT).view(np.float32)
    return high, rows - high

"""What a gallery holds of a crop, checked at the entrance."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.errors import ReIDError
from keras_reid.evaluation.arrays import check_same_length, checked_embeddings

NO_CAMERA = -1


class Entries(NamedTuple):
    """N crops: vectors (N, D) float32, cameras (N,) int64, times (N,) float64, and N paths."""

    vectors: np.ndarray
    cameras: np.ndarray
    times: np.ndarray
    paths: list[str]


class Entry(NamedTuple):
    """What a gallery knows of one crop; `camera` is −1, `time` NaN and `path` empty where nobody said."""

    id: int
    camera: int
    time: float
    path: str


class Found(NamedTuple):
    """Ids (Q, k) int64 and their similarities (Q, k) float32, best first; −1 and −inf where none is left."""

    ids: np.ndarray
    similarities: np.ndarray


def checked_entries(
    dimensions: int,
    vectors: ArrayLike,
    cameras: ArrayLike | None,
    times: ArrayLike | None,
    paths: Sequence[str] | None,
) -> Entries:
    """What `add` was given.

    Raises:
        ReIDError: NaN, vectors of another length than 1 or of other dimensions, or not one camera, time or path each.
    """
    rows = checked_vectors("vectors", vectors, dimensions)
    count = len(rows)
    numbers = np.full(count, NO_CAMERA) if cameras is None else check_same_length("cameras", cameras, count)
    try:
        seconds = np.full(count, np.nan) if times is None else np.asarray(times, np.float64)
    except (TypeError, ValueError) as error:
        raise ReIDError(f"The times must be numbers of seconds ({error}).") from error
    if seconds.shape != (count,) or np.isinf(seconds).any():
        raise ReIDError(
            f"The times must be one number of seconds, or NaN, for each of the {count} vectors. Received: shape "
            f"{seconds.shape}."
        )
    names = [""] * count if paths is None else [str(path) for path in paths]
    if len(names) != count:
        raise ReIDError(f"The paths must be one for each of the {count} vectors. Received: {len(names)}.")
    return Entries(rows, numbers, seconds, names)


def checked_vectors(name: str, vectors: ArrayLike, dimensions: int) -> np.ndarray:
    """(N, D) float32 of length 1, or a ReIDError that calls them `name`."""
    rows = checked_embeddings(name, vectors)
    check_dimensions(name, rows, dimensions)
    lengths = np.linalg.norm(rows, axis=1)
    if np.abs(lengths - 1).max() > 1e-3:
        raise ReIDError(
            f"The {name} must have length 1, as `embed` returns them. Received: lengths from {lengths.min():.4g} to "
            f"{lengths.max():.4g}."
        )
    return rows


def check_dimensions(name: str, vectors: np.ndarray, dimensions: int) -> None:
    """Raises a ReIDError where vectors (N, D) called `name` have other dimensions than the gallery."""
    if vectors.shape[1] != dimensions:
        raise ReIDError(
            f"The gallery holds vectors of {dimensions} dimensions. Received: {name} of {vectors.shape[1]}. Embed with "
            "the network that the gallery was filled with."
        )


def checked_ids(ids: ArrayLike) -> np.ndarray:
    """(N,) int64, or a ReIDError: floating point tells large ids apart no more."""
    wanted = np.asarray(ids)
    if wanted.size and wanted.dtype.kind not in "iu":
        raise ReIDError(f"Ids are whole numbers, as `add` returns them. Received: {ids!r}.")
    return wanted.astype(np.int64).ravel()


def allowed(
    cameras: np.ndarray,
    times: np.ndarray,
    only_cameras: Sequence[int] | None,
    since: float | None,
    until: float | None,
) -> np.ndarray | None:
    """Boolean (N,): crops of these cameras, from `since` on and before `until`; None for all."""
    kept = None
    if only_cameras is not None:
        kept = np.isin(cameras, np.asarray(only_cameras, np.int64))
    for bound, compare in ((since, np.greater_equal), (until, np.less)):
        if bound is not None:
            inside = compare(times, bound)  # nobody knows whether a crop without a time is inside: it is left out
            kept = inside if kept is None else kept & inside
    return kept

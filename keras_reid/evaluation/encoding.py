"""k-reciprocal encodings as sparse vectors: what an image's neighbours, and theirs, say of it.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", 2017, Eq. 3–7 and 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

_CHUNK = 128  # images whose neighbours' neighbours are looked at together: some megabytes
_PAIRS = 2**20  # entries that are sorted together


class Encoding(NamedTuple):
    """N sparse vectors, row by row.

    Attributes:
        starts: (N + 1,) int64; row i is columns[starts[i]:starts[i + 1]].
        columns: (n,) int32, ascending in each row.
        weights: (n,) float32, above 0.
    """

    starts: np.ndarray
    columns: np.ndarray
    weights: np.ndarray

    def row(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Columns and weights of one row."""
        span = slice(self.starts[number], self.starts[number + 1])
        return self.columns[span], self.weights[span]

    def inverted(self, first: int, columns: int) -> Encoding:
        """The rows from `first` on, which are counted from 0, seen the other way round: a row for each of `columns`."""
        begin = self.starts[first]
        rows = np.repeat(np.arange(len(self.starts) - 1 - first, dtype=np.int32), np.diff(self.starts[first:]))
        order = np.argsort(self.columns[begin:], kind="stable")
        counts = np.bincount(self.columns[begin:], minlength=columns)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return Encoding(starts, rows[order], self.weights[begin:][order])


def reciprocal_encoding(embeddings: np.ndarray, near: np.ndarray, farthest: np.ndarray, k1: int) -> Encoding:
    """Eq. 4 and 7: the expanded reciprocal neighbours of each image, weighted by exp(−distance), summing to 1.

    Args:
        embeddings: (N, D) of length 1.
        near: (N, k) nearest images of each, itself first; k is k1 + 1, or N if that is less.
        farthest: (N,) the distance that distances from an image are divided by.
        k1: neighbours that can be reciprocal.
    """
    near = near.astype(np.int32)
    half = round(k1 / 2) + 1
    wide, narrow = _reciprocal(near), _reciprocal(near[:, :half])
    counts, columns, weights = [], [], []
    for start in range(0, len(near), _CHUNK):
        chunk = near[start : start + _CHUNK]
        own = np.where(wide[start : start + _CHUNK], chunk, -1)  # R(p, k1)
        theirs = np.where(narrow[chunk], near[chunk, :half], -2)  # R(q, k1 / 2) of all neighbours q
        shared = (theirs[..., None] == own[:, None, None, :]).any(axis=-1).sum(axis=-1)
        accepted = (own >= 0) & (3 * shared > 2 * (theirs >= 0).sum(axis=-1))
        added = np.where(accepted[..., None], theirs, -1).reshape(len(chunk), -1)
        members = np.sort(np.concatenate([own, added], axis=1), axis=1)
        new = members >= 0
        new[:, 1:] &= members[:, 1:] != members[:, :-1]
        counts.append(new.sum(axis=1))
        columns.append(members[new])
        parts = np.split(columns[-1], np.cumsum(counts[-1])[:-1])
        for image, support in enumerate(parts, start):
            weight = np.exp(-squared_distance(embeddings[support] @ embeddings[image]) / farthest[image])
            weights.append(weight / weight.sum())
    return Encoding(_starts(np.concatenate(counts)), np.concatenate(columns), np.concatenate(weights))


def expanded(encoding: Encoding, nearest: np.ndarray) -> Encoding:
    """Eq. 11: the encoding of each image becomes the mean over its nearest, (N, k2), itself among them."""
    rows, k2 = nearest.shape
    lengths = np.diff(encoding.starts)
    counts, columns, weights = [], [], []
    for images in _shares(lengths[nearest].sum(axis=1)):
        near = nearest[images].ravel()
        entries = gathered(encoding.starts, near)
        owner = np.repeat(np.arange(len(near)) // k2, lengths[near])
        key = owner * rows + encoding.columns[entries]
        order = np.argsort(key)
        key = key[order]
        first = np.flatnonzero(np.diff(key, prepend=-1))
        weights.append(np.add.reduceat(encoding.weights[entries[order]], first) / np.float32(k2))
        columns.append((key[first] % rows).astype(np.int32))
        counts.append(np.bincount(key[first] // rows, minlength=len(near) // k2))
    return Encoding(_starts(np.concatenate(counts)), np.concatenate(columns), np.concatenate(weights))


def gathered(starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The places of all entries of these rows of sparse vectors, row after row."""
    lengths = starts[rows + 1] - starts[rows]
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts[rows] - ends + lengths, lengths)


def squared_distance(similarity: np.ndarray) -> np.ndarray:
    """|a − b|² of vectors of length 1 from a·b."""
    return np.maximum(2 - 2 * similarity, 0)


def _reciprocal(near: np.ndarray) -> np.ndarray:
    """Which of its nearest images have an image among their own nearest (R(p, k) of Eq. 3), Boolean like `near`."""
    found = np.empty(near.shape, bool)
    for start in range(0, len(near), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        image = np.arange(len(near), dtype=near.dtype)[chunk]
        found[chunk] = (near[near[chunk]] == image[:, None, None]).any(axis=-1)
    return found


def _shares(sizes: np.ndarray) -> Iterator[slice]:
    """Slices of consecutive items whose sizes sum to about `_PAIRS`."""
    ends = np.cumsum(sizes)
    borders = np.unique(np.searchsorted(ends, np.arange(_PAIRS, ends[-1], _PAIRS)))
    borders = np.unique(np.concatenate([[0], borders, [len(sizes)]]))
    for begin, end in pairwise(borders):
        yield slice(begin, end)


def _starts(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)])

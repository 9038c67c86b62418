"""The k nearest rows, exactly, from similarities that arrive tile by tile."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from keras_reid.evaluation.products import in_threads, product_with

TILE = 2**23  # similarities in memory at once: 32 MiB of float32
_QUERIES, _ROWS = 1024, 2**16  # at most in a tile, and of the gallery read together
_LOWEST = np.finfo(np.float32).min  # −∞ stands for what is left out


class Nearest:
    """The k most similar of all that N rows have been offered, best first; of equals the one offered first.

    Attributes:
        indices: (N, k) int64, −1 where fewer were offered.
        similarities: (N, k) float32, −∞ there.
    """

    def __init__(self, rows: int, k: int):
        self.indices = np.full((rows, k), -1, np.int64)
        self.similarities = np.full((rows, k), -np.inf, np.float32)

    def offer(self, start: int, tile: np.ndarray, columns: np.ndarray) -> None:
        """Offer the rows from `start` on the similarities `tile`, (n, g), to what `columns`, (g,), numbers.

        Similarities of −∞ are not taken.
        """

        def look(part: slice) -> tuple[np.ndarray, ...]:
            rows = slice(start + part.start, start + part.stop)
            floor = self._floor(rows, tile[part])
            row, column = np.divmod(np.flatnonzero(tile[part] >= floor[:, None]), tile.shape[1])
            return rows.start + row, columns[column], tile[part][row, column]

        for found in in_threads(look, len(tile)):
            self._take(*found)

    def offer_columns(self, start: int, tile: np.ndarray, rows: np.ndarray) -> None:
        """The same for the columns of `tile`: those from `start` on are offered what `rows` numbers."""
        floor = self._floor(slice(start, start + tile.shape[1]), tile.T)

        def look(part: slice) -> tuple[np.ndarray, ...]:
            row, column = np.divmod(np.flatnonzero(tile[part] >= floor), tile.shape[1])
            return row + part.start, column

        row, column = (np.concatenate(found) for found in zip(*in_threads(look, len(tile)), strict=True))
        order = np.argsort(column, kind="stable")
        row, column = row[order], column[order]
        self._take(start + column, rows[row], tile[row, column])

    def _floor(self, rows: slice, tile: np.ndarray) -> np.ndarray:
        """What a similarity must reach to be among the first k, if it can, for each row of the tile."""
        k = self.similarities.shape[1]
        floor = np.nextafter(self.similarities[rows, -1], np.float32(np.inf))
        fresh = np.isneginf(self.similarities[rows, -1]).any()
        groups = 4 * k
        if fresh and tile.shape[1] >= 4 * groups:
            # k groups have a largest member of at least the k-th largest of these: no need to sort the others.
            width = tile.shape[1] // groups
            largest = tile[:, : width * groups].reshape(len(tile), width, groups).max(axis=1)
            floor = np.maximum(floor, np.partition(largest, -k, axis=1)[:, -k])
        return np.maximum(floor, _LOWEST)

    def _take(self, row: np.ndarray, index: np.ndarray, similarity: np.ndarray) -> None:
        """Merge candidates, whose rows are ascending, into the first k of their rows."""
        k = self.similarities.shape[1]
        most = 2 * k  # candidates a row and round, so that one row with many does not cost memory for all
        while len(row):
            owners, first, counts = np.unique(row, return_index=True, return_counts=True)
            slot = np.repeat(np.arange(len(owners)), counts)
            place = np.arange(len(row)) - np.repeat(first, counts)
            now = place < most
            width = k + min(most, counts.max())
            values = np.full((len(owners), width), -np.inf, np.float32)
            indices = np.full((len(owners), width), -1, np.int64)
            values[:, :k], indices[:, :k] = self.similarities[owners], self.indices[owners]
            values[slot[now], k + place[now]] = similarity[now]
            indices[slot[now], k + place[now]] = index[now]
            order = np.argsort(-values, axis=1, kind="stable")[:, :k]
            self.similarities[owners] = np.take_along_axis(values, order, axis=1)
            self.indices[owners] = np.take_along_axis(indices, order, axis=1)
            left = ~now
            left[left] = similarity[left] > self.similarities[row[left], -1]
            row, index, similarity = row[left], index[left], similarity[left]


def similarity_tiles(query: np.ndarray, gallery: np.ndarray) -> Iterator[tuple[int, slice, np.ndarray]]:
    """Yield the first query of a tile, its gallery rows, and their inner products (n, g) float32.

    The gallery is read once, from its beginning to its end, so that it may be a file mapped into memory. One buffer
    serves all tiles, as for `similarity_blocks`.
    """
    rows = min(len(query), _QUERIES)
    width = min(len(gallery), max(1, min(TILE // rows, _ROWS)))
    buffer = np.empty(rows * width, np.float32)
    for left in range(0, len(gallery), width):
        columns = slice(left, min(left + width, len(gallery)))
        product = product_with(gallery[columns])
        for first in range(0, len(query), rows):
            block = query[first : first + rows]
            shape = len(block), columns.stop - left
            yield first, columns, product(block, buffer[: shape[0] * shape[1]].reshape(shape))


class Neighbours(NamedTuple):
    """Of each of N rows the nearest, itself first: (N, k) int64; and its lowest similarity to any, (N,) float32."""

    indices: np.ndarray
    lowest: np.ndarray


def neighbours(rows: np.ndarray, k: int) -> Neighbours:
    """The k ≤ N nearest of each of (N, D) rows among all of them; every pair is multiplied once."""
    count = len(rows)
    side = max(1, min(count, int(TILE**0.5)))
    nearest = Nearest(count, k)
    lowest = np.full(count, np.inf, np.float32)
    buffer = np.empty(side * side, np.float32)
    for left in range(0, count, side):
        columns = slice(left, min(left + side, count))
        product = product_with(rows[columns])
        # Rows see their columns, and columns their rows, in ascending order, as ties want it.
        for top in range(0, left + 1, side):
            block = slice(top, min(top + side, count))
            shape = block.stop - top, columns.stop - left
            tile = product(rows[block], buffer[: shape[0] * shape[1]].reshape(shape))
            np.minimum(lowest[block], tile.min(axis=1), out=lowest[block])
            if top == left:
                np.fill_diagonal(tile, np.inf)  # itself comes first, whatever coincides with it
            else:
                np.minimum(lowest[columns], tile.min(axis=0), out=lowest[columns])
                nearest.offer_columns(left, tile, np.arange(top, block.stop))
            nearest.offer(top, tile, np.arange(left, columns.stop))
    return Neighbours(nearest.indices, lowest)

"""A gallery of people's pictures that is kept: crops come and go, and are searched exactly."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.errors import ReIDError
from keras_reid.evaluation import nearest
from keras_reid.evaluation.products import product_with
from keras_reid.gallery.entries import Entry, Found, allowed, checked_entries, checked_ids, checked_vectors
from keras_reid.gallery.store import Folder, Memory, alive, write_folder


class Gallery:
    """Embeddings of crops with their camera, time and path.

    A new gallery is in memory until `save` writes it to a folder. One that was loaded, or saved, lives in its folder:
    it is mapped into memory, so that opening it costs next to nothing, and what is added or removed is on the disk when
    the call returns. A process that is killed leaves a gallery that opens and holds no half-written crops. Several
    processes may use one folder.

    Example:
        gallery = Gallery(dimensions=1024)
        gallery.add(model.embed(paths), cameras=cameras, times=times, paths=paths)
        gallery.save("people.gallery")
        found = Gallery.load("people.gallery").search(model.embed("anna.jpg"), k=5, cameras=[2, 3])

    Args:
        dimensions: of the embeddings.
        about: what is worth noting, such as the network that embeds; it is saved, too. Defaults to None: nothing.
    """

    def __init__(self, dimensions: int, about: Mapping[str, str] | None = None):
        if dimensions < 1:
            raise ReIDError(f"`dimensions` must be at least 1. Received: {dimensions}.")
        self._store: Memory | Folder = Memory(int(dimensions))
        self._store.about = dict(about or {})

    @classmethod
    def load(cls, folder: str | os.PathLike) -> Gallery:
        """The gallery in a folder.

        Raises:
            ReIDError: the folder holds none, or it is damaged.
        """
        gallery = cls.__new__(cls)
        gallery._store = Folder(Path(folder).expanduser())
        return gallery

    def save(self, folder: str | os.PathLike | None = None) -> None:
        """Write the gallery to a folder, without what was removed, and live there from now on.

        Another gallery that is there is replaced, all at once; what other processes have added to this one is kept.

        Args:
            folder: where. Defaults to None: where it lives; its removed crops then free their place on the disk.

        Raises:
            ReIDError: there is something else, or a gallery in memory got no folder.
        """
        if folder is None:
            if isinstance(self._store, Memory):
                raise ReIDError("A gallery in memory needs a folder to be saved to: save(folder).")
            folder = self._store.folder
        path = Path(folder).expanduser()
        write_folder(path, self._store)
        self._store = Folder(path)

    @property
    def dimensions(self) -> int:
        """Of the embeddings."""
        return self._store.dimensions

    @property
    def about(self) -> dict[str, str]:
        """What was noted of the gallery."""
        return dict(self._store.about)

    def __len__(self) -> int:
        self._store.refresh()
        return int(np.count_nonzero(alive(self._store)))

    def refresh(self) -> None:
        """Look for what other processes have added or removed. `len`, `search` and changes do so, too."""
        self._store.refresh()

    def add(
        self,
        vectors: ArrayLike,
        cameras: ArrayLike | None = None,
        times: ArrayLike | None = None,
        paths: Sequence[str] | None = None,
    ) -> np.ndarray:
        """Add crops.

        Args:
            vectors: (N, D) embeddings of length 1.
            cameras: (N,) integers. Defaults to None: unknown, −1.
            times: (N,) seconds since whenever you count from. Defaults to None: unknown, NaN.
            paths: N texts, such as the files of the crops. Defaults to None: empty.

        Returns:
            Their ids, (N,) int64, ascending, which no other crop of this gallery ever gets.

        Raises:
            ReIDError: NaN, vectors of another length or other dimensions, or not one camera, time or path each.
        """
        return self._store.append(checked_entries(self.dimensions, vectors, cameras, times, paths))

    def remove(self, ids: ArrayLike) -> int:
        """Forget crops, and return how many. Ids that are not, or no longer, in the gallery are passed over.

        In a folder their vectors are found no more, but leave the disk when `save` next writes it.

        Raises:
            ReIDError: ids that are no whole numbers.
        """
        return self._store.remove(checked_ids(ids))

    def search(
        self,
        query: ArrayLike,
        k: int = 10,
        *,
        cameras: Sequence[int] | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> Found:
        """The k most similar crops of each query; exact, of equals the one that was added first.

        Args:
            query: (Q, D) embeddings of length 1.
            k: how many. Defaults to 10.
            cameras: only crops of these. Defaults to None: of all.
            since, until: only crops of times from the one and before the other. Default to None: of all times.

        Raises:
            ReIDError: NaN, vectors of another length or other dimensions, or k below 1.
        """
        if k < 1:
            raise ReIDError(f"`k`, the number of crops to find, must be at least 1. Received: {k}.")
        self._store.refresh()
        asked = checked_vectors("query", query, self.dimensions)
        vectors = self._store.column("vectors")
        rows = np.flatnonzero(self.chosen(cameras, since, until))
        found = nearest.Nearest(len(asked), k)
        block = min(len(asked), 1024)
        width = max(1, min(nearest.TILE // block, 65_536))
        buffer = np.empty(block * width, np.float32)
        for start in range(0, len(rows), width):
            part = rows[start : start + width]
            whole = part[-1] - part[0] == len(part) - 1  # then nothing needs to be gathered
            product = product_with(vectors[part[0] : part[-1] + 1] if whole else vectors[part])
            for first in range(0, len(asked), block):
                some = asked[first : first + block]
                tile = buffer[: len(some) * len(part)].reshape(len(some), len(part))
                found.offer(first, product(some, tile), part)
        ids = np.append(self._store.column("ids"), -1)[found.indices]  # −1 finds the last
        return Found(ids, found.similarities)

    def entries(self, ids: ArrayLike) -> list[Entry]:
        """What the gallery knows of these crops; of all that the last search found, whatever others do meanwhile.

        Raises:
            ReIDError: one was never there, or was written out of the folder; or ids that are no whole numbers.
        """
        wanted = checked_ids(ids)
        if not np.isin(wanted, self._store.column("ids")).all():
            self._store.refresh()
            if len(unknown := np.setdiff1d(wanted, self._store.column("ids"))):
                raise ReIDError(f"The gallery has no crop {unknown[0]}.")
        rows = np.searchsorted(self._store.column("ids"), wanted)
        camera, time = self._store.column("cameras")[rows], self._store.column("times")[rows]
        columns = wanted.tolist(), camera.tolist(), time.tolist(), self._store.paths(rows)
        return [Entry(*values) for values in zip(*columns, strict=True)]

    def chosen(
        self, cameras: Sequence[int] | None = None, since: float | None = None, until: float | None = None
    ) -> np.ndarray:
        """Boolean, one a row of `vectors`: crops that are still there and that the filters let through."""
        kept = allowed(self._store.column("cameras"), self._store.column("times"), cameras, since, until)
        there = alive(self._store)
        return there if kept is None else kept & there

    @property
    def ids(self) -> np.ndarray:
        """(N,) int64: the ids of the rows of `vectors`."""
        return self._store.column("ids")

    @property
    def vectors(self) -> np.ndarray:
        """(N, D) float32, read-only where it is a file: all rows, the removed ones too, see `chosen`."""
        return self._store.column("vectors")

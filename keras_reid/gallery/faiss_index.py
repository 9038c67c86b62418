"""Approximate search by FAISS' inverted lists and product quantisation, with what it costs in recall.

H. Jégou, M. Douze, C. Schmid: Product quantization for nearest neighbor search. PAMI 2011. Needs `faiss-cpu`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.errors import ReIDError, of_extra
from keras_reid.files import atomically
from keras_reid.gallery.entries import Found, checked_vectors
from keras_reid.gallery.gallery import Gallery

_BLOCK = 65_536  # vectors added at once
_FOR_TRAINING = 64  # vectors a list that k-means sees


class Recall(NamedTuple):
    """What approximate search finds and takes, beside exact search.

    Attributes:
        recall: share of the exact first k that are among the approximate first k.
        seconds: of the approximate search.
        exact_seconds: of the exact one.
    """

    recall: float
    seconds: float
    exact_seconds: float


class FaissIndex:
    """An index of a gallery's crops for large galleries and small machines.

    The vectors are assigned to lists, of which a search looks into `probes`; with `code_bytes` it compares codes of so
    many bytes in place of the vectors. The best candidates are then compared exactly, by the gallery's own vectors, so
    that similarities are exact and only neighbours can be missed.

    Args:
        gallery: what is searched. `update` takes in the crops that are added later; those that are removed are not
            found from then on.
        lists: how many. Defaults to None: four times the square root of the gallery's size, or one for 32 crops if that
            is fewer.
        code_bytes: bytes a vector, a divisor of the dimensions; None keeps whole vectors. Defaults to 64.
        seed: of k-means. Defaults to 0.

    Raises:
        ReIDError: an empty gallery, fewer crops than lists, or `code_bytes` that do not divide the dimensions.
    """

    def __init__(self, gallery: Gallery, lists: int | None = None, code_bytes: int | None = 64, seed: int = 0):
        with of_extra("faiss"):
            import faiss

        gallery.refresh()
        rows = np.flatnonzero(gallery.chosen())
        # Eight bits a code: k-means of 256 centres.
        least = max(256 if code_bytes else 1, lists or 1)
        if len(rows) < least:
            raise ReIDError(f"The index needs a gallery of at least {least} crops. Received: {len(rows)}.")
        if code_bytes is not None and (code_bytes < 1 or gallery.dimensions % code_bytes):
            raise ReIDError(
                f"`code_bytes` must divide the {gallery.dimensions} dimensions of the gallery. Received: {code_bytes}."
            )
        lists = lists or max(1, min(len(rows) // 32, round(4 * len(rows) ** 0.5)))
        kind = f"IVF{lists}," + ("Flat" if code_bytes is None else f"PQ{code_bytes}")
        self.gallery = gallery
        self._index = faiss.index_factory(gallery.dimensions, kind, faiss.METRIC_INNER_PRODUCT)
        self._index.cp.seed = seed
        if code_bytes is not None:
            # It orders the codes for a Hamming distance that is not used here, and takes minutes.
            self._index.do_polysemous_training = False
        sample = np.random.default_rng(seed).permutation(rows)[: max(_FOR_TRAINING * lists, 10_000)]
        self._index.train(np.ascontiguousarray(gallery.vectors[np.sort(sample)]))
        self._last = -1  # the highest id that was taken in
        self.update()

    def update(self) -> None:
        """Take in the crops that were added to the gallery since, and drop those that were removed."""
        import faiss

        self.gallery.refresh()
        vectors, ids = self.gallery.vectors, self.gallery.ids
        chosen = self.gallery.chosen()
        there = ids[chosen]
        if self._index.ntotal > np.searchsorted(there, self._last, side="right"):
            self._index.remove_ids(faiss.IDSelectorNot(_selector(there)))
        new = np.flatnonzero(chosen & (ids > self._last))
        for start in range(0, len(new), _BLOCK):
            part = new[start : start + _BLOCK]
            self._index.add_with_ids(np.ascontiguousarray(vectors[part]), np.ascontiguousarray(ids[part]))
        self._last = max(self._last, int(ids[-1]) if len(ids) else -1)

    def search(
        self,
        query: ArrayLike,
        k: int = 10,
        *,
        probes: int = 16,
        candidates: int = 10,
        cameras: Sequence[int] | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> Found:
        """As `Gallery.search`, but a neighbour may be missed.

        Args:
            query, k, cameras, since, until: as for `Gallery.search`.
            probes: lists to look into. Defaults to 16.
            candidates: of which `k` times so many are compared exactly. Defaults to 10.

        Raises:
            ReIDError: as `Gallery.search`, or `probes` or `candidates` below 1.
        """
        import faiss

        asked = checked_vectors("query", query, self.gallery.dimensions)
        if k < 1:
            raise ReIDError(f"`k`, the number of crops to find, must be at least 1. Received: {k}.")
        for name, number in (("probes", probes), ("candidates", candidates)):
            if number < 1:
                raise ReIDError(f"`{name}` must be at least 1. Received: {number}.")
        self.gallery.refresh()
        ids = self.gallery.ids
        chosen = self.gallery.chosen(cameras, since, until)
        options: dict[str, Any] = {"nprobe": probes}
        if not chosen.all():
            options["sel"] = _selector(ids[chosen])
        _, near = self._index.search(asked, k * candidates, params=faiss.SearchParametersIVF(**options))
        rows = np.minimum(np.searchsorted(ids, near), max(0, len(ids) - 1))
        found = np.full((len(asked), k), -1, np.int64)
        similarities = np.full((len(asked), k), -np.inf, np.float32)
        for number, (vector, row, candidate) in enumerate(zip(asked, rows, near, strict=True)):
            # Not what has left the gallery since `update`: −1, which FAISS gives for none, is no id either.
            kept = ids[row] == candidate if len(ids) else np.zeros(len(row), bool)
            exact = self.gallery.vectors[row[kept]] @ vector
            best = np.lexsort((candidate[kept], -exact))[:k]
            found[number, : len(best)], similarities[number, : len(best)] = candidate[kept][best], exact[best]
        return Found(found, similarities)

    def recall(self, query: ArrayLike, k: int = 10, *, probes: int = 16, candidates: int = 10) -> Recall:
        """Search approximately and exactly, and compare."""
        start = time.perf_counter()
        near = self.search(query, k, probes=probes, candidates=candidates).ids
        middle = time.perf_counter()
        exact = self.gallery.search(query, k).ids
        end = time.perf_counter()
        common = [len(np.intersect1d(a, b[b >= 0])) for a, b in zip(near, exact, strict=True)]
        return Recall(sum(common) / max(1, int(np.count_nonzero(exact >= 0))), middle - start, end - middle)

    def save(self, path: str | os.PathLike) -> None:
        """Write the index to a file: of the vectors their codes, or with `code_bytes=None` themselves."""
        import faiss

        with atomically(Path(path).expanduser()) as new:
            faiss.write_index(self._index, str(new))

    @classmethod
    def load(cls, path: str | os.PathLike, gallery: Gallery) -> FaissIndex:
        """The index in a file, of the gallery that it was made of, brought up to date with it.

        Raises:
            ReIDError: the file is missing or no such index, or of another gallery.
        """
        with of_extra("faiss"):
            import faiss

        file = Path(path).expanduser()
        if not file.is_file():
            raise ReIDError(f"'{file}' does not exist: make an index with FaissIndex(gallery).save(path).")
        try:
            index = faiss.read_index(str(file))
            faiss.extract_index_ivf(index)
        except RuntimeError as error:
            raise ReIDError(f"'{file}' is no index of FAISS, or damaged ({str(error).splitlines()[0]}).") from error
        if index.d != gallery.dimensions:
            raise ReIDError(f"'{file}' is of a gallery of {index.d} dimensions. Received: {gallery.dimensions}.")
        self = cls.__new__(cls)
        self.gallery, self._index = gallery, index
        self._last = _highest_id(index)
        if not self._finds_its_own():
            raise ReIDError(f"'{file}' is of another gallery: make this one's with FaissIndex(gallery).save(path).")
        self.update()
        return self

    def _finds_its_own(self) -> bool:
        """Whether most of some crops that both have, by their ids, are among those that the index finds most alike."""
        rows = np.flatnonzero(self.gallery.chosen() & (self.gallery.ids <= self._last))
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), 32)).astype(int)]
        _, near = self._index.search(self.gallery.vectors[rows], 100)
        found = (near == self.gallery.ids[rows, None]).any(axis=1)
        return bool(2 * np.count_nonzero(found) >= len(found))


def _selector(ids: np.ndarray):
    """Selects these ids; by a bit for each number up to the highest, where `IDSelectorBatch` hashes them one by one."""
    import faiss

    members = np.zeros(int(ids.max(initial=-1)) + 1, bool)
    members[ids] = True
    return faiss.IDSelectorBitmap(np.packbits(members, bitorder="little"))


def _highest_id(index) -> int:
    import faiss

    lists = faiss.extract_index_ivf(index).invlists
    sizes = [lists.list_size(number) for number in range(lists.nlist)]
    return max(
        (int(faiss.rev_swig_ptr(lists.get_ids(number), size).max()) for number, size in enumerate(sizes) if size),
        default=-1,
    )

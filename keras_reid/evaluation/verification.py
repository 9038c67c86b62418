"""Are these two the same person? ROC, true-match rate at a false-match rate, and the threshold that goes with it.

Exact: of the pairs of different people, which are millions, the most similar ones are kept, down to the highest
false-match rate that is asked for.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.errors import ReIDError
from keras_reid.evaluation.arrays import checked_retrieval, pairs_of_one_identity
from keras_reid.evaluation.nearest import similarity_tiles


class MatchThreshold(NamedTuple):
    """From which similarity on two pictures are called the same person, and how often that is wrong and right.

    Attributes:
        similarity: the lowest of a match.
        false_match_rate: share of the pairs of different people that reach it.
        true_match_rate: share of the pairs of one person that reach it.
    """

    similarity: float
    false_match_rate: float
    true_match_rate: float


class PairSimilarities(NamedTuple):
    """Similarities of pictures of two cameras.

    Attributes:
        same: (n,) float32, all pairs of one person, falling.
        different: (m,) float32, the most similar pairs of different people, falling.
        different_pairs: how many pairs of different people there are.
    """

    same: np.ndarray
    different: np.ndarray
    different_pairs: int

    def threshold(self, false_match_rate: float = 1e-3) -> MatchThreshold:
        """The lowest threshold at which at most this share of the pairs of different people passes.

        Raises:
            ReIDError: there are too few pairs to tell such a rate, or more are needed than were kept.
        """
        allowed = math.floor(self.different_pairs * false_match_rate)
        if allowed < 1:
            raise ReIDError(
                f"A false-match rate of {false_match_rate:g} needs {math.ceil(1 / false_match_rate):,} pairs of "
                f"different people in two cameras. Received: {self.different_pairs:,}."
            )
        if allowed >= len(self.different):
            raise ReIDError(
                f"Only the {len(self.different):,} most similar of {self.different_pairs:,} pairs of different people "
                f"were kept: give compare_pairs a `highest_rate` of {false_match_rate:g} or more."
            )
        return self.rates_at(float(np.nextafter(self.different[allowed], np.float32(np.inf))))

    def rates_at(self, similarity: float) -> MatchThreshold:
        """The rates at a threshold of one's own, chosen on other people for example.

        Raises:
            ReIDError: more pairs of different people reach it than were kept.
        """
        wrong, right = (np.searchsorted(-values, -similarity, side="right") for values in (self.different, self.same))
        if wrong == len(self.different) < self.different_pairs:
            raise ReIDError(
                f"At a threshold of {similarity:g} more than {len(self.different):,} of {self.different_pairs:,} pairs "
                "of different people pass, and only these were kept: give compare_pairs a higher `highest_rate`."
            )
        return MatchThreshold(float(similarity), float(wrong / self.different_pairs), float(right / len(self.same)))

    def roc(self, points: int = 100) -> tuple[np.ndarray, np.ndarray]:
        """False-match rates, evenly spaced on a logarithmic axis, and the highest true-match rate at each."""
        highest = (len(self.different) - 1) / self.different_pairs
        rates = np.geomspace(1 / self.different_pairs, max(highest, 1 / self.different_pairs), points)
        allowed = np.floor(rates * self.different_pairs + 1e-9).astype(int)
        refused = self.different[np.minimum(allowed, len(self.different) - 1)]
        return rates, np.searchsorted(-self.same, -refused, side="left") / len(self.same)


def compare_pairs(
    query: ArrayLike,
    query_ids: ArrayLike,
    query_cams: ArrayLike,
    gallery: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cams: ArrayLike,
    highest_rate: float = 0.01,
) -> PairSimilarities:
    """Compare every query with every gallery image of another camera.

    Pairs of one camera are left out: they share its background, which a camera network is not asked about. So is
    junk; a distractor is another person than everybody.

    Args:
        query, query_ids, query_cams, gallery, gallery_ids, gallery_cams: as for `evaluate`.
        highest_rate: the highest false-match rate that will be asked for, above 0 and at most 1. Memory is some 12
            bytes for this share of the pairs. Defaults to 0.01.

    Raises:
        ReIDError: as `evaluate`, no pairs of one or of different people, or another `highest_rate`.
    """
    if not 0 < highest_rate <= 1:
        raise ReIDError(f"`highest_rate` must be above 0 and at most 1. Received: {highest_rate!r}.")
    asked, searched = checked_retrieval(query, query_ids, query_cams, gallery, gallery_ids, gallery_cams)
    of_query, of_gallery = pairs_of_one_identity(asked.identities, searched.identities)
    crossing = asked.cameras[of_query] != searched.cameras[of_gallery]
    pairs = _crossing_pairs(asked.cameras, searched.cameras)
    different_pairs = pairs - np.count_nonzero(crossing)
    if not crossing.any() or not different_pairs:
        who = "different people" if crossing.any() else "one person"
        raise ReIDError(
            f"There are no pairs of {who} in two cameras: check identities and cameras of query and gallery."
        )
    highest = _Highest(math.floor(different_pairs * highest_rate) + 1)
    same = np.empty(np.count_nonzero(crossing), np.float32)
    kept = 0
    for first, columns, tile in similarity_tiles(asked.embeddings, searched.embeddings):
        rows = slice(*np.searchsorted(of_query, [first, first + len(tile)]))
        inside = (of_gallery[rows] >= columns.start) & (of_gallery[rows] < columns.stop)
        row, column = of_query[rows][inside] - first, of_gallery[rows][inside] - columns.start
        found = tile[row, column][crossing[rows][inside]]
        same[kept : kept + len(found)] = found
        kept += len(found)
        tile[row, column] = -np.inf
        tile[asked.cameras[first : first + len(tile), None] == searched.cameras[columns]] = -np.inf
        highest.offer(tile)
    return PairSimilarities(-np.sort(-same), highest.falling(), int(different_pairs))


def compare_pairs_within(
    images: ArrayLike, identities: ArrayLike, cameras: ArrayLike, highest_rate: float = 0.01
) -> PairSimilarities:
    """Compare every image with every other one of another camera, each pair once.

    For people who are no query and no gallery, such as a training set that the network has not seen.

    Args:
        images, identities, cameras: as the query of `compare_pairs`.
        highest_rate: as for `compare_pairs`.

    Raises:
        ReIDError: as `compare_pairs`.
    """
    found = compare_pairs(images, identities, cameras, images, identities, cameras, highest_rate)
    # Each pair was met from both of its ends, so in falling order it stands twice.
    return PairSimilarities(found.same[::2], found.different[::2], found.different_pairs // 2)


class _Highest:
    """The highest of all numbers that are offered."""

    def __init__(self, count: int):
        self.count = count
        self.parts: list[np.ndarray] = []
        self.floor = np.finfo(np.float32).min

    def offer(self, numbers: np.ndarray) -> None:
        self.parts.append(numbers[numbers >= self.floor])
        if sum(map(len, self.parts)) > 2 * self.count:
            self._cut()

    def _cut(self) -> None:
        found = np.concatenate(self.parts)
        if len(found) > self.count:
            found = np.partition(found, -self.count)[-self.count :]
            self.floor = found[0]
        self.parts = [found]

    def falling(self) -> np.ndarray:
        self._cut()
        return -np.sort(-self.parts[0])


def _crossing_pairs(query_cams: np.ndarray, gallery_cams: np.ndarray) -> int:
    """How many pairs of a query and a gallery image are of two cameras."""
    cameras, counts = np.unique(gallery_cams, return_counts=True)
    at = np.minimum(np.searchsorted(cameras, query_cams), len(cameras) - 1)
    own = np.where(cameras[at] == query_cams, counts[at], 0)
    return len(query_cams) * len(gallery_cams) - int(own.sum())

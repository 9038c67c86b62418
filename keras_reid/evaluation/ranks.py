"""The ranks of the true matches of each query, from which all figures of a ranking follow.

Zheng et al., "Scalable Person Re-identification: A Benchmark", 2015 (the camera rule, CMC and mAP); Ye et al., "Deep
Learning for Person Re-identification: A Survey and Outlook", 2021 (mINP).
"""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.data.table import JUNK
from keras_reid.errors import ReIDError
from keras_reid.evaluation.arrays import checked_retrieval, spans_of_identities
from keras_reid.evaluation.blocks import similarity_blocks
from keras_reid.evaluation.products import in_threads
from keras_reid.evaluation.reranking import reranked_blocks


class QueryRanks(NamedTuple):
    """Figures of the queries that have a match, (n,) each.

    Attributes:
        queries: rows of the query, int64, ascending.
        first: the rank, from 1, of each query's first match, int64.
        precision: average precision: the mean, over the matches, of the precision at their ranks.
        penalty: inverse negative penalty: the number of matches divided by the rank of the last.
    """

    queries: np.ndarray
    first: np.ndarray
    precision: np.ndarray
    penalty: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, figures: np.ndarray) -> "QueryRanks":
        """From `query_figures` of the queries `rows`, (n, 3), with zeros for a query without a match.

        Raises:
            ReIDError: none has a match. Some without one are a warning.
        """
        matched = figures[:, 0] > 0
        _check_matched(matched)
        best, precision, penalty = figures[matched].T
        return cls(rows[matched], best.astype(np.int64), precision, penalty)

    def cmc(self, ranks: int = 50) -> np.ndarray:
        """(ranks,) float64: the share of queries with a match among the first 1, 2, …, `ranks`."""
        counts = np.bincount(np.minimum(self.first, ranks + 1), minlength=ranks + 2)
        return np.cumsum(counts)[1:-1] / len(self.first)

    def figures(self) -> dict[str, float]:
        """The figures of `evaluate`: "rank1", "rank5", "rank10", "mAP" and "mINP", each between 0 and 1."""
        cmc = self.cmc(10)
        ranks = {f"rank{k}": float(cmc[k - 1]) for k in (1, 5, 10)}
        return {**ranks, "mAP": float(self.precision.mean()), "mINP": float(self.penalty.mean())}


def query_ranks(
    query: ArrayLike,
    query_ids: ArrayLike,
    query_cams: ArrayLike,
    gallery: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cams: ArrayLike,
    rerank: bool = False,
) -> QueryRanks:
    """Search each query in the gallery and rank its true matches; arguments and rules as for `evaluate`.

    Queries without a match, and junk, are left out of the result, the former with a warning that counts them.

    Raises:
        ReIDError: as `evaluate`.
    """
    junk = np.asarray(query_ids) == JUNK
    asked, searched = checked_retrieval(query, query_ids, query_cams, gallery, gallery_ids, gallery_cams)
    rows = np.flatnonzero(~junk)
    order, first, last = spans_of_identities(asked.identities, searched.identities)

    figures = np.zeros((len(rows), 3))  # rank of the first match, or 0; average precision; inverse negative penalty
    blocks = reranked_blocks if rerank else similarity_blocks
    for start, block in blocks(asked.embeddings, searched.embeddings):

        def rank(part: slice, start: int = start, block: np.ndarray = block) -> None:
            for number, similarity in enumerate(block[part], start + part.start):
                own = order[first[number] : last[number]]
                matches = similarity[own[searched.cameras[own] != asked.cameras[number]]]
                if len(matches):
                    similarity[own] = -np.inf
                    figures[number] = query_figures(ranks_of_matches(matches, similarity))

        in_threads(rank, len(block))
    return QueryRanks.of(rows, figures)


def _check_matched(matched: np.ndarray) -> None:
    unmatched = len(matched) - np.count_nonzero(matched)
    if unmatched == len(matched):
        raise ReIDError(
            f"None of the {unmatched} queries has a match: a gallery image of the same identity from another camera. "
            "Check that query and gallery number people alike, and that the cameras differ."
        )
    if unmatched:
        warnings.warn(
            f"{unmatched} of {len(matched)} queries have no match, a gallery image of the same identity from "
            "another camera; they are left out of the figures. If they should have one, check identities and cameras.",
            stacklevel=5,
        )


def query_figures(ranks: np.ndarray) -> tuple[float, float, float]:
    """Of a query whose matches have these ranks: the first, average precision, inverse negative penalty."""
    hits = np.arange(1, len(ranks) + 1)
    return float(ranks[0]), float(np.mean(hits / ranks)), float(len(ranks) / ranks[-1])


def ranks_of_matches(matches: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Ranks from 1, ascending, of the similarities `matches` among themselves and `others`, who win ties."""
    rising = np.sort(matches)
    ahead = others >= rising[0]
    if 200 * np.count_nonzero(ahead) < len(rising) * len(others):
        # Each of them stands before all matches that it is at least as similar as.
        places = np.searchsorted(rising, others[ahead], side="right")
        counts = np.cumsum(np.bincount(places, minlength=len(rising) + 1)[::-1])[:-1]
    else:  # measured: comparing everybody with one match takes a 200th of sorting everybody in
        counts = np.array([np.count_nonzero(others >= match) for match in rising[::-1]])
    return counts + np.arange(1, len(rising) + 1)

"""The figures of a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_reid.data import ReIDData
from keras_reid.errors import ReIDError
from keras_reid.evaluation import CameraPair, MatchThreshold, Survey, compare_pairs, searchable, survey

FALSE_MATCH_RATES = (1e-4, 1e-3, 1e-2)


@dataclass(frozen=True)
class Asked:
    """A query and what was found for it.

    Attributes:
        path: of the query.
        first_match: the rank of its first match.
        average_precision: of its ranking.
        found: path, distance and whether it is a match, of the gallery's first images.
    """

    path: str
    first_match: int
    average_precision: float
    found: list[tuple[str, float, bool]]


@dataclass(frozen=True)
class Measured:
    """What a report shows.

    Attributes:
        title: of the report.
        counts: "queries" and "gallery" images.
        figures: as `evaluate` returns them.
        cmc: (50,) the share of queries with a match among the first 1, 2, … images.
        roc: false-match rates and the true-match rate at each, see `PairSimilarities.roc`.
        thresholds: at those of `FALSE_MATCH_RATES` that there are enough pairs for.
        worst: the queries with the lowest average precision, the lowest first.
        pairs: camera pairs, the one with the lowest mean average precision first.
        distance_name: what the distances are.
    """

    title: str
    counts: dict[str, int]
    figures: dict[str, float]
    cmc: np.ndarray
    roc: tuple[np.ndarray, np.ndarray]
    thresholds: dict[float, MatchThreshold]
    worst: list[Asked]
    pairs: list[CameraPair]
    distance_name: str


def measure(
    data: ReIDData,
    embed: Callable[[np.ndarray], np.ndarray],
    title: str,
    rerank: bool = False,
    protocol: str | None = None,
    worst: int = 8,
    shown: int = 8,
) -> Measured:
    """Measure what a report shows.

    Args:
        data: with query and gallery.
        embed: a function from paths (N,) to embeddings (N, D) of length 1.
        title: of the report.
        rerank: whether to rank by k-reciprocal encoding. Thresholds and ROC are of the similarities nevertheless.
        protocol: see `keras_reid.evaluation.searchable`. Defaults to None: the data set's own.
        worst: queries to show. Defaults to 8.
        shown: gallery images to show of each. Defaults to 8.

    Raises:
        ReIDError: as `searchable` and `evaluate`; or the protocol is "single_shot", which has no one ranking a query.
    """
    protocol = protocol or data.protocol
    if protocol == "single_shot":
        raise ReIDError("A report shows rankings, of which the protocol 'single_shot' draws many: measure without one.")
    found = searchable(data, embed, protocol)
    surveyed = survey(*found, rerank=rerank, k=shown)
    similar = compare_pairs(*found, highest_rate=max(FALSE_MATCH_RATES))
    enough = [rate for rate in FALSE_MATCH_RATES if similar.different_pairs * rate >= 1]
    query_paths, gallery_paths = (_paths(split, protocol) for split in (data.query, data.gallery))
    order = np.argsort(surveyed.ranks.precision, kind="stable")[:worst]
    return Measured(
        title=title,
        counts={"queries": len(found.query), "gallery": len(found.gallery)},
        figures=surveyed.ranks.figures(),
        cmc=surveyed.ranks.cmc(),
        roc=similar.roc(),
        thresholds={rate: similar.threshold(rate) for rate in enough},
        worst=[_asked(surveyed, place, found, query_paths, gallery_paths, 0 if rerank else 1) for place in order],
        pairs=sorted(surveyed.pairs, key=lambda pair: pair.mean_average_precision),
        distance_name="re-ranked distance" if rerank else "cosine distance",
    )


def _paths(split, protocol: str) -> np.ndarray:
    if protocol != "tracklets":
        return split.paths
    return split.paths[np.unique(split.tracklets, return_index=True)[1]]  # a tracklet's first picture stands for it


def _asked(surveyed: Survey, place: int, found, query_paths, gallery_paths, nearest: int) -> Asked:
    row = surveyed.ranks.queries[place]
    indices, similarities = surveyed.first.indices[row], surveyed.first.similarities[row]
    kept = indices >= 0
    hits = found.gallery_ids[indices[kept]] == found.query_ids[row]
    paths = gallery_paths[indices[kept]]
    return Asked(
        str(query_paths[row]),
        int(surveyed.ranks.first[place]),
        float(surveyed.ranks.precision[place]),
        list(zip(paths.tolist(), (nearest - similarities[kept]).tolist(), hits.tolist(), strict=True)),
    )

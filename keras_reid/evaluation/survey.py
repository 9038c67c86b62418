"""Everything that a report says of a ranking, in one pass: every query's ranks and first matches, and camera pairs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.data.table import JUNK
from keras_reid.errors import ReIDError
from keras_reid.evaluation.arrays import checked_retrieval, spans_of_identities
from keras_reid.evaluation.blocks import similarity_blocks
from keras_reid.evaluation.nearest import Nearest
from keras_reid.evaluation.ranks import QueryRanks, query_figures, ranks_of_matches
from keras_reid.evaluation.reranking import reranked_blocks
from keras_reid.evaluation.search import TopMatches


class CameraPair(NamedTuple):
    """Queries of one camera, searched among the gallery images of another.

    Attributes:
        query_camera, gallery_camera: their numbers.
        queries: how many have a match there.
        rank1: the share of them whose first image there is a match.
        mean_average_precision: among the images there.
    """

    query_camera: int
    gallery_camera: int
    queries: int
    rank1: float
    mean_average_precision: float


class Survey(NamedTuple):
    """What `survey` returns.

    Attributes:
        ranks: as `query_ranks`.
        first: the first gallery rows of every query, (Q, k), by the camera rule; junk queries have none. Similarities
            are the negatives of re-ranked distances where it was re-ranked.
        pairs: every two cameras between which there are matches, by their numbers.
    """

    ranks: QueryRanks
    first: TopMatches
    pairs: list[CameraPair]


def survey(
    query: ArrayLike,
    query_ids: ArrayLike,
    query_cams: ArrayLike,
    gallery: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cams: ArrayLike,
    rerank: bool = False,
    k: int = 10,
) -> Survey:
    """Search each query in the gallery, and keep what a report shows; arguments and rules as for `evaluate`.

    Args:
        query, query_ids, query_cams, gallery, gallery_ids, gallery_cams, rerank: as for `evaluate`.
        k: first matches to keep of each query. Defaults to 10.

    Raises:
        ReIDError: as `evaluate`, or k below 1.
    """
    if k < 1:
        raise ReIDError(f"`k`, the number of matches to keep a query, must be at least 1. Received: {k}.")
    rows, places = (np.flatnonzero(np.asarray(ids) != JUNK) for ids in (query_ids, gallery_ids))
    count = len(np.asarray(query_ids))
    asked, searched = checked_retrieval(query, query_ids, query_cams, gallery, gallery_ids, gallery_cams)
    order, first, last = spans_of_identities(asked.identities, searched.identities)
    of_camera = {int(camera): np.flatnonzero(searched.cameras == camera) for camera in np.unique(searched.cameras)}
    nearest = Nearest(len(rows), min(k, len(places)))
    figures = np.zeros((len(rows), 3))
    pairs: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for start, block in (reranked_blocks if rerank else similarity_blocks)(asked.embeddings, searched.embeddings):
        for number, similarity in enumerate(block, start):
            own = order[first[number] : last[number]]
            similarity[own[searched.cameras[own] == asked.cameras[number]]] = -np.inf
        nearest.offer(start, block, places)
        for number, similarity in enumerate(block, start):
            own = order[first[number] : last[number]]
            matches = own[~np.isneginf(similarity[own])]
            if not len(matches):
                continue
            values = similarity[matches]
            similarity[matches] = -np.inf
            figures[number] = query_figures(ranks_of_matches(values, similarity))
            for camera in np.unique(searched.cameras[matches]).tolist():
                there = values[searched.cameras[matches] == camera]
                best, precision, _ = query_figures(ranks_of_matches(there, similarity[of_camera[camera]]))
                pairs.setdefault((int(asked.cameras[number]), camera), []).append((float(best == 1), precision))
    shape = count, nearest.indices.shape[1]
    found = TopMatches(np.full(shape, -1), np.full(shape, -np.inf, np.float32))
    found.indices[rows], found.similarities[rows] = nearest.indices, nearest.similarities
    table = [CameraPair(*key, len(hits), *np.mean(hits, axis=0).tolist()) for key, hits in sorted(pairs.items())]
    return Survey(QueryRanks.of(rows, figures), found, table)

"""The k gallery images most similar to each query."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.data.table import JUNK
from keras_reid.errors import ReIDError
from keras_reid.evaluation.arrays import check_same_dimensions, checked_embeddings, labelled, pairs_of_one_identity
from keras_reid.evaluation.nearest import Nearest, similarity_tiles


class TopMatches(NamedTuple):
    """Gallery rows (Q, k) int64 and their similarities (Q, k) float32, best first; −1 and −inf where none is left."""

    indices: np.ndarray
    similarities: np.ndarray


def top_matches(
    query: ArrayLike,
    gallery: ArrayLike,
    k: int = 10,
    *,
    query_ids: ArrayLike | None = None,
    query_cams: ArrayLike | None = None,
    gallery_ids: ArrayLike | None = None,
    gallery_cams: ArrayLike | None = None,
) -> TopMatches:
    """Rank the gallery for each query and keep the first k; exact, a tile of similarities at a time.

    Similarity is the inner product in float32, for rows of length 1 the cosine. Of equally similar images the one that
    stands first in the gallery ranks first.

    Args:
        query: (Q, D) embeddings.
        gallery: (G, D) embeddings of the same network.
        k: images to keep a query, at most G. Defaults to 10.
        query_ids, query_cams, gallery_ids, gallery_cams: identities and cameras, (Q,) and (G,) integers. Where given
            (all four), gallery images of the query's own identity and camera, and junk (identity −1), are left out
            as in `evaluate`. Default to None: every gallery image is ranked.

    Returns:
        Indices and similarities, both (Q, min(k, G)).

    Raises:
        ReIDError: NaN, empty or mismatched arrays, k below 1, or some but not all of the four given.
    """
    if k < 1:
        raise ReIDError(f"`k`, the number of images to keep a query, must be at least 1. Received: {k}.")
    labels = {
        "query_ids": query_ids,
        "query_cams": query_cams,
        "gallery_ids": gallery_ids,
        "gallery_cams": gallery_cams,
    }
    missing = [name for name, values in labels.items() if values is None]
    if 0 < len(missing) < len(labels):
        raise ReIDError(f"The camera rule needs identities and cameras of both sides. Missing: {', '.join(missing)}.")
    if missing:
        asked, searched = checked_embeddings("query", query), checked_embeddings("gallery", gallery)
        left_out = None
    else:
        asked, *asked_labels = labelled("query", query, query_ids, query_cams)
        searched, *searched_labels = labelled("gallery", gallery, gallery_ids, gallery_cams)
        left_out = _LeftOut(*asked_labels, *searched_labels)
    check_same_dimensions(asked, searched)

    nearest = Nearest(len(asked), min(k, len(searched)))
    for first, columns, tile in similarity_tiles(asked, searched):
        if left_out is not None:
            left_out.mark(tile, first, columns)
        nearest.offer(first, tile, np.arange(columns.start, columns.stop))
    return TopMatches(nearest.indices, nearest.similarities)


class _LeftOut:
    """Junk of the gallery, and for each query the gallery images of its own identity and camera."""

    def __init__(self, query_ids, query_cams, gallery_ids, gallery_cams):
        self.junk = gallery_ids == JUNK
        query, image = pairs_of_one_identity(query_ids, gallery_ids)
        same_camera = query_cams[query] == gallery_cams[image]
        self.query, self.image = query[same_camera], image[same_camera]

    def mark(self, tile: np.ndarray, first: int, columns: slice) -> None:
        """Set the similarities −∞ of what is left out of a tile, whose rows are the queries from `first` on."""
        tile[:, self.junk[columns]] = -np.inf
        rows = slice(*np.searchsorted(self.query, [first, first + len(tile)]))
        query, image = self.query[rows] - first, self.image[rows]
        inside = (image >= columns.start) & (image < columns.stop)
        tile[query[inside], image[inside] - columns.start] = -np.inf

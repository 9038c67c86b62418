"""The k gallery images most similar to each query."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.data.table import JUNK
from keras_reid.errors import ReIDError
from keras_reid.evaluation.arrays import check_same_dimensions, checked_embeddings, labelled
from keras_reid.evaluation.blocks import similarity_blocks


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
    """Rank the gallery for each query and keep the first k; exact, in blocks of queries.

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
        left_out = _camera_rule(*asked_labels, *searched_labels)
    check_same_dimensions(asked, searched)

    k = min(k, len(searched))
    indices = np.empty((len(asked), k), np.int64)
    similarities = np.empty((len(asked), k), np.float32)
    for start, block in similarity_blocks(asked, searched):
        for number, similarity in enumerate(block, start):
            if left_out is not None:
                similarity[left_out(number)] = -np.inf
            indices[number] = first_of(similarity, k)
            similarities[number] = similarity[indices[number]]
    indices[np.isneginf(similarities)] = -1
    return TopMatches(indices, similarities)


def first_of(similarity: np.ndarray, k: int) -> np.ndarray:
    """Indices of the k largest of (G,) similarities, best first, ties in the gallery's order; 1 ≤ k ≤ G."""
    threshold = np.partition(similarity, -k)[-k]
    candidates = np.flatnonzero(similarity >= threshold)
    return candidates[np.argsort(-similarity[candidates], kind="stable")[:k]]


def _camera_rule(query_ids, query_cams, gallery_ids, gallery_cams):
    """Function from a query's number to a Boolean (G,): the gallery images that its ranking leaves out."""
    junk = gallery_ids == JUNK
    return lambda number: junk | ((gallery_ids == query_ids[number]) & (gallery_cams == query_cams[number]))

"""What is searched where: the published ways to measure a data set, as arrays for `evaluate`.

- "standard": every query image in the gallery.
- "multi_query": all images of the query's person in the query's camera as one query (Zheng et al., "Scalable Person
  Re-identification: A Benchmark", 2015).
- "tracklets": one embedding a tracklet, in query and gallery (Zheng et al., "MARS", 2016).
- "single_shot": one gallery image a person, drawn repeatedly (Li et al., "DeepReID", 2014); see `single_shot`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.data.table import DISTRACTOR, ReIDData, Split
from keras_reid.errors import ReIDError
from keras_reid.evaluation.arrays import check_same_length, checked_embeddings, checked_retrieval
from keras_reid.evaluation.blocks import similarity_blocks

PROTOCOLS = ("standard", "multi_query", "tracklets", "single_shot")
RANKS = (1, 5, 10, 20)

Embed = Callable[[np.ndarray], np.ndarray]


class Searchable(NamedTuple):
    """The arguments of `evaluate`, in its order."""

    query: np.ndarray
    query_ids: np.ndarray
    query_cams: np.ndarray
    gallery: np.ndarray
    gallery_ids: np.ndarray
    gallery_cams: np.ndarray


def searchable(data: ReIDData, embed: Embed, protocol: str | None = None) -> Searchable:
    """Embed query and gallery of a data set as its protocol wants them.

    Args:
        data: with query and gallery.
        embed: a function from paths (N,) to embeddings (N, D) of length 1.
        protocol: one of `PROTOCOLS`. Defaults to None: the data set's own.

    Raises:
        ReIDError: an unknown protocol, or one that the data set has no images or tracklets for.
    """
    protocol = data.protocol if protocol is None else protocol
    if protocol not in PROTOCOLS:
        raise ReIDError(f"`protocol` must be one of {', '.join(PROTOCOLS)}. Received: {protocol!r}.")
    if protocol == "tracklets":
        return Searchable(*_of_tracklets(data.query, embed), *_of_tracklets(data.gallery, embed))
    query = data.query
    if protocol != "multi_query":
        asked = embed(query.paths)
    elif data.multi_query is None:
        raise ReIDError(f"'{data.root}' has no images for multi-query: of Market-1501 they are in the folder gt_bbox.")
    else:
        _, asked = pooled(embed(data.multi_query.paths), data.multi_query.tracklets)
    gallery = data.gallery
    return Searchable(asked, query.identities, query.cameras, embed(gallery.paths), gallery.identities, gallery.cameras)


def pooled(embeddings: ArrayLike, groups: ArrayLike | None, how: str = "mean") -> tuple[np.ndarray, np.ndarray]:
    """One embedding a group of images: their mean or largest values, at length 1 again.

    Args:
        embeddings: (N, D).
        groups: (N,) integers, such as tracklets.
        how: "mean" or "max". Defaults to "mean".

    Returns:
        The groups (M,), ascending, and their embeddings (M, D) float32.

    Raises:
        ReIDError: NaN, no group for each embedding, another `how`, or embeddings that cancel each other out.
    """
    if how not in ("mean", "max"):
        raise ReIDError(f"`how` must be 'mean' or 'max'. Received: {how!r}.")
    rows = checked_embeddings("images", embeddings)
    numbers = check_same_length("groups of the images", groups, len(rows))
    order = np.argsort(numbers, kind="stable")
    different, first = np.unique(numbers[order], return_index=True)
    reduce = np.add if how == "mean" else np.maximum
    found = reduce.reduceat(rows[order], first, axis=0)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not lengths.all():
        raise ReIDError(f"The embeddings of group {different[np.argmin(lengths)]} cancel each other out.")
    return different, found / lengths


def single_shot(
    query: ArrayLike,
    query_ids: ArrayLike,
    query_cams: ArrayLike,
    gallery: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cams: ArrayLike,
    draws: int = 10,
    seed: int = 0,
) -> dict[str, float]:
    """CMC where the gallery has one image of each person, drawn anew `draws` times; CUHK03's first protocol.

    A draw takes one image of every person at random. Of a query's own person it takes one of another camera than the
    query's. Rules are those of `evaluate`; every distractor is a person of its own and always there.

    Args:
        query, query_ids, query_cams, gallery, gallery_ids, gallery_cams: as for `evaluate`.
        draws: how many galleries are drawn. Defaults to 10.
        seed: decides them. Defaults to 0.

    Returns:
        "rank1", "rank5", "rank10", "rank20": the mean over queries with a match and draws, from 0 to 1.

    Raises:
        ReIDError: as `evaluate`, or `draws` below 1.
    """
    if draws < 1:
        raise ReIDError(f"`draws` must be at least 1. Received: {draws}.")
    asked, searched = checked_retrieval(query, query_ids, query_cams, gallery, gallery_ids, gallery_cams)
    # In each draw the image with the lowest lot of those that count is taken.
    lots = np.random.default_rng(seed).random((draws, len(searched.identities)))
    people = np.where(searched.identities == DISTRACTOR, -1 - np.arange(len(lots[0])), searched.identities)
    taken = np.stack([_first_of_each(people, lot) for lot in lots])
    hits = np.zeros(len(RANKS))
    matched = 0
    for start, block in similarity_blocks(asked.embeddings, searched.embeddings):
        for number, similarity in enumerate(block, start):
            own = np.flatnonzero(people == asked.identities[number])
            own = own[searched.cameras[own] != asked.cameras[number]]
            if not len(own):
                continue
            matched += 1
            others = taken[people[taken] != asked.identities[number]].reshape(draws, -1)
            match = similarity[own[np.argmin(lots[:, own], axis=1)]]
            ranks = 1 + np.sum(similarity[others] >= match[:, None], axis=1)
            hits += [np.mean(ranks <= k) for k in RANKS]
    if not matched:
        raise ReIDError(
            "No query has a match: a gallery image of the same identity from another camera. Check identities and "
            "cameras of query and gallery."
        )
    return {f"rank{k}": float(hit / matched) for k, hit in zip(RANKS, hits, strict=True)}


def _first_of_each(people: np.ndarray, lot: np.ndarray) -> np.ndarray:
    """Of each person the image with the lowest lot."""
    order = np.lexsort((lot, people))
    _, first = np.unique(people[order], return_index=True)
    return order[first]


def _of_tracklets(split: Split, embed: Embed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if split.tracklets is None:
        raise ReIDError(f"The {split.name} has no tracklets: measure it by the protocol 'standard'.")
    _, vectors = pooled(embed(split.paths), split.tracklets)
    _, first = np.unique(split.tracklets, return_index=True)
    return vectors, split.identities[first], split.cameras[first]

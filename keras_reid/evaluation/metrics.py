"""CMC, mAP and mINP, exactly, from the ranks of the true matches alone.

Zheng et al., "Scalable Person Re-identification: A Benchmark", 2015 (the camera rule, CMC and mAP); Ye et al., "Deep
Learning for Person Re-identification: A Survey and Outlook", 2021 (mINP).
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.data.table import DISTRACTOR
from keras_reid.errors import ReIDError
from keras_reid.evaluation.arrays import check_same_dimensions, labelled, without_junk
from keras_reid.evaluation.blocks import similarity_blocks
from keras_reid.evaluation.reranking import reranked_blocks


def evaluate(
    query: ArrayLike,
    query_ids: ArrayLike,
    query_cams: ArrayLike,
    gallery: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cams: ArrayLike,
    rerank: bool = False,
) -> dict[str, float]:
    """Search each query in the gallery and measure where its true matches rank.

    - Similarity is the inner product in float32, for rows of length 1 (as `embed` returns them) the cosine.
    - Gallery images of the query's own identity *and* camera are left out of its ranking. Identity −1 is junk and left
      out everywhere; identity 0 marks distractors of the gallery, which match nobody.
    - Ties: an image that is exactly as similar as a true match, and is none itself, ranks before it. The figures
      thus do not depend on the gallery's order, and a network that gives the same vector to everybody scores worst.
    - Queries without a match are left out of the figures, with a warning that counts them.
    - Average precision is the mean, over the true matches, of the precision at their ranks; the inverse negative
      penalty is the number of matches divided by the rank of the last.
    - Memory beside the arguments stays near 128 MiB, whatever the number of queries; arguments in float32 are not
      copied, unless the gallery holds junk. Re-ranking adds a copy of them and some hundred numbers an image.

    Args:
        query: (Q, D) embeddings.
        query_ids: (Q,) integers.
        query_cams: (Q,) integers.
        gallery: (G, D) embeddings of the same network.
        gallery_ids: (G,) integers.
        gallery_cams: (G,) integers.
        rerank: whether to rank by k-reciprocal encoding (k1 = 20, k2 = 6, λ = 0.3) instead. Defaults to False.

    Returns:
        "rank1", "rank5", "rank10": share of queries with a true match among the first 1, 5, 10; "mAP"; "mINP". All lie
        between 0 and 1.

    Raises:
        ReIDError: NaN, empty or mismatched arrays, a query of identity 0, or no query with a match.
    """
    asked = without_junk(labelled("query", query, query_ids, query_cams))
    searched = without_junk(labelled("gallery", gallery, gallery_ids, gallery_cams))
    check_same_dimensions(asked.embeddings, searched.embeddings)
    for name, table in (("query", asked), ("gallery", searched)):
        if not len(table.embeddings):
            raise ReIDError(f"All images of the {name} are junk (identity -1): give some of known people.")
    if (asked.identities == DISTRACTOR).any():
        raise ReIDError(
            f"Identity 0 is kept for distractors of the gallery, which match nobody; number people from 1. "
            f"Received: {np.sum(asked.identities == DISTRACTOR)} queries of identity 0."
        )

    # Of one identity, the gallery's images are order[first:last].
    order = np.argsort(searched.identities, kind="stable")
    in_order = searched.identities[order]
    first = np.searchsorted(in_order, asked.identities, side="left")
    last = np.searchsorted(in_order, asked.identities, side="right")

    blocks = reranked_blocks if rerank else similarity_blocks
    figures = []  # for each query with a match: rank of the first, average precision, inverse negative penalty
    for start, block in blocks(asked.embeddings, searched.embeddings):
        for number, similarity in enumerate(block, start):
            own = order[first[number] : last[number]]
            matches = similarity[own[searched.cameras[own] != asked.cameras[number]]]
            if not len(matches):
                continue
            similarity[own] = -np.inf
            ranks = _ranks(matches, similarity)
            hits = np.arange(1, len(ranks) + 1)
            figures.append((ranks[0], np.mean(hits / ranks), len(ranks) / ranks[-1]))

    unmatched = len(asked.embeddings) - len(figures)
    if not figures:
        raise ReIDError(
            f"None of the {unmatched} queries has a match: a gallery image of the same identity from another camera. "
            "Check that query and gallery number people alike, and that the cameras differ."
        )
    if unmatched:
        warnings.warn(
            f"{unmatched} of {len(asked.embeddings)} queries have no match, a gallery image of the same identity from "
            "another camera; they are left out of the figures. If they should have one, check identities and cameras.",
            stacklevel=2,
        )
    best, precision, penalty = np.array(figures).T
    cmc = {f"rank{k}": float(np.mean(best <= k)) for k in (1, 5, 10)}
    return {**cmc, "mAP": float(precision.mean()), "mINP": float(penalty.mean())}


def _ranks(matches: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Ranks from 1, ascending, of the similarities `matches` among themselves and `others`, who win ties."""
    falling = -np.sort(-matches)
    ahead = others[others >= falling[-1]]
    # Each of them stands before the first match that it is at least as similar as, and before all further ones.
    places = np.searchsorted(-falling, -ahead, side="left")
    return np.cumsum(np.bincount(places, minlength=len(falling))) + np.arange(1, len(falling) + 1)

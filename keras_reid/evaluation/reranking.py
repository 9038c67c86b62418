"""Re-ranking by k-reciprocal encoding: two images are close when the same images have both among their neighbours.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", 2017, Eq. 2–12. Only neighbour lists and
the non-zero entries of the encodings are kept, never a matrix of all against all.
"""

from collections.abc import Iterator

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.evaluation.blocks import similarity_blocks
from keras_reid.evaluation.search import first_of

# For each image: the images that encode it, ascending, and their weights.
Encoding = list[tuple[np.ndarray, np.ndarray]]


def reranked_blocks(
    query: np.ndarray, gallery: np.ndarray, k1: int = 20, k2: int = 6, original: float = 0.3
) -> Iterator[tuple[int, np.ndarray]]:
    """As `similarity_blocks`, with the negative of the re-ranked distance in place of the similarity.

    Args:
        query: (Q, D) float32 of length 1.
        gallery: (G, D) float32 of length 1.
        k1: neighbours that can be reciprocal. Defaults to 20.
        k2: neighbours whose encodings are averaged (local query expansion, Eq. 11). Defaults to 6.
        original: λ of Eq. 12, the share of the original distance (squared Euclidean, over the largest of its row).
            Defaults to 0.3.

    Raises:
        ReIDError: a row whose length is not 1.
    """
    everything = np.concatenate([query, gallery])
    lengths = np.linalg.norm(everything, axis=1)
    if np.abs(lengths - 1).max() > 1e-3:
        raise ReIDError(
            "Re-ranking needs embeddings of length 1, as `embed` returns them. "
            f"Received: lengths from {lengths.min():.4g} to {lengths.max():.4g}."
        )
    neighbours, farthest = _neighbours(everything, k1 + 1)
    encoding = _expanded(_encoded(everything, neighbours, farthest, k1), neighbours[:, :k2])
    members, weights, starts = _inverted(encoding[len(query) :], len(everything))
    for start, similarity in similarity_blocks(query, gallery):
        for number, row in enumerate(similarity, start):
            shared = np.zeros(len(gallery), np.float32)  # Σ min(V_q, V_g), Eq. 10; each encoding sums to 1
            for column, weight in zip(*encoding[number], strict=True):
                holders = slice(starts[column], starts[column + 1])
                shared[members[holders]] += np.minimum(weights[holders], weight)
            jaccard = 1 - shared / (2 - shared)
            row[:] = -(1 - original) * jaccard - original * _squared_distance(row) / farthest[number]
        yield start, similarity


def _squared_distance(similarity: np.ndarray) -> np.ndarray:
    return np.maximum(2 - 2 * similarity, 0)  # |a − b|² of vectors of length 1


def _neighbours(everything: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest images of each, itself first, (N, min(count, N)), and the squared distance of the farthest, (N,)."""
    count = min(count, len(everything))
    nearest = np.empty((len(everything), count), np.int64)
    farthest = np.empty(len(everything), np.float32)
    for start, block in similarity_blocks(everything, everything):
        for number, similarity in enumerate(block, start):
            farthest[number] = _squared_distance(similarity.min())
            similarity[number] = np.inf  # itself comes first, whatever coincides with it
            nearest[number] = first_of(similarity, count)
    # Where all images coincide every distance is 0, whatever it is divided by.
    return nearest, np.where(farthest > 0, farthest, 1)


def _reciprocal(neighbours: np.ndarray) -> list[np.ndarray]:
    """R(p, k) of Eq. 3: those neighbours of each image that have it among their own."""
    return [near[(neighbours[near] == image).any(axis=1)] for image, near in enumerate(neighbours)]


def _encoded(everything: np.ndarray, neighbours: np.ndarray, farthest: np.ndarray, k1: int) -> Encoding:
    """Eq. 4 and 7: the expanded reciprocal neighbours of each image, weighted by exp(−distance), summing to 1."""
    wide = _reciprocal(neighbours)
    narrow = _reciprocal(neighbours[:, : round(k1 / 2) + 1])
    encoding = []
    for image, reciprocal in enumerate(wide):
        added = [
            narrow[near] for near in reciprocal if 3 * np.isin(narrow[near], reciprocal).sum() > 2 * len(narrow[near])
        ]
        support = np.unique(np.concatenate([reciprocal, *added]))
        distance = _squared_distance(everything[support] @ everything[image]) / farthest[image]
        weights = np.exp(-distance)
        encoding.append((support, weights / weights.sum()))
    return encoding


def _expanded(encoding: Encoding, nearest: np.ndarray) -> Encoding:
    """Eq. 11: each image's encoding becomes the mean over its nearest, itself among them."""
    averaged = []
    for near in nearest:
        support, place = np.unique(np.concatenate([encoding[image][0] for image in near]), return_inverse=True)
        weights = np.concatenate([encoding[image][1] for image in near])
        averaged.append((support, (np.bincount(place, weights) / len(near)).astype(np.float32)))
    return averaged


def _inverted(encoding: Encoding, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Column c of the encodings, seen as a matrix: rows members[starts[c]:starts[c + 1]] and their weights."""
    column = np.concatenate([support for support, _ in encoding])
    members = np.repeat(np.arange(len(encoding)), [len(support) for support, _ in encoding])
    order = np.argsort(column, kind="stable")
    weights = np.concatenate([weights for _, weights in encoding])
    return members[order], weights[order], np.searchsorted(column[order], np.arange(columns + 1))

"""Re-ranking by k-reciprocal encoding: two images are close when the same images have both among their neighbours.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", 2017, Eq. 2–12. Only neighbour lists and
the non-zero entries of the encodings are kept, never a matrix of all against all.
"""

from collections.abc import Iterator

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.evaluation.blocks import similarity_blocks
from keras_reid.evaluation.encoding import Encoding, expanded, gathered, reciprocal_encoding, squared_distance
from keras_reid.evaluation.nearest import neighbours


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
    found = neighbours(everything, min(k1 + 1, len(everything)))
    farthest = squared_distance(found.lowest)
    farthest[farthest == 0] = 1  # where all images coincide every distance is 0, whatever it is divided by
    encoding = reciprocal_encoding(everything, found.indices, farthest, k1)
    if k2 > 1:
        encoding = expanded(encoding, found.indices[:, :k2])
    holders = encoding.inverted(len(query), len(everything))
    for start, similarity in similarity_blocks(query, gallery):
        for number, row in enumerate(similarity, start):
            jaccard = _jaccard(encoding, holders, number, len(gallery))
            row[:] = -(1 - original) * jaccard - (original / farthest[number]) * squared_distance(row)
        yield start, similarity


def _jaccard(encoding: Encoding, holders: Encoding, number: int, count: int) -> np.ndarray:
    """Eq. 10: Jaccard's distance of one query to the `count` gallery images; 1 to those with nobody in common."""
    columns, weights = encoding.row(number)
    entries = gathered(holders.starts, columns)
    smaller = np.minimum(
        holders.weights[entries], np.repeat(weights, holders.starts[columns + 1] - holders.starts[columns])
    )
    shared = np.bincount(holders.columns[entries], smaller, minlength=count)  # Σ min(V_q, V_g)
    close = np.flatnonzero(shared)
    distance = np.ones(count, np.float32)
    both = np.minimum(shared[close], 1)  # each encoding sums to 1, but for rounding
    distance[close] = 1 - both / (2 - both)
    return distance

"""Similarities of query and gallery, a block of queries at a time."""

from collections.abc import Iterator

import numpy as np

from keras_reid.evaluation.products import product_with

_BLOCK = 2**25  # similarities in memory at once: 128 MiB of float32


def similarity_blocks(query: np.ndarray, gallery: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the number of a block's first query and the block's inner products with the gallery, (b, G) float32.

    One buffer serves all blocks: the caller may write into it, and has to be done with it before the next block.
    """
    rows = min(len(query), max(1, _BLOCK // len(gallery)))
    buffer = np.empty((rows, len(gallery)), np.float32)
    product = product_with(gallery)
    for start in range(0, len(query), rows):
        block = query[start : start + rows]
        yield start, product(block, buffer[: len(block)])

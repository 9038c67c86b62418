"""The nearest of all, from tiles, against a full sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid.evaluation import nearest
from keras_reid.evaluation.nearest import Nearest, neighbours


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 1000]), st.integers(1, 70), st.integers(1, 9),
    st.sampled_from([1, 30, 400, 2**20]),
)  # fmt: skip
def test_neighbours_against_a_stable_sort(seed, levels, count, k, tile):
    rows = np.random.default_rng(seed).integers(-levels, levels, (count, 3), endpoint=True).astype("float32")
    similarity = rows @ rows.T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "TILE", tile)
        found = neighbours(rows, min(k, count))
    np.testing.assert_array_equal(found.lowest, similarity.min(axis=1))
    np.fill_diagonal(similarity, np.inf)
    expected = np.argsort(-similarity, axis=1, kind="stable")[:, : min(k, count)]
    np.testing.assert_array_equal(found.indices, expected)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 50]), st.integers(1, 5), st.integers(1, 4))
def test_offers_in_many_or_few_tiles(seed, levels, k, rows):
    generator = np.random.default_rng(seed)
    tile = generator.integers(-levels, levels, (rows, 300), endpoint=True).astype("float32")
    tile[generator.random(tile.shape) < 0.3] = -np.inf
    whole, parts = Nearest(rows, k), Nearest(rows, k)
    whole.offer(0, tile, np.arange(300))
    for left in range(0, 300, 60):
        parts.offer(0, tile[:, left : left + 60], np.arange(left, left + 60))
    expected = np.argsort(-tile, axis=1, kind="stable")[:, :k]
    for found in (whole, parts):
        np.testing.assert_array_equal(found.indices, expected)
        np.testing.assert_array_equal(found.similarities, np.take_along_axis(tile, expected, axis=1))


def test_what_was_never_offered():
    found = Nearest(2, 3)
    found.offer(1, np.array([[0.5, -np.inf]], "float32"), np.array([7, 8]))
    assert found.indices.tolist() == [[-1, -1, -1], [7, -1, -1]]
    assert found.similarities[1].tolist() == [0.5, -np.inf, -np.inf]

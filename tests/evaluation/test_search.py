"""The first k of a ranking: by hand, against a full sort, with the camera rule, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.evaluation import nearest, top_matches

QUERY = np.array([[1.0, 0.0], [0.0, 1.0]])
GALLERY = np.array([[0.5, 0.25], [1.0, 0.0], [0.5, 0.75]])
LABELS = {"query_ids": [7, 8], "query_cams": [1, 1], "gallery_ids": [7, 7, -1], "gallery_cams": [2, 1, 1]}


def test_by_hand():
    found = top_matches(QUERY, GALLERY, k=2)
    np.testing.assert_array_equal(found.indices, [[1, 0], [2, 0]])
    np.testing.assert_array_equal(found.similarities, np.array([[1.0, 0.5], [0.75, 0.25]], "float32"))


def test_more_than_there_are_gives_the_whole_gallery():
    assert top_matches(QUERY, GALLERY, k=10).indices.tolist() == [[1, 0, 2], [2, 0, 1]]


def test_camera_rule_and_what_is_left_when_the_gallery_runs_out():
    found = top_matches(QUERY, GALLERY, k=2, **LABELS)
    # Query 0 shares identity and camera with row 1; row 2 is junk.
    np.testing.assert_array_equal(found.indices, [[0, -1], [0, 1]])
    np.testing.assert_array_equal(found.similarities, np.array([[0.5, -np.inf], [0.25, 0.0]], "float32"))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([1, 100]), st.integers(1, 9), st.integers(1, 30), st.integers(1, 12),
    st.sampled_from([1, 40, 2**25]),
)  # fmt: skip
def test_against_a_stable_sort(seed, levels, queries, rows, k, block):
    generator = np.random.default_rng(seed)
    query, gallery = (generator.integers(-levels, levels, (count, 4), endpoint=True) / 64 for count in (queries, rows))
    similarity = query @ gallery.T
    expected = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "TILE", block)
        found = top_matches(query, gallery, k)
    np.testing.assert_array_equal(found.indices, expected)
    np.testing.assert_array_equal(found.similarities, np.take_along_axis(similarity, expected, axis=1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "`k`, the number of images to keep a query, must be at least 1. Received: 0."),
        (
            {"query_ids": [7, 8], "gallery_ids": [7, 7, -1]},
            "The camera rule needs identities and cameras of both sides. Missing: query_cams, gallery_cams.",
        ),
        (
            {**LABELS, "gallery_cams": [2, 1]},
            "The gallery cameras must be one integer for each of the 3 embeddings. Received: shape (2,), int64.",
        ),
        ({"gallery": np.zeros((0, 2))}, "The gallery is empty, shape (0, 2): give at least one embedding."),
        (
            {"gallery": np.ones((3, 5))},
            "Query and gallery must be embedded by the same network. Received: 2 dimensions in the query, 5 in the "
            "gallery.",
        ),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ReIDError) as error:
        top_matches(**{"query": QUERY, "gallery": GALLERY, **arguments})
    assert str(error.value) == message

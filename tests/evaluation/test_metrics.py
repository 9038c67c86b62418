"""CMC, mAP and mINP: worked by hand, against the slow reference, and what they do with bad input."""

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_reference import slow_figures

from keras_reid import ReIDError
from keras_reid.evaluation import blocks, evaluate


def one_query(gallery):
    """Arguments for a query of identity 1, camera 1 and a gallery of (similarity, identity, camera)."""
    similarity, ids, cams = zip(*gallery, strict=True)
    return [[1.0]], [1], [1], np.array(similarity)[:, None], np.array(ids), np.array(cams)


def test_by_hand():
    # Ranks of the two matches: 2 and 4. Left out: the query's own camera and the junk, both nearer than anything.
    gallery = [(0.9, 1, 1), (0.8, -1, 2), (0.7, 0, 2), (0.6, 1, 2), (0.5, 2, 1), (0.4, 1, 3), (0.3, 3, 3)]
    figures = evaluate(*one_query(gallery))
    assert figures == {"rank1": 0.0, "rank5": 1.0, "rank10": 1.0, "mAP": (1 / 2 + 2 / 4) / 2, "mINP": 2 / 4}
    assert all(type(value) is float for value in figures.values())


def test_two_queries_by_hand():
    query = np.array([[1.0, 0.0], [0.0, 1.0]])
    gallery = np.array([[0.9, 0.1], [0.5, 0.8], [0.2, 0.7]])
    # Query 0 (identity 5) finds rows 0, 1, 2 and matches row 0; query 1 (identity 6) finds 1, 2, 0 and matches row 2.
    figures = evaluate(query, [5, 6], [1, 1], gallery, [5, 7, 6], [2, 2, 2])
    assert figures == {"rank1": 0.5, "rank5": 1.0, "rank10": 1.0, "mAP": 0.75, "mINP": 0.75}


@pytest.mark.parametrize("rank", [5, 6, 10, 11])
def test_rank_k_counts_the_kth_place(rank):
    gallery = [(1 - place / 100, 1 if place == rank else 2, 2) for place in range(1, 13)]
    figures = evaluate(*one_query(gallery))
    assert (figures["rank5"], figures["rank10"]) == (float(rank <= 5), float(rank <= 10))
    assert figures["mAP"] == pytest.approx(1 / rank)


def test_whoever_ties_with_a_match_ranks_before_it():
    # The match first in the gallery, and all equal: rank 3; among themselves, matches take ranks 3 and 4.
    assert evaluate(*one_query([(0.5, 1, 2), (0.5, 2, 2), (0.5, 3, 2)]))["mAP"] == pytest.approx(1 / 3)
    figures = evaluate(*one_query([(0.5, 1, 2), (0.5, 2, 2), (0.5, 1, 3), (0.5, 3, 2)]))
    assert figures["mAP"] == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert figures["mINP"] == pytest.approx(2 / 4)


@st.composite
def retrieval(draw):
    """Random arguments whose products float32 holds exactly; with few levels most similarities tie."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([1, 3, 128]))
    people, cameras = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    dimensions = draw(st.integers(1, 8))

    def side(count, lowest):
        embeddings = generator.integers(-levels, levels, (count, dimensions), endpoint=True) / 64
        return (
            embeddings,
            generator.choice([lowest, *range(1, people + 1)], count),
            generator.integers(0, cameras, count),
        )

    query = side(draw(st.integers(1, 12)), -1)
    gallery = side(draw(st.integers(1, 40)), draw(st.sampled_from([-1, 0, 1])))
    return (*query, *gallery)


@settings(max_examples=300, deadline=None)
@given(retrieval(), st.sampled_from([1, 50, 2**25]))
def test_against_the_slow_reference(arguments, block):
    query, query_ids, query_cams, gallery, gallery_ids, gallery_cams = arguments
    expected = slow_figures(query @ gallery.T, query_ids, query_cams, gallery_ids, gallery_cams)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(blocks, "_BLOCK", block)
        if expected is None:
            with pytest.raises(ReIDError):
                evaluate(*arguments)
        else:
            assert evaluate(*arguments) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(retrieval(), st.randoms(use_true_random=False))
def test_the_order_of_the_gallery_does_not_matter(arguments, random):
    query, query_ids, query_cams, *gallery = arguments
    order = list(range(len(gallery[0])))
    random.shuffle(order)
    shuffled = [column[order] for column in gallery]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            figures = evaluate(query, query_ids, query_cams, *gallery)
        except ReIDError:
            return
        assert evaluate(query, query_ids, query_cams, *shuffled) == figures


def test_never_a_whole_matrix(monkeypatch):
    monkeypatch.setattr(blocks, "_BLOCK", 2**16)
    generator = np.random.default_rng(0)
    query, gallery = (generator.normal(size=(count, 8)).astype("float32") for count in (1500, 4000))
    ids = [np.arange(count) % 50 + 1 for count in (1500, 4000)]
    cams = [np.zeros(1500, int), np.ones(4000, int)]
    tracemalloc.start()
    evaluate(query, ids[0], cams[0], gallery, ids[1], cams[1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e6  # the matrix alone would be 24 MB


def test_queries_without_a_match_are_left_out_and_counted():
    arguments = [[1.0], [1.0], [1.0]], [1, 2, 3], [1, 1, 1], [[1.0], [0.5], [0.2]], [1, 2, 4], [2, 1, 1]
    with pytest.warns(UserWarning, match="have no match") as caught:
        figures = evaluate(*arguments)
    assert [str(warning.message) for warning in caught] == [
        "2 of 3 queries have no match, a gallery image of the same identity from another camera; they are left out of "
        "the figures. If they should have one, check identities and cameras."
    ]
    assert figures["mAP"] == 1.0


def test_junk_queries_are_ignored_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = evaluate([[1.0], [1.0]], [-1, 1], [1, 1], [[1.0]], [1], [2])
    assert figures["rank1"] == 1.0


GOOD = {
    "query": np.eye(2),
    "query_ids": [1, 2],
    "query_cams": [1, 1],
    "gallery": np.eye(2),
    "gallery_ids": [1, 2],
    "gallery_cams": [2, 2],
}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            {"query": [[1.0, np.nan], [0.0, 1.0]]},
            "Embedding 0 of the query holds NaN or infinity: the network diverged or its input was damaged. "
            "Embed again with good weights, or leave that image out.",
        ),
        (
            {"gallery": [[1.0, 0.0], [0.0, np.inf]]},
            "Embedding 1 of the gallery holds NaN or infinity: the network diverged or its input was damaged. "
            "Embed again with good weights, or leave that image out.",
        ),
        (
            {"gallery": np.zeros((0, 2)), "gallery_ids": [], "gallery_cams": []},
            "The gallery is empty, shape (0, 2): give at least one embedding.",
        ),
        (
            {"query": np.zeros((0, 2)), "query_ids": [], "query_cams": []},
            "The query is empty, shape (0, 2): give at least one embedding.",
        ),
        (
            {"query": [["a", "b"]]},
            "The query must be embeddings, one row of numbers an image. Received: could not convert string to float: "
            "'a'.",
        ),
        (
            {"query": np.ones(2)},
            "The query must be embeddings of shape (images, dimensions). Received: (2,).",
        ),
        (
            {"gallery": np.ones((2, 3))},
            "Query and gallery must be embedded by the same network. Received: 2 dimensions in the query, 3 in the "
            "gallery.",
        ),
        (
            {"gallery_ids": [1, 2, 3]},
            "The gallery identities must be one integer for each of the 2 embeddings. Received: shape (3,), int64.",
        ),
        (
            {"query_cams": ["a", "b"]},
            "The query cameras must be one integer for each of the 2 embeddings. Received: shape (2,), <U1.",
        ),
        (
            {"gallery_ids": [-1, -1]},
            "All images of the gallery are junk (identity -1): give some of known people.",
        ),
        (
            {"query_ids": [-1, -1]},
            "All images of the query are junk (identity -1): give some of known people.",
        ),
        (
            {"query_ids": [0, 1]},
            "Identity 0 is kept for distractors of the gallery, which match nobody; number people from 1. Received: 1 "
            "queries of identity 0.",
        ),
        (
            {"gallery_cams": [1, 1]},
            "None of the 2 queries has a match: a gallery image of the same identity from another camera. Check that "
            "query and gallery number people alike, and that the cameras differ.",
        ),
    ],
)
def test_bad_input(bad, message):
    with pytest.raises(ReIDError) as error:
        evaluate(**{**GOOD, **bad})
    assert str(error.value) == message

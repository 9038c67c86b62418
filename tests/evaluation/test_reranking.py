"""k-reciprocal re-ranking: equal to the dense definition, and its figures through `evaluate`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_reference import dense_reranking, slow_figures

from keras_reid import ReIDError
from keras_reid.evaluation import blocks, evaluate, nearest
from keras_reid.evaluation.reranking import reranked_blocks


def clustered(seed, people, queries, rows, dimensions=16):
    """Query and gallery of length 1 around one centre a person, with identities from 1."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(people, dimensions))

    def side(count):
        ids = generator.integers(0, people, count)
        embeddings = centres[ids] + generator.normal(size=(count, dimensions)) * 0.8
        return (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype("float32"), ids + 1

    return (*side(queries), *side(rows))


def reranked(query, gallery, *options):
    return -np.concatenate([block.copy() for _, block in reranked_blocks(query, gallery, *options)])


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 10), st.integers(1, 60),
    st.sampled_from([(20, 6, 0.3), (5, 1, 0.0), (6, 3, 1.0)]), st.sampled_from([1, 200, 2**25]),
)  # fmt: skip
def test_equal_to_the_dense_definition(seed, people, queries, rows, options, block):
    query, _, gallery, _ = clustered(seed, people, queries, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_BLOCK", block)
        patch.setattr(nearest, "TILE", block)
        found = reranked(query, gallery, *options)
    np.testing.assert_allclose(found, dense_reranking(query, gallery, *options), atol=1e-5)


def test_defaults_are_the_papers():
    query, _, gallery, _ = clustered(0, 5, 8, 60)
    np.testing.assert_array_equal(reranked(query, gallery), reranked(query, gallery, 20, 6, 0.3))


def test_figures():
    query, query_ids, gallery, gallery_ids = clustered(3, 8, 30, 90)
    cams = np.ones(30, int), np.full(90, 2)
    figures = evaluate(query, query_ids, cams[0], gallery, gallery_ids, cams[1], rerank=True)
    expected = slow_figures(-dense_reranking(query, gallery, 20, 6, 0.3), query_ids, cams[0], gallery_ids, cams[1])
    assert figures == pytest.approx(expected, abs=1e-9)
    assert figures["mAP"] > evaluate(query, query_ids, cams[0], gallery, gallery_ids, cams[1])["mAP"]


def test_everybody_the_same():
    same = np.tile(np.eye(1, 4, dtype="float32"), (30, 1))
    distances = reranked(same[:5], same[5:])
    assert np.isfinite(distances).all()
    assert distances.min() >= 0
    assert distances.max() <= 0.7  # nothing is apart in the original distance


def test_needs_length_1():
    with pytest.raises(ReIDError) as error:
        evaluate([[2.0, 0.0]], [1], [1], [[0.0, 0.5]], [1], [2], rerank=True)
    expected = "Re-ranking needs embeddings of length 1, as `embed` returns them. Received: lengths from 0.5 to 2."
    assert str(error.value) == expected

"""What a report shows, beside the functions that give its parts."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.evaluation import query_ranks, survey, top_matches


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 100]), st.booleans())
def test_ranks_first_matches_and_pairs(seed, levels, junk):
    generator = np.random.default_rng(seed)

    def side(count, lowest):
        rows = generator.integers(-levels, levels, (count, 4), endpoint=True) / 64
        return rows, generator.integers(lowest, 6, count), generator.integers(0, 3, count)

    query, query_ids, query_cams = side(15, 1)
    if junk:
        query_ids[3] = -1
    gallery, gallery_ids, gallery_cams = side(40, -1 if junk else 0)
    arguments = query, query_ids, query_cams, gallery, gallery_ids, gallery_cams
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = query_ranks(*arguments)
        except ReIDError:
            return
        found = survey(*arguments, k=7)
        for ours, theirs in zip(found.ranks, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        asked = query_ids != -1
        first = top_matches(
            query[asked], gallery, 7, query_ids=query_ids[asked], query_cams=query_cams[asked],
            gallery_ids=gallery_ids, gallery_cams=gallery_cams,
        )  # fmt: skip
        np.testing.assert_array_equal(found.first.indices[asked], first.indices)
        np.testing.assert_array_equal(found.first.similarities[asked], first.similarities)
        assert (found.first.indices[~asked] == -1).all()
        for pair in found.pairs:
            mine, there = query_cams == pair.query_camera, gallery_cams == pair.gallery_camera
            alone = query_ranks(
                query[mine], query_ids[mine], query_cams[mine], gallery[there], gallery_ids[there], gallery_cams[there]
            )
            assert pair.queries == len(alone.queries)
            assert pair.rank1 == pytest.approx(alone.figures()["rank1"])
            assert pair.mean_average_precision == pytest.approx(alone.precision.mean())
        assert len({pair[:2] for pair in found.pairs}) == len(found.pairs)


def test_k():
    with pytest.raises(ReIDError, match="must be at least 1"):
        survey([[1.0]], [1], [1], [[1.0]], [1], [2], k=0)

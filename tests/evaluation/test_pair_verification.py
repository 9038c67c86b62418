"""Pairs of one person and of different people: by hand, and against all pairs sorted."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.evaluation import compare_pairs, compare_pairs_within, nearest


def pairs(gallery, **options):
    """A query of identity 1, camera 1 and a gallery of (similarity, identity, camera)."""
    similarity, ids, cams = zip(*gallery, strict=True)
    return compare_pairs([[1.0]], [1], [1], np.array(similarity)[:, None], np.array(ids), np.array(cams), **options)


# Different people, other camera: .8 (a distractor), .6, .4, .2. One person, other camera: .7, .5. The rest does not
# count: of the query's own camera, or junk.
GALLERY = [
    (0.8, 0, 2), (0.6, 2, 2), (0.4, 3, 3), (0.2, 2, 4), (0.7, 1, 2), (0.5, 1, 3), (0.9, 4, 1), (0.9, 1, 1), (1, -1, 2)
]  # fmt: skip


def test_by_hand():
    found = pairs(GALLERY, highest_rate=1)
    assert found.different_pairs == 4
    assert found.different.tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert found.same.tolist() == pytest.approx([0.7, 0.5])
    quarter = found.threshold(0.25)
    assert (quarter.false_match_rate, quarter.true_match_rate) == (0.25, 0.5)
    assert np.float32(0.6) < quarter.similarity < 0.6000001
    assert found.threshold(0.6)[1:] == (0.5, 1.0)
    assert found.rates_at(0.5)[1:] == (0.5, 1.0)
    assert found.rates_at(0.81)[1:] == (0.0, 0.0)
    rates, true = found.roc(3)
    assert rates.tolist() == pytest.approx([0.25, 0.75**0.5 / 2, 0.75])
    assert true.tolist() == [0.5, 0.5, 1.0]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 40), st.sampled_from([0.05, 0.3, 0.9]))
def test_within_one_set_each_pair_counts_once(seed, rows, rate):
    generator = np.random.default_rng(seed)
    images = generator.normal(size=(rows, 3)).astype("float32")
    ids, cams = np.arange(rows) // 3 + 1, np.arange(rows) % 3
    one, other = np.triu_indices(rows, 1)
    crossing = cams[one] != cams[other]
    similarity = np.sum(images[one].astype(float) * images[other], axis=1)
    same, different = (
        np.sort(similarity[crossing & which])[::-1] for which in (ids[one] == ids[other], ids[one] != ids[other])
    )
    found = compare_pairs_within(images, ids, cams, highest_rate=rate)
    assert found.different_pairs == len(different)
    np.testing.assert_allclose(found.same, same, atol=1e-5)
    np.testing.assert_allclose(found.different, different[: len(found.different)], atol=1e-5)
    if len(different) * rate >= 1:
        chosen = found.threshold(rate)  # enough were kept
        assert chosen.false_match_rate <= rate


def test_equal_pairs_pass_together_or_not_at_all():
    found = pairs([(0.5, 2, 2), (0.5, 3, 2), (0.5, 4, 2), (0.1, 5, 2), (0.5, 1, 2)], highest_rate=1)
    chosen = found.threshold(0.5)
    assert (chosen.false_match_rate, chosen.true_match_rate) == (0.0, 0.0)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([2, 100]), st.integers(1, 20), st.integers(2, 60),
    st.sampled_from([0.05, 0.3, 1.0]), st.sampled_from([1, 50, 2**20]),
)  # fmt: skip
@example(106176, 100, 1, 11, 0.3, 1)  # similarities below -1
def test_against_all_pairs(seed, levels, queries, rows, rate, tile):
    generator = np.random.default_rng(seed)
    query, gallery = (generator.integers(-levels, levels, (count, 3), endpoint=True) / 64 for count in (queries, rows))
    ids, cams = generator.integers(1, 5, queries), generator.integers(0, 3, queries)
    gallery_ids, gallery_cams = generator.integers(-1, 5, rows), generator.integers(0, 3, rows)
    similarity = query @ gallery.T
    crossing = (cams[:, None] != gallery_cams) & (gallery_ids != -1)
    same = ids[:, None] == gallery_ids
    one, two = (np.sort(similarity[crossing & which])[::-1] for which in (same, ~same))
    arguments = query, ids, cams, gallery, gallery_ids, gallery_cams
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "TILE", tile)
        if not len(one) or not len(two):
            with pytest.raises(ReIDError):
                compare_pairs(*arguments)
            return
        found = compare_pairs(*arguments, highest_rate=rate)
    np.testing.assert_array_equal(found.same, one)
    kept = min(len(two), int(np.floor(len(two) * rate)) + 1)
    np.testing.assert_array_equal(found.different, two[:kept])
    assert found.different_pairs == len(two)
    if len(two) * rate >= 1 and rate < 1:
        chosen = found.threshold(rate)
        assert chosen.false_match_rate == np.mean(two >= chosen.similarity) <= rate
        assert chosen.true_match_rate == np.mean(one >= chosen.similarity)
        assert np.mean(two >= np.nextafter(np.float32(chosen.similarity), np.float32(-np.inf))) > rate
        rates, true = found.roc(7)
        for allowed, expected in zip(rates, true, strict=True):
            refused = two[min(int(allowed * len(two) + 1e-9), kept - 1)]
            assert expected == np.mean(one > refused)


def test_what_cannot_be_told():
    found = pairs(GALLERY, highest_rate=0.25)
    for ask, message in (
        (
            lambda: found.threshold(1e-3),
            "A false-match rate of 0.001 needs 1,000 pairs of different people in two cameras. Received: 4.",
        ),
        (
            lambda: found.threshold(0.5),
            "Only the 2 most similar of 4 pairs of different people were kept: give compare_pairs a `highest_rate` of "
            "0.5 or more.",
        ),
        (
            lambda: found.rates_at(0.1),
            "At a threshold of 0.1 more than 2 of 4 pairs of different people pass, and only these were kept: give "
            "compare_pairs a higher `highest_rate`.",
        ),
        (lambda: pairs(GALLERY, highest_rate=0), "`highest_rate` must be above 0 and at most 1. Received: 0."),
        (
            lambda: pairs([(0.5, 2, 2)]),
            "There are no pairs of one person in two cameras: check identities and cameras of query and gallery.",
        ),
        (
            lambda: pairs([(0.5, 1, 2)]),
            "There are no pairs of different people in two cameras: check identities and cameras of query and gallery.",
        ),
    ):
        with pytest.raises(ReIDError) as caught:
            ask()
        assert str(caught.value) == message

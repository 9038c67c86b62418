"""Ranks query by query, and the curve that they make."""

import numpy as np
import pytest

from keras_reid.evaluation import QueryRanks, evaluate, query_ranks

QUERY = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
GALLERY = np.array([[0.9, 0.1], [0.5, 0.8], [0.2, 0.7]])
# Query 1 is junk and query 3, of identity 9, has no match. Query 0 finds rows 0, 1, 2; query 2 finds 1, 2, 0.
ARGUMENTS = QUERY, [5, -1, 6, 9], [1, 1, 1, 1], GALLERY, [5, 7, 6], [2, 2, 2]


def test_by_hand():
    with pytest.warns(UserWarning, match="1 of 3 queries have no match"):
        found = query_ranks(*ARGUMENTS)
    assert found.queries.tolist() == [0, 2]
    assert found.first.tolist() == [1, 2]
    assert found.precision.tolist() == [1, 0.5]
    assert found.penalty.tolist() == [1, 0.5]
    assert found.cmc(4).tolist() == [0.5, 1, 1, 1]
    with pytest.warns(UserWarning, match="1 of 3"):
        assert evaluate(*ARGUMENTS) == found.figures()


def test_curve_at_every_rank():
    first = np.array([1, 3, 3, 11, 51])
    found = QueryRanks(np.arange(5), first, first / 100, first / 100)
    curve = found.cmc()
    assert curve.shape == (50,)
    assert curve.tolist() == [np.mean(first <= rank) for rank in range(1, 51)]
    assert found.figures()["rank10"] == 0.6


@pytest.mark.parametrize("others", [5, 5000])
def test_counting_and_sorting_in_give_the_same_ranks(others):
    from keras_reid.evaluation.ranks import ranks_of_matches

    generator = np.random.default_rng(0)
    matches = generator.integers(0, 400, 9).astype("float32")
    rest = generator.integers(0, 400, others).astype("float32")
    for floor in (0, 399):  # nearly all stand before the last match, or nearly none
        among = np.maximum(matches, floor)
        falling = np.sort(among)[::-1]
        expected = [np.sum(rest >= match) + place for place, match in enumerate(falling, 1)]
        assert ranks_of_matches(among, rest).tolist() == expected

"""The match threshold, on cosines set by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.data.table import ReIDData, Split
from keras_reid.zoo.match_threshold import match_rates, measure_thresholds


class Angles:
    """A model whose "pictures" are angles in degrees: the cosine of two is that of the angle between them."""

    def embed(self, paths):
        angles = np.radians(np.asarray(paths, dtype=float))
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")


def data(query, gallery):
    """Each picture is (angle, identity, camera)."""
    splits = [Split(*(np.array(column) for column in zip(*rows, strict=True))) for rows in (query, gallery)]
    return ReIDData(name="angles", root="", train=splits[1], query=splits[0], gallery=splits[1])


def test_worked_by_hand():
    query = [(0, 1, 1)]
    gallery = [(60, 2, 2), (45, 3, 2), (90, 4, 2), (30, 5, 2), (35, 1, 2), (50, 1, 2)]
    # Cosines of different people .0, .5, .7071, .8660, of the same person .8192 and .6428. One of four may pass: the
    # lowest cosine that keeps .7071 out is .7072.
    quarter = {"claim": 0.25, "cosine": 0.7072, "false_match_rate": 0.25, "true_match_rate": 0.5}
    half = {"claim": 0.5, "cosine": 0.5001, "false_match_rate": 0.5, "true_match_rate": 1.0}
    where = {"pairs": 4, "data": "angles", "people": "query and gallery"}
    found = measure_thresholds(Angles(), data(query, gallery), rates=(0.5, 0.25))
    assert found == [{**half, **where}, {**quarter, **where}]


def test_training_people_are_compared_with_each_other():
    # Four pictures, of which two show one person: of the pairs in two cameras three are of different people.
    train = [(0, 1, 1), (10, 1, 2), (60, 2, 2), (90, 3, 1)]
    (found,) = measure_thresholds(Angles(), data([(0, 1, 1)], train), training=True, rates=(0.5,))
    assert found == {
        "claim": 0.5,
        "cosine": 0.5001,  # 60° and 90° have .8660 and may pass, 0° and 60° have .5, 10° and 90° .1736
        "false_match_rate": 1 / 3,
        "true_match_rate": 1.0,
        "pairs": 3,
        "data": "angles",
        "people": "training people",
    }


def test_without_training_people():
    found = data([(0, 1, 1)], [(60, 2, 2), (90, 1, 2)])
    nobody = ReIDData(name="angles", root="", train=found.train.take([]), query=found.query, gallery=found.gallery)
    with pytest.raises(ReIDError) as caught:
        measure_thresholds(Angles(), nobody, training=True)
    assert str(caught.value) == "The data set 'angles' has no training people to choose a threshold on."


def test_rates_on_other_people_whatever_they_are():
    other = data([(0, 1, 1)], [(60, 2, 2), (45, 3, 2), (90, 4, 2), (30, 5, 2), (35, 1, 2), (50, 1, 2)])
    chosen = [{"claim": 0.01, "cosine": 0.4}, {"claim": 0.001, "cosine": 0.9}]
    assert match_rates(Angles(), other, chosen) == [
        {"data": "angles", "claim": 0.01, "cosine": 0.4, "false_match_rate": 0.75, "true_match_rate": 1.0, "pairs": 4},
        {"data": "angles", "claim": 0.001, "cosine": 0.9, "false_match_rate": 0.0, "true_match_rate": 0.0, "pairs": 4},
    ]


def test_pairs_of_one_camera_and_junk_do_not_count_and_distractors_do():
    query = [(0, 1, 1)]
    gallery = [(60, 2, 2), (90, 0, 2), (1, 3, 1), (2, 1, 1), (3, -1, 2), (10, 1, 2)]
    (found,) = measure_thresholds(Angles(), data(query, gallery), rates=(0.5,))
    assert (found["pairs"], found["cosine"], found["true_match_rate"]) == (2, 0.0001, 1.0)


def test_too_few_pairs():
    few = data([(0, 1, 1)], [(60, 2, 2), (90, 1, 2)])
    with pytest.raises(ReIDError) as caught:
        measure_thresholds(Angles(), few)
    assert str(caught.value) == (
        "A false-match rate of 0.01 needs 100 pairs of different people in two cameras. Received: 1."
    )


@settings(deadline=None)
@given(st.lists(st.integers(0, 180), min_size=20, max_size=60), st.sampled_from([0.05, 0.1, 0.3]))
def test_rate_is_kept_and_the_threshold_is_the_lowest_that_keeps_it(angles, rate):
    gallery = [(angle, 2, 2) for angle in angles] + [(0, 1, 2)]
    (found,) = measure_thresholds(Angles(), data([(0, 1, 1)], gallery), rates=(rate,))
    cosines = np.cos(np.radians(angles))
    assert found["false_match_rate"] <= rate
    assert (cosines >= found["cosine"] - 1.1e-4).mean() > rate

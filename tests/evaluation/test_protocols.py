"""Multi-query, tracklets and single-shot galleries, worked by hand on toys."""

import numpy as np
import pytest

from keras_reid import ReIDError
from keras_reid.data.table import ReIDData, Split
from keras_reid.evaluation import evaluate, pooled, searchable, single_shot

# "Pictures" are angles in degrees; the network gives the point on the circle.


def embed(paths):
    angles = np.radians(np.asarray(paths, float))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def split(*images):
    """(angle, identity, camera[, tracklet]) of each picture."""
    columns = list(zip(*images, strict=True))
    tracklets = np.array(columns[3]) if len(columns) > 3 else None
    return Split(np.array(columns[0], np.str_), np.array(columns[1]), np.array(columns[2]), tracklets, name="gallery")


def data(query, gallery, **more):
    return ReIDData("angles", "here", gallery, query, gallery, **more)


def test_multi_query_by_hand():
    # Alone, the query at 0° finds person 2 at 10° before its own at 50°. The mean of 0° and 80° is at 40°: rank 1.
    query, gallery = split((0, 1, 1)), split((50, 1, 2), (10, 2, 2))
    found = data(query, gallery, multi_query=split((0, 1, 1, 0), (80, 1, 1, 0)))
    assert evaluate(*searchable(found, embed))["rank1"] == 0
    asked = searchable(found, embed, "multi_query")
    np.testing.assert_allclose(asked.query, embed(["40"]), atol=1e-6)
    assert evaluate(*asked)["rank1"] == 1
    with pytest.raises(ReIDError) as caught:
        searchable(data(query, gallery), embed, "multi_query")
    assert str(caught.value) == "'here' has no images for multi-query: of Market-1501 they are in the folder gt_bbox."


def test_tracklets_by_hand():
    query = split((0, 1, 1, 5), (20, 1, 1, 5), (90, 2, 1, 3))
    gallery = split((100, 1, 2, 9), (60, 2, 2, 8), (80, 2, 2, 8), (12, 1, 2, 2))
    found = searchable(data(query, gallery, protocol="tracklets"), embed)
    np.testing.assert_allclose(found.query, embed(["90", "10"]), atol=1e-6)
    np.testing.assert_allclose(found.gallery, embed(["12", "70", "100"]), atol=1e-6)
    assert found.query_ids.tolist() == [2, 1]
    assert found.gallery_ids.tolist() == [1, 2, 1]
    # Tracklet 3 at 90° finds 100° (person 1) first; tracklet 5 at 10° finds 12° first, and 100° last.
    figures = evaluate(*found)
    assert (figures["rank1"], figures["mAP"]) == (0.5, pytest.approx((1 / 2 + (1 + 2 / 3) / 2) / 2))
    with pytest.raises(ReIDError, match="has no tracklets"):
        searchable(data(split((0, 1, 1)), split((0, 1, 2))), embed, "tracklets")
    with pytest.raises(ReIDError, match="`protocol` must be one of standard, multi_query, tracklets, single_shot"):
        searchable(data(query, gallery), embed, "both")


def test_single_shot_by_hand():
    # One picture of each other person: rank 2 behind person 2, whatever is drawn of it; person 3 is behind.
    query, gallery = embed(["0"]), embed(["30", "10", "20", "60", "1"])
    arguments = query, [1], [1], gallery, [1, 2, 2, 3, 1], [2, 2, 2, 2, 1]
    assert single_shot(*arguments) == {"rank1": 0.0, "rank5": 1.0, "rank10": 1.0, "rank20": 1.0}
    # With all pictures in the gallery the rank is 3.
    assert evaluate(*arguments)["mAP"] == pytest.approx(1 / 3)


def test_single_shot_is_the_mean_over_draws():
    # Person 2's picture at 10° is before the match, the one at 50° is not: half of the draws have rank 1.
    arguments = embed(["0"]), [1], [1], embed(["30", "10", "50"]), [1, 2, 2], [2, 2, 2]
    assert single_shot(*arguments, draws=4000)["rank1"] == pytest.approx(0.5, abs=0.03)
    # Of two own pictures, at 5° and 30°, one is taken: rank 1 if it is the first or person 2's is the one at 50°.
    arguments = embed(["0"]), [1], [1], embed(["30", "5", "10", "50"]), [1, 1, 2, 2], [2, 3, 2, 2]
    assert single_shot(*arguments, draws=4000)["rank1"] == pytest.approx(0.75, abs=0.03)
    assert single_shot(*arguments, draws=3, seed=1) == single_shot(*arguments, draws=3, seed=1)


def test_single_shot_counts_every_distractor_and_ties_against_the_match():
    arguments = embed(["0"]), [1], [1], embed(["30", "10", "20", "30"]), [1, 0, 0, 2], [2, 2, 2, 2]
    assert single_shot(*arguments)["rank5"] == 1.0
    arguments = embed(["0"]), [1], [1], embed(["30"] * 6), [1, 0, 0, 0, 2, 3], [2] * 6
    assert single_shot(*arguments)["rank5"] == 0.0
    assert single_shot(*arguments)["rank10"] == 1.0


def test_single_shot_without_a_match():
    with pytest.raises(ReIDError, match="No query has a match"):
        single_shot(embed(["0"]), [1], [1], embed(["0"]), [1], [1])
    with pytest.raises(ReIDError, match="`draws` must be at least 1"):
        single_shot(embed(["0"]), [1], [1], embed(["0"]), [1], [2], draws=0)


def test_pooled():
    groups, found = pooled([[1.0, 0.0], [0.0, 2.0], [0.0, 1.0]], [4, 2, 4])
    assert groups.tolist() == [2, 4]
    np.testing.assert_allclose(found, [[0, 1], [0.5**0.5, 0.5**0.5]], atol=1e-7)
    np.testing.assert_allclose(pooled([[3.0, -1.0], [0.0, 4.0]], [1, 1], "max")[1], [[0.6, 0.8]], atol=1e-7)
    for arguments, message in (
        (([[1.0]], [1], "sum"), "`how` must be 'mean' or 'max'. Received: 'sum'."),
        (([[1.0], [-1.0]], [7, 7]), "The embeddings of group 7 cancel each other out."),
        (
            ([[1.0]], [1, 2]),
            "The groups of the images must be one integer for each of the 1 embeddings. Received: shape (2,), int64.",
        ),
    ):
        with pytest.raises(ReIDError) as caught:
            pooled(*arguments)
        assert str(caught.value) == message

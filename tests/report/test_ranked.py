"""Ranked matches of some queries, drawn."""

import numpy as np
import pytest
from PIL import Image

from keras_reid.data import load
from keras_reid.report import draw_ranked, ranked, spread


@pytest.fixture(scope="module")
def people():
    return load("people")


class OneNumber:
    """A model whose embedding of a picture is the direction its person's number stands for."""

    def embed(self, paths):
        angles = np.array([int(path.rpartition("/")[2][:4]) for path in paths]) / 300
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")


def test_queries_are_spread(people):
    shown = spread(people.query, 3)
    assert list(shown.paths) == [people.query.paths[index] for index in (0, 48, 95)]
    assert len(spread(people.query, 1000)) == len(people.query)


def test_what_is_drawn(people, tmp_path, monkeypatch):
    drawn = {}

    def draw(queries, matches, distances, path, **options):
        drawn.update(options, queries=queries, matches=matches, distances=distances)
        return real(queries, matches, distances, path, **options)

    real = ranked.draw_matches
    monkeypatch.setattr(ranked, "draw_matches", draw)
    path = tmp_path / "matches.png"
    picture = draw_ranked(OneNumber(), people, path, queries=2, matches=3, title="Found")
    assert Image.open(path).size == picture.size
    assert (len(drawn["queries"]), [len(row) for row in drawn["matches"]]) == (2, [3, 3])
    assert all(hit for row in drawn["hits"] for hit in row)
    assert drawn["title"] == "Found"
    assert drawn["query_names"][0] == drawn["match_names"][0][0] == f"person {people.query.identities[0]}"
    assert np.allclose(drawn["distances"], 0, atol=1e-6)

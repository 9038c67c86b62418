"""What a model finds for some queries of a data set, as a picture."""

import os

import numpy as np
from PIL import Image

from keras_reid.data import ReIDData, Split, read_image
from keras_reid.evaluation import top_matches
from keras_reid.pictures import draw_matches


def spread(query: Split, number: int) -> Split:
    """At most `number` queries, evenly spread over all."""
    return query.take(np.linspace(0, len(query) - 1, min(number, len(query))).round().astype(int))


def draw_ranked(
    model,
    data: ReIDData,
    path: str | os.PathLike | None = None,
    *,
    queries: int = 6,
    matches: int = 8,
    title: str = "Ranked matches",
) -> Image.Image:
    """Draw some queries, spread over the data set, with their nearest gallery pictures, hits and misses marked.

    Args:
        model: A `ReIDModel`.
        data: With query and gallery.
        path: PNG file to write, replaced if it is there. Defaults to None: the picture is only returned.
        queries: How many. Defaults to 6.
        matches: Gallery pictures beside each. Defaults to 8.
        title: First line.

    Returns:
        The picture, RGB.

    Raises:
        ReIDError: as `ReIDModel.embed`, `top_matches` and `draw_matches`.
    """
    query, gallery = spread(data.query, queries), data.gallery
    found = top_matches(
        model.embed(query.paths),
        model.embed(gallery.paths),
        matches,
        query_ids=query.identities,
        query_cams=query.cameras,
        gallery_ids=gallery.identities,
        gallery_cams=gallery.cameras,
    )
    ranked = [row[row >= 0] for row in found.indices]
    return draw_matches(
        [read_image(path) for path in query.paths],
        [[read_image(gallery.paths[index]) for index in row] for row in ranked],
        [1 - found.similarities[number][: len(row)] for number, row in enumerate(ranked)],
        path,
        hits=[gallery.identities[row] == query.identities[number] for number, row in enumerate(ranked)],
        query_names=[f"person {identity}" for identity in query.identities],
        match_names=[[f"person {gallery.identities[index]}" for index in row] for row in ranked],
        title=title,
    )

"""What exporting costs where it counts: in retrieval."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_reid.export.exported import open_export

if TYPE_CHECKING:
    from keras_reid.data import ReIDData
    from keras_reid.model import ReIDModel


def compare_retrieval(
    model: "ReIDModel",
    exports: Sequence[str | os.PathLike],
    data: "ReIDData",
    *,
    batch_size: int = 64,
    progress: bool = False,
) -> list[dict[str, Any]]:
    """Measure how well exported files find people again, beside the model that they were made of.

    A cosine near 1 says that an embedding has hardly moved; this says whether that changes what is found.

    Args:
        model: The model that was exported.
        exports: Files or folders that `to_tflite`, `to_onnx` and `to_saved_model` wrote.
        data: A data set with query and gallery, as `keras_reid.data.load` returns it.
        batch_size: Pictures a step. Defaults to 64.
        progress: Whether to show progress bars. Defaults to False.

    Returns:
        A dict each for the model and the files: "model", its name or path; the figures of `evaluate_retrieval`, by the
        data set's protocol; "same_person", the share of queries whose nearest gallery picture (the camera rule applied)
        shows the same person as the model's, and "same_picture", the share where it is that very picture (or tracklet).
        Of consecutive frames one is as good as the other, so that the latter is seldom 1 for rounded weights.

    Raises:
        ReIDError: a file cannot be read, or the data set has no queries or no gallery.
    """
    from keras_reid.asking import retrieval_figures
    from keras_reid.data.table import DISTRACTOR
    from keras_reid.evaluation import top_matches

    measured = [(model.name, model.embed), *((str(path), open_export(path).embed) for path in exports)]
    rows: list[dict[str, Any]] = []
    expected = None
    for name, embed in measured:

        def embedded(paths, embed=embed):
            return embed(paths, batch_size=batch_size, progress=progress)

        figures, found = retrieval_figures(data, embedded)
        nearest = top_matches(
            found.query,
            found.gallery,
            k=1,
            query_ids=found.query_ids,
            query_cams=found.query_cams,
            gallery_ids=found.gallery_ids,
            gallery_cams=found.gallery_cams,
        ).indices
        expected = nearest if expected is None else expected
        people = found.gallery_ids
        same_person = (people[nearest] == people[expected]) & (people[nearest] != DISTRACTOR)
        agreement = {"same_person": same_person | (nearest == expected), "same_picture": nearest == expected}
        rows.append({"model": name, **figures, **{key: float(np.mean(same)) for key, same in agreement.items()}})
    return rows

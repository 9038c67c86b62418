"""Market-1501's layout: `bounding_box_train/`, `query/`, `bounding_box_test/`.

Names are like `0002_c1s1_000451_03.jpg`: identity, camera, sequence, frame, number of the box.
Identity -1 is junk and 0000 a distractor; both stay in the gallery, because evaluation treats them as the data
set's authors do.

L. Zheng et al.: Scalable person re-identification: a benchmark. ICCV 2015.
"""

import dataclasses
import os
import re
from pathlib import Path

import numpy as np

from keras_reid.data.files import existing_folder, images_in
from keras_reid.data.named_files import read_named_files
from keras_reid.data.table import ReIDData, Split
from keras_reid.errors import ReIDError

_NAME = re.compile(r"(?P<identity>-1|\d+)_c(?P<camera>\d+)s\d+_\d+_\d+\.jpg", re.IGNORECASE)
_FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}


def read(root: str | os.PathLike) -> ReIDData:
    """The data set in folder `root`, the one that holds `bounding_box_train`.

    Where it holds `gt_bbox`, too, the boxes that were drawn by hand, they are what `multi_query` asks with.

    Raises:
        ReIDError: the folder is missing or in another layout; the message says what was looked for and what was found.
    """
    folder = existing_folder(root)
    data = read_named_files("market1501", folder, _FOLDERS, _NAME, "0002_c1s1_000451_03.jpg")
    drawn = folder / "gt_bbox"
    if not drawn.is_dir():
        return data
    return dataclasses.replace(data, multi_query=_multi_query(drawn, data.query))


def _multi_query(folder: Path, query: Split) -> Split:
    """The boxes drawn by hand of each query's person in the query's camera; `tracklets` are rows of the query."""
    of_person: dict[tuple[int, int], list[str]] = {}
    for path in images_in(folder):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ReIDError(
                f"'{path}' is not named as in market1501's layout: expected a name like 0002_c1s1_000451_00.jpg. "
                "Rename or remove it."
            )
        of_person.setdefault((int(match["identity"]), int(match["camera"])), []).append(str(path))
    asked = zip(query.identities.tolist(), query.cameras.tolist(), strict=True)
    found = [of_person.get(key) or [query.paths[row]] for row, key in enumerate(asked)]
    rows = np.repeat(np.arange(len(query)), [len(paths) for paths in found])
    paths = np.array([path for part in found for path in part], np.str_)
    return Split(paths, query.identities[rows], query.cameras[rows], rows, query.names, "multi_query")

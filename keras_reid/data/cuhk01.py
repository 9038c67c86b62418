"""CUHK01's layout: `0001001.png`, four digits for the person and three for the picture.

Pictures 1 and 2 are of one camera, 3 and 4 of the other. W. Li, R. Zhao, X. Wang: Human reidentification with
transferred metric learning. ACCV 2012.
"""

import os
import re

import numpy as np

from keras_reid.data.files import existing_folder, found_in, images_in
from keras_reid.data.table import ReIDData, Split
from keras_reid.errors import ReIDError

_NAME = re.compile(r"(?P<identity>\d{4})(?P<picture>\d{3})\.png", re.IGNORECASE)


def read(root: str | os.PathLike, split: int = 0) -> ReIDData:
    """The data set in folder `root`, which holds the pictures or the folder `campus`.

    Half of the people, the smaller one where they are odd (485 of 971), are trained on, the others (486) searched for:
    those in camera 1 are asked for in camera 2. The data set's authors draw the halves ten times.

    Args:
        root: its folder.
        split: which draw, from 0; its number is the seed. Defaults to 0.

    Raises:
        ReIDError: the folder is missing or in another layout, fewer than two people, or a `split` below 0.
    """
    if split < 0:
        raise ReIDError(f"`split` is the number of a draw, from 0. Received: {split}.")
    folder = existing_folder(root)
    pictures = folder / "campus" if (folder / "campus").is_dir() else folder
    paths = [path for path in images_in(pictures) if path.suffix.lower() == ".png"]
    if not paths:
        raise ReIDError(
            f"'{folder}' is not in cuhk01's layout: looked for pictures named like 0001001.png, in it or in campus/. "
            f"Found: {found_in(folder)}."
        )
    people, cameras = np.empty(len(paths), np.int64), np.empty(len(paths), np.int64)
    for row, path in enumerate(paths):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ReIDError(
                f"'{path}' is not named as in cuhk01's layout: expected a name like 0001001.png. Rename or remove it."
            )
        people[row], cameras[row] = int(match["identity"]), (int(match["picture"]) - 1) // 2 + 1
    identities = np.unique(people)
    if len(identities) < 2:
        raise ReIDError(f"'{pictures}' shows one person: some to train on and some to search for are needed.")
    drawn = np.random.default_rng(split).permutation(identities)[: len(identities) // 2]
    train = np.isin(people, drawn)
    names = {int(identity): f"{identity:04}" for identity in identities}
    table = Split(np.array(paths, np.str_), people, cameras, names=names)
    masks = {"train": train, "query": ~train & (cameras == 1), "gallery": ~train & (cameras != 1)}
    return ReIDData("cuhk01", folder, *(_named(table.take(mask), name) for name, mask in masks.items()))


def _named(split: Split, name: str) -> Split:
    return Split(split.paths, split.identities, split.cameras, names=split.names, name=name)

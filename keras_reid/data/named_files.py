"""Splits from folders whose file names say identity and camera, as Market-1501's and WARD's do."""

import re
from pathlib import Path

import numpy as np

from keras_reid.data.files import found_in, images_in
from keras_reid.data.table import ReIDData, Split
from keras_reid.errors import ReIDError


def read_named_files(
    name: str, root: Path, folders: dict[str, str], pattern: re.Pattern[str], example: str, train_only: int = 1
) -> ReIDData:
    """The data set in `root`.

    Args:
        name: of the data set.
        root: an existing folder.
        folders: the folder of each of the splits train, query and gallery.
        pattern: matches a file's name and has the groups `identity` and `camera`, both whole numbers.
        example: a file name that matches, for errors.
        train_only: lowest identity that is trained on; images of lower ones (junk, distractors) are left out of the
            train split.

    Raises:
        ReIDError: a folder is missing or has no images, or a name does not match.
    """
    missing = [folder for folder in folders.values() if not (root / folder).is_dir()]
    if missing:
        raise ReIDError(
            f"'{root}' is not in {name}'s layout: looked for the folders {', '.join(folders.values())} with images "
            f"named like {example}; missing: {', '.join(missing)}. Found: {found_in(root)}."
        )
    splits = {}
    for split, folder in folders.items():
        paths = images_in(root / folder)
        if not paths:
            raise ReIDError(
                f"'{root / folder}' has no images: looked for files named like {example}. "
                f"Found: {found_in(root / folder)}."
            )
        identities: list[int] = []
        cameras: list[int] = []
        names: dict[int, str] = {}
        for path in paths:
            match = pattern.fullmatch(path.name)
            if match is None:
                raise ReIDError(
                    f"'{path}' is not named as in {name}'s layout: expected a name like {example}. Rename or remove it."
                )
            identities.append(int(match["identity"]))
            cameras.append(int(match["camera"]))
            names[identities[-1]] = match["identity"]
        columns = (np.array(paths, np.str_), np.array(identities), np.array(cameras))
        table = Split(*columns, names=names, name=split)
        splits[split] = table.take(table.identities >= train_only) if split == "train" else table
    return ReIDData(name, root, *(splits[name] for name in ("train", "query", "gallery")))

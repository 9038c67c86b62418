"""MSMT17's layout: lists of `FOLDER/IDENTITY_NUMBER_CAMERA_….jpg IDENTITY`, and two folders with one a person.

L. Wei et al.: Person transfer GAN to bridge domain gap for person re-identification. CVPR 2018. In version 2 faces are
masked; lists and figures are the same.
"""

import os
from pathlib import Path

import numpy as np

from keras_reid.data.files import existing_folder, found_in
from keras_reid.data.table import ReIDData, Split
from keras_reid.errors import ReIDError

# Folders of training and test images by version.
_VERSIONS = {"1": ("train", "test"), "2": ("mask_train_v2", "mask_test_v2")}
_LISTS = {
    "train": ("list_train.txt", "list_val.txt"),  # together the 32,621 images of the paper
    "query": ("list_query.txt",),
    "gallery": ("list_gallery.txt",),
}
_EXAMPLE = "0000/0000_000_01_0303morning_0008_0.jpg 0"


def read(root: str | os.PathLike, version: str | None = None) -> ReIDData:
    """The data set in folder `root`, the one that holds `list_train.txt`, or one that holds that one.

    The lists number people from 0, training and test people alike. Here people to train on have the number of the
    list and 1 more, those to search for stand behind them; `names` has the lists' own.

    Args:
        root: its folder.
        version: "1" or "2". Defaults to None: the one whose folders are there.

    Raises:
        ReIDError: the folder is missing or in another layout, a line of a list is wrong, or names a missing file.
    """
    if version not in (None, *_VERSIONS):
        raise ReIDError(f"MSMT17 has the versions '1' and '2'. Received: {version!r}.")
    folder = existing_folder(root)
    for inner in (f"MSMT17_V{number}" for number in ([version] if version else _VERSIONS)):
        if not (folder / "list_train.txt").is_file() and (folder / inner).is_dir():
            folder = folder / inner
    there = [number for number, names in _VERSIONS.items() if all((folder / name).is_dir() for name in names)]
    there = [number for number in there if version in (None, number)]
    missing = [name for names in _LISTS.values() for name in names if not (folder / name).is_file()]
    if missing or not there:
        looked = " or ".join("/, ".join(_VERSIONS[number]) + "/" for number in ([version] if version else _VERSIONS))
        raise ReIDError(
            f"'{folder}' is not in msmt17's layout: looked for {looked}, and the lists "
            f"{', '.join(name for names in _LISTS.values() for name in names)}. Found: {found_in(folder)}."
        )
    train_folder, test_folder = (folder / name for name in _VERSIONS[there[0]])
    train = _rows(folder, _LISTS["train"], train_folder)
    behind = max((number for _, number, _ in train), default=0) + 1
    tables = {"train": _split(train, 1, "train")}
    for split in ("query", "gallery"):
        tables[split] = _split(_rows(folder, _LISTS[split], test_folder), 1 + behind, split)
    return ReIDData("msmt17", folder, *tables.values())


def _rows(folder: Path, lists: tuple[str, ...], images: Path) -> list[tuple[str, int, int]]:
    rows = []
    for name in lists:
        for number, line in enumerate((folder / name).read_text(encoding="utf-8").splitlines(), 1):
            path, _, identity = line.strip().rpartition(" ")
            parts = Path(path).name.split("_")
            if not (identity.isdigit() and len(parts) > 3 and parts[2].isdigit()):
                raise ReIDError(
                    f"Line {number} of '{folder / name}' is not as in msmt17's layout: expected one like '{_EXAMPLE}'. "
                    f"Received: {line!r}."
                )
            if not (images / path).is_file():
                raise ReIDError(f"Line {number} of '{folder / name}' names '{images / path}', which does not exist.")
            rows.append((str(images / path), int(identity), int(parts[2])))
    return rows


def _split(rows: list[tuple[str, int, int]], first: int, name: str) -> Split:
    rows = sorted(rows)
    paths, identities, cameras = zip(*rows, strict=True) if rows else ((), (), ())
    names = {first + identity: f"{identity:04}" for identity in identities}
    numbers = np.array(identities, np.int64) + first
    return Split(np.array(paths, np.str_), numbers, np.array(cameras, np.int64), names=names, name=name)

"""CUHK03: `cuhk-03.mat` with all pictures, and the published files of the new protocol's split.

W. Li et al.: DeepReID: Deep filter pairing neural network for person re-identification. CVPR 2014 (the pictures, boxed
by hand and by a detector, and 20 draws of 100 people to search for); Z. Zhong et al.: Re-ranking person
re-identification with k-reciprocal encoding. CVPR 2017 (the new protocol: 767 people to train on, 700 to search for).
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_reid.data.files import existing_folder, found_in, images_in
from keras_reid.data.matlab import read_matlab
from keras_reid.data.table import ReIDData, Split
from keras_reid.errors import ReIDError
from keras_reid.lock import locked

_BOXES = ("labeled", "detected")
_PROTOCOLS = ("new", "vanilla")
_PICTURES = 5  # a person has at most so many in each of the two views


def read(root: str | os.PathLike, boxes: str = "detected", protocol: str = "new", split: int = 0) -> ReIDData:
    """The data set in folder `root`, which holds `cuhk-03.mat` and the protocol's files, or one of them in a folder.

    The pictures are unpacked into `images_labeled` or `images_detected` beside `cuhk-03.mat` once, as
    `PAIR_PERSON_VIEW_NUMBER.png`; the two views of a pair of cameras count as cameras 2·PAIR − 1 and 2·PAIR.

    Args:
        root: its folder.
        boxes: "labeled", drawn by hand, or "detected". Defaults to "detected".
        protocol: "new", or "vanilla": 1,367 people to train on and 100 to search for, every picture of whom is both a
            query and in the gallery; measured by `keras_reid.evaluation.single_shot`. Defaults to "new".
        split: which of the 20 draws of "vanilla", from 0. Defaults to 0.

    Raises:
        ReIDError: the folder is missing or in another layout, a file is damaged, or an argument is none of these.
    """
    for name, value, known in (("boxes", boxes, _BOXES), ("protocol", protocol, _PROTOCOLS)):
        if value not in known:
            raise ReIDError(f"`{name}` must be one of {', '.join(map(repr, known))}. Received: {value!r}.")
    folder = existing_folder(root)
    places = (folder, folder / "cuhk03_release")
    release = next(
        (place / "cuhk-03.mat" for place in places if (place / "cuhk-03.mat").is_file()), folder / "cuhk-03.mat"
    )
    unpacked = [place / f"images_{boxes}" for place in (*places, release.parent)]
    pictures = next((place for place in unpacked if place.is_dir()), unpacked[-1])
    config = folder / f"cuhk03_new_protocol_config_{boxes}.mat"
    needed = ([] if pictures.is_dir() and protocol == "new" else [release]) + ([config] if protocol == "new" else [])
    missing = [path.name for path in needed if not path.is_file()]
    if missing:
        raise ReIDError(
            f"'{folder}' is not in cuhk03's layout: looked for {', '.join(path.name for path in needed)}; missing: "
            f"{', '.join(missing)}. Found: {found_in(folder)}."
        )
    if not pictures.is_dir():
        _unpack(release, boxes, pictures)
    if protocol == "new":
        return ReIDData(f"cuhk03_{boxes}", folder, *_new(config, pictures))
    splits = _vanilla(release, pictures, split)
    return ReIDData(f"cuhk03_{boxes}_vanilla", folder, *splits, protocol="single_shot")


def _new(config: Path, pictures: Path) -> list[Split]:
    found = read_matlab(config)
    columns = ("filelist", "labels", "train_idx", "query_idx", "gallery_idx")
    absent = [name for name in columns if name not in found]
    if absent:
        raise ReIDError(f"'{config}' is not the new protocol's split: it has no {', '.join(absent)}.")
    files, labels = found["filelist"], found["labels"].astype(np.int64).ravel()
    tables = []
    for name in ("train", "query", "gallery"):
        rows = found[f"{name}_idx"].astype(np.int64).ravel() - 1
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(files) == len(labels):
            raise ReIDError(f"'{config}' is damaged: its {name}_idx names pictures that it does not list.")
        tables.append(_split([pictures / files[row] for row in rows], labels[rows], name))
    return tables


def _vanilla(release: Path, pictures: Path, split: int) -> list[Split]:
    with _opened(release) as file:
        draws = file["testsets"][0]
        if not 0 <= split < len(draws):
            raise ReIDError(f"`split` must be one of the {len(draws)} draws, from 0. Received: {split}.")
        searched = {tuple(person) for person in file[draws[split]][:].T.astype(int).tolist()}
    paths = images_in(pictures)
    people = [tuple(int(part) for part in path.stem.split("_")[:2]) for path in paths]
    numbers = {person: number for number, person in enumerate(sorted(set(people)), 1)}
    identities = np.array([numbers[person] for person in people], np.int64)
    is_searched = np.array([person in searched for person in people], bool)

    def taken(mask: np.ndarray, name: str) -> Split:
        return _split([paths[row] for row in np.flatnonzero(mask)], identities[mask], name)

    return [taken(~is_searched, "train"), taken(is_searched, "query"), taken(is_searched, "gallery")]


def _split(paths: list[Path], identities: np.ndarray, name: str) -> Split:
    cameras = np.empty(len(paths), np.int64)
    for row, path in enumerate(paths):
        parts = path.stem.split("_")
        if len(parts) != 4 or not all(part.isdigit() for part in parts):
            raise ReIDError(f"'{path}' is not named as in cuhk03's layout: expected a name like 1_001_1_01.png.")
        cameras[row] = 2 * int(parts[0]) - 2 + int(parts[2])
    absent = [path for path in paths if not path.is_file()]
    if absent:
        raise ReIDError(
            f"'{absent[0]}' does not exist, nor do {len(absent) - 1:,} other pictures: remove '{absent[0].parent}' to "
            "have them unpacked again."
        )
    return Split(np.array(paths, np.str_), identities, cameras, name=name)


def _unpack(release: Path, boxes: str, pictures: Path) -> None:
    """Write all pictures of one kind, whole or not at all; of several processes one does it, and the others wait."""
    with locked(pictures.with_name(f".{pictures.name}.lock")):
        if pictures.is_dir():
            return
        half = pictures.with_name(f".{pictures.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        with _opened(release) as file:
            for name, pixels in _pictures(file, boxes):
                Image.fromarray(pixels).save(half / name)
        half.rename(pictures)


def _pictures(file: Any, boxes: str) -> Iterator[tuple[str, np.ndarray]]:
    # A cell a pair of cameras, in each a table of references, (10, people); HDF5 has MATLAB's axes in reverse.
    for pair, reference in enumerate(file[boxes][0], 1):
        for person, column in enumerate(file[reference][:].T, 1):
            for number, inner in enumerate(column, 1):
                pixels = file[inner][:].T
                if pixels.ndim == 3:  # an empty cell otherwise
                    yield f"{pair}_{person:03}_{1 + (number > _PICTURES)}_{number:02}.png", pixels


def _opened(release: Path) -> Any:
    import h5py

    try:
        file = h5py.File(release, "r")
    except OSError as error:
        raise ReIDError(f"'{release}' is no MAT-file of version 7.3, or damaged ({error}): copy it again.") from error
    absent = [name for name in (*_BOXES, "testsets") if name not in file]
    if absent:
        file.close()
        raise ReIDError(f"'{release}' is not CUHK03's release: it has no {', '.join(absent)}.")
    return file

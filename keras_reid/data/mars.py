"""MARS' layout, tracklets of Market-1501's people: `bbox_train/`, `bbox_test/` and `info/` with MATLAB's tables.

A row of the data set is a picture; the pictures of a tracklet share its number in `tracklets`, by which
`keras_reid.evaluation.pooled` makes one embedding of theirs. L. Zheng et al.: MARS: A video benchmark for large-scale
person re-identification. ECCV 2016.
"""

import os
from pathlib import Path

import numpy as np

from keras_reid.data.files import existing_folder, found_in
from keras_reid.data.matlab import read_matlab
from keras_reid.data.table import ReIDData, Split
from keras_reid.errors import ReIDError

_NEEDED = (
    "bbox_train",
    "bbox_test",
    "info/train_name.txt",
    "info/test_name.txt",
    "info/tracks_train_info.mat",
    "info/tracks_test_info.mat",
    "info/query_IDX.mat",
)


def read(root: str | os.PathLike) -> ReIDData:
    """The data set in folder `root`, the one that holds `bbox_train`.

    Tracklets are numbered from 1 as the tables number them. Identity -1 is junk and 0 a distractor, as in Market-1501.

    Raises:
        ReIDError: the folder is missing or in another layout, or its tables do not fit together.
    """
    folder = existing_folder(root)
    missing = [name for name in _NEEDED if not (folder / name).exists()]
    if missing:
        raise ReIDError(
            f"'{folder}' is not in mars' layout: looked for {', '.join(_NEEDED)}; missing: {', '.join(missing)}. "
            f"Found: {found_in(folder)}."
        )
    info = folder / "info"
    train = _tracks(info / "tracks_train_info.mat", "track_train_info")
    test = _tracks(info / "tracks_test_info.mat", "track_test_info")
    query = _variable(info / "query_IDX.mat", "query_IDX").astype(np.int64).ravel()
    if len(query) and not 1 <= query.min() <= query.max() <= len(test):
        raise ReIDError(
            f"'{info / 'query_IDX.mat'}' names tracklets from {query.min()} to {query.max()}, but "
            f"'{info / 'tracks_test_info.mat'}' has {len(test)}."
        )
    is_query = np.isin(np.arange(1, len(test) + 1), query)
    people = train[:, 2] > 0
    tables = {
        "train": _split(folder / "bbox_train", info / "train_name.txt", train, people, "train"),
        "query": _split(folder / "bbox_test", info / "test_name.txt", test, is_query, "query"),
        "gallery": _split(folder / "bbox_test", info / "test_name.txt", test, ~is_query, "gallery"),
    }
    return ReIDData("mars", folder, *tables.values(), protocol="tracklets")


def _variable(path: Path, name: str) -> np.ndarray:
    found = read_matlab(path)
    if not isinstance(found.get(name), np.ndarray):
        raise ReIDError(f"'{path}' has no table '{name}'. Found: {', '.join(found) or 'nothing'}.")
    return found[name]


def _tracks(path: Path, name: str) -> np.ndarray:
    """(n, 4): first and last picture, from 1, identity, camera."""
    tracks = _variable(path, name).astype(np.int64)
    if tracks.ndim != 2 or tracks.shape[1] != 4:
        raise ReIDError(
            f"'{path}' must have four columns: first and last picture, identity, camera. Received: {tracks.shape}."
        )
    return tracks


def _split(pictures: Path, names: Path, tracks: np.ndarray, chosen: np.ndarray, name: str) -> Split:
    files = names.read_text(encoding="utf-8").split()
    paths: list[str] = []
    counts = []
    for first, last, _, _ in tracks[chosen]:
        if not 1 <= first <= last <= len(files):
            raise ReIDError(f"A tracklet is of the pictures {first} to {last}, but '{names}' has {len(files)}.")
        part = files[first - 1 : last]
        paths += [str(pictures / file[: 2 if file.startswith("-1") else 4] / file) for file in part]
        counts.append(len(part))
    for path in paths[:: max(1, len(paths) // 1000)]:  # a thousand say whether the pictures are there; all take minutes
        if not Path(path).is_file():
            raise ReIDError(f"'{names}' names '{path}', which does not exist: unpack the pictures into '{pictures}'.")
    number, _, identity, camera = (
        np.repeat(column, counts) for column in (np.flatnonzero(chosen) + 1, *tracks[chosen][:, 1:].T)
    )
    own = {int(person): f"{person:04}" for person in np.unique(identity) if person > 0}
    return Split(np.array(paths, np.str_), identity, camera, number, own, name)

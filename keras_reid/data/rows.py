"""From rows that name a person and a camera in the user's own words to a numbered table."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_reid.data.table import DISTRACTOR, ReIDData, Split
from keras_reid.errors import ReIDError

SPLITS = ("train", "query", "gallery")


class Row(NamedTuple):
    """One image. An empty identity is somebody who is not asked for; `split` is None until it is chosen."""

    path: str
    identity: str
    camera: str
    split: str | None = None
    tracklet: str = ""


def from_rows(name: str, root: Path, rows: Sequence[Row]) -> ReIDData:
    """The table of these rows; split by `choose_splits` if none of them says its split.

    Identities are numbered from 1 in the order of their names, over all splits together; cameras keep their numbers
    if all are whole numbers, and are numbered in the order of their names otherwise. So do tracklets, unless a name
    stands for several, as where their count begins anew for each person or camera. Nothing depends on the order of the
    rows, nor on the process.

    Raises:
        ReIDError: fewer than two people are seen by two cameras, where the split is to be chosen; or some rows have a
            tracklet and others none.
    """
    if all(row.split is None for row in rows):
        rows = choose_splits(rows)
    rows = sorted(rows, key=lambda row: row.path)
    numbers = {identity: number for number, identity in enumerate(sorted({row.identity for row in rows} - {""}), 1)}
    numbers[""] = DISTRACTOR
    cameras = _numbers(row.camera for row in rows)
    tracklets = _tracklets(rows)
    splits = {}
    for split in SPLITS:
        mine = [row for row in rows if row.split == split]
        splits[split] = Split(
            np.array([row.path for row in mine], np.str_),
            np.array([numbers[row.identity] for row in mine], np.int64),
            np.array([cameras[row.camera] for row in mine], np.int64),
            None if tracklets is None else np.array([tracklets[_tracklet(row)] for row in mine], np.int64),
            {numbers[row.identity]: row.identity for row in mine if row.identity},
            split,
        )
    return ReIDData(name, root, *splits.values())


def choose_splits(rows: Sequence[Row]) -> list[Row]:
    """Rows with a split each, chosen from the names alone, so that every process and every later run chooses the same.

    People seen by at least two cameras are put in the order of the SHA-256 of their names; the first half, rounded
    up, and everybody whom only one camera saw, is trained on. The others are searched for: of each of their cameras
    with more than one image the first is a query, or, if no camera has, the first image of their first camera; the
    rest is the gallery. People without a name (an empty identity) are in the gallery.

    Raises:
        ReIDError: fewer than two people are seen by two cameras.
    """
    seen: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))  # person -> camera -> paths
    for row in sorted(rows, key=lambda row: row.path):
        if row.identity:
            seen[row.identity][row.camera].append(row.path)
    crossing = sorted(
        (identity for identity, cameras in seen.items() if len(cameras) > 1),
        key=lambda identity: hashlib.sha256(identity.encode()).hexdigest(),
    )
    if len(crossing) < 2:
        raise ReIDError(
            "To choose people to train on and people to search for, at least two people must be seen by two cameras "
            f"or more. Found {len(seen)} people, {len(crossing)} of them seen by two cameras. Add images, or give the "
            "splits."
        )
    searched = crossing[(len(crossing) + 1) // 2 :]
    queries = set()
    for identity in searched:
        cameras = seen[identity]
        several = [paths for paths in cameras.values() if len(paths) > 1]
        queries |= {paths[0] for paths in several or [cameras[min(cameras)]]}
    in_gallery = {"", *searched}
    return [
        row._replace(
            split="query" if row.path in queries else "gallery" if row.identity in in_gallery else "train",
        )
        for row in rows
    ]


def _tracklet(row: Row) -> tuple[str, str, str]:
    return row.tracklet, row.identity, row.camera


def _tracklets(rows: Sequence[Row]) -> dict[tuple[str, str, str], int] | None:
    """The number of each row's tracklet, by name, person and camera; None where no row has one."""
    if not any(row.tracklet for row in rows):
        return None
    for row in rows:
        if not row.tracklet:
            raise ReIDError(
                f"'{row.path}' has no tracklet, and other pictures have one: give all of them one, or none."
            )
    different = sorted({_tracklet(row) for row in rows})
    names = [name for name, _, _ in different]
    if len(set(names)) < len(names):
        return {tracklet: number for number, tracklet in enumerate(different, 1)}
    numbers = _numbers(names)
    return {tracklet: numbers[tracklet[0]] for tracklet in different}


def _numbers(names: Iterable[str]) -> dict[str, int]:
    different = sorted(set(names))
    if all(re.fullmatch(r"-?\d{1,18}", name) for name in different):
        return {name: int(name) for name in different}
    return {name: number for number, name in enumerate(different, 1)}

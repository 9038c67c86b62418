"""Several data sets as one: all joined, or one to train on and another to search in."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_reid.data.table import DISTRACTOR, JUNK, ReIDData, Split
from keras_reid.errors import ReIDError


def join(sets: Sequence[ReIDData]) -> ReIDData:
    """All images of several data sets, whose people and cameras are others in each.

    People and cameras are numbered anew, data set after data set, people from 1; `names` has "SET:NAME". Junk and
    distractors stay what they are. They are measured by their protocol if all have the same, otherwise by the standard
    one; more images to ask with (`multi_query`) are left out.

    Raises:
        ReIDError: no data set.
    """
    if not sets:
        raise ReIDError("To join data sets, give at least one.")
    parts: dict[str, list[Split]] = {"train": [], "query": [], "gallery": []}
    person, camera, tracklet = 1, 1, 1
    with_tracklets = all(split.tracklets is not None for data in sets for split in data.splits.values() if len(split))
    for data in sets:
        filled = [split for split in data.splits.values() if len(split)]
        people = _numbered([split.identities[split.identities > DISTRACTOR] for split in filled], person)
        cameras = _numbered([split.cameras for split in filled], camera)
        tracklets = _numbered([split.tracklets for split in filled if split.tracklets is not None], tracklet)
        for name, split in data.splits.items():
            parts[name].append(_renumbered(split, data.name, people, cameras, tracklets if with_tracklets else None))
        person, camera, tracklet = person + len(people), camera + len(cameras), tracklet + len(tracklets)
    name = " + ".join(data.name for data in sets)
    protocols = {data.protocol for data in sets}
    protocol = protocols.pop() if len(protocols) == 1 else "standard"
    return ReIDData(name, sets[0].root, *(_stacked(found, split) for split, found in parts.items()), protocol=protocol)


def cross(train: ReIDData, search: ReIDData) -> ReIDData:
    """The training images of one data set, query and gallery of another: how well what was learnt carries over."""
    return dataclasses.replace(search, name=f"{train.name} -> {search.name}", train=train.train)


def _numbered(columns: Sequence[np.ndarray], first: int) -> dict[int, int]:
    different = np.unique(np.concatenate(columns)) if columns else np.zeros(0, np.int64)
    return {int(old): number for number, old in enumerate(different, first)}


def _renumbered(split: Split, name: str, people, cameras, tracklets) -> Split:
    kept = {JUNK: JUNK, DISTRACTOR: DISTRACTOR, **people}
    return Split(
        split.paths,
        np.array([kept[int(identity)] for identity in split.identities], np.int64),
        np.array([cameras[int(camera)] for camera in split.cameras], np.int64),
        None if tracklets is None else np.array([tracklets[int(t)] for t in _or_empty(split.tracklets)], np.int64),
        {people[number]: f"{name}:{own}" for number, own in split.names.items() if number in people},
        split.name,
    )


def _or_empty(column: np.ndarray | None) -> np.ndarray:
    return np.zeros(0, np.int64) if column is None else column


def _stacked(splits: Sequence[Split], name: str) -> Split:
    tracklets = [split.tracklets for split in splits if split.tracklets is not None]
    return Split(
        np.concatenate([split.paths for split in splits]),
        np.concatenate([split.identities for split in splits]),
        np.concatenate([split.cameras for split in splits]),
        np.concatenate(tracklets) if len(tracklets) == len(splits) else None,
        {number: own for split in splits for number, own in split.names.items()},
        name,
    )

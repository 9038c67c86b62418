"""The table every reader yields: which file shows which identity in which camera."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_reid.errors import ReIDError

if TYPE_CHECKING:
    from keras_reid.data.batches import Batches

# Market-1501's conventions, which evaluation follows.
JUNK = -1  # neither a right nor a wrong answer: left out of a ranking
DISTRACTOR = 0  # nobody who is asked for: always a wrong answer

_SIZES = 500  # files of a split whose sizes count for its digest: of millions, asking all takes minutes


@dataclass(frozen=True, eq=False)  # arrays are not to be compared as one truth
class Split:
    """One part of a data set: train, query or gallery.

    Attributes:
        paths: (N,) absolute paths.
        identities: (N,) int64. Numbers are those of the file names, or the position (from 1) of a name in sorted
            order, the same in every split and every process. `JUNK` (-1) and `DISTRACTOR` (0) as Market-1501
            defines them.
        cameras: (N,) int64.
        tracklets: (N,) int64 or None where the data set has none.
        names: what the data set itself calls an identity, by its number.
        name: "train", "query" or "gallery".
    """

    paths: np.ndarray
    identities: np.ndarray
    cameras: np.ndarray
    tracklets: np.ndarray | None = None
    names: Mapping[int, str] = field(default_factory=dict, repr=False)
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", np.asarray(self.paths, dtype=np.str_))
        for column in ("identities", "cameras", "tracklets"):
            values = getattr(self, column)
            if values is None:
                continue
            object.__setattr__(self, column, np.asarray(values, dtype=np.int64))
            if getattr(self, column).shape != self.paths.shape:
                raise ReIDError(
                    f"A split needs one of `{column}` for each of its {len(self.paths)} paths. "
                    f"Received shape {getattr(self, column).shape}."
                )

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def labels(self) -> np.ndarray:
        """(N,) int32: the identities numbered 0, 1, … in ascending order, as classifiers want them."""
        return np.unique(self.identities, return_inverse=True)[1].astype(np.int32)

    @property
    def number_of_identities(self) -> int:
        """How many different identities there are, junk and distractors included."""
        return len(np.unique(self.identities))

    @property
    def number_of_cameras(self) -> int:
        """How many different cameras there are."""
        return len(np.unique(self.cameras))

    def take(self, indices: Any) -> Split:
        """The split with only these rows: indices or a Boolean mask."""
        tracklets = None if self.tracklets is None else self.tracklets[indices]
        return Split(
            self.paths[indices], self.identities[indices], self.cameras[indices], tracklets, self.names, self.name
        )

    def batches(self, identities: int | None = None, images: int | None = None, **options: Any) -> Batches:
        """Training batches `({"images": uint8 (B, height, width, 3)}, labels int32 (B,))` for `fit`.

        Args:
            identities, images: P and K: a batch is `images` images of each of `identities` identities. Without
                them, plain shuffling. With `frames=F` a batch is K clips of each, of F images of one tracklet.
            **options: `batch_cameras`, `frames=1`, `batch_size=32` (plain shuffling), `image_size`, `seed=0`,
                `augmentation`, `cache`, `workers`; see `Batches`.

        Raises:
            ReIDError: too few identities or images for a batch.
        """
        from keras_reid.data.batches import Batches

        return Batches(
            self.paths,
            self.labels,
            cameras=self.cameras,
            identities=identities,
            images_each=images,
            **{"tracklets": self.tracklets, **options},
        )


@dataclass(frozen=True)
class ReIDData:
    """A data set: images to learn from, and queries to find in a gallery of other identities.

    Attributes:
        name: the reader's name.
        root: the folder (or CSV file) it was read from.
        train, query, gallery: its splits; a split the data set does not have is empty.
        multi_query: more images of the queries' people in the queries' cameras, to ask with all of them at once;
            `tracklets` are the rows of the query that they belong to. None where the data set has none.
        protocol: how it is measured, see `keras_reid.evaluation.searchable`.
    """

    name: str
    root: Path
    train: Split
    query: Split
    gallery: Split
    multi_query: Split | None = field(default=None, kw_only=True)
    protocol: str = field(default="standard", kw_only=True)

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name."""
        return {"train": self.train, "query": self.query, "gallery": self.gallery}

    def digest(self) -> str:
        """A number that tells data sets apart: of their files' names, people and cameras, and of some files' sizes.

        Where the files are does not count.
        """
        told = hashlib.sha256()
        for name, split in self.splits.items():
            told.update(f"{name} {len(split)}\n".encode())
            for column in (split.identities, split.cameras):
                told.update(column.astype("<i8").tobytes())
            told.update("\n".join(map(os.path.basename, split.paths)).encode("utf-8", "surrogateescape"))
            for path in split.paths[:: max(1, len(split) // _SIZES)]:
                told.update(f"{os.path.getsize(path)}\n".encode())
        return told.hexdigest()[:16]

    def summary(self) -> list[dict[str, Any]]:
        """One row a split: its name and the number of images, identities and cameras.

        Of a published data set also the published number of images (or tracklets) and people, None where it is not
        known; they leave out junk, and distractors do not count as people.
        """
        from keras_reid.data.published import PUBLISHED

        rows = []
        for name, split in self.splits.items():
            row: dict[str, Any] = {"split": name, "images": len(split), "identities": split.number_of_identities}
            row["cameras"] = split.number_of_cameras
            if self.name in PUBLISHED:
                row["published"], row["published people"] = PUBLISHED[self.name][name]
            rows.append(row)
        return rows

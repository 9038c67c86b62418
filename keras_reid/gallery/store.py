"""Where a gallery's crops are: in memory, or in a folder whose files only grow.

A folder has `manifest.json` and a folder of columns, one file each. `add` appends to the files, makes sure that they
are on the disk, and then replaces the manifest, which says how much of them counts. Whoever is killed in between leaves
a manifest that does not count what was half-written; the next `add` overwrites it.
"""

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.gallery.entries import Entries, check_dimensions
from keras_reid.lock import locked

_MANIFEST = "manifest.json"
_FORMAT = 1
_KEYS = {"format", "dimensions", "about", "data", "count", "path_bytes", "removed", "next_id"}
# Files of one value a crop. `paths` has text, of which `path_ends` says where each crop's ends.
_OURS = re.compile(r"\.|data-\d{6}$")  # locks and half-written manifests, and columns
_COLUMNS = {"ids": "<i8", "cameras": "<i8", "times": "<f8", "path_ends": "<i8"}


class Memory:
    """Crops in memory, which grow by doubling."""

    def __init__(self, dimensions: int):
        self.dimensions = dimensions
        self.about: dict[str, str] = {}
        self.next_id = 0
        self.removed = np.zeros(0, np.int64)
        self._count = 0
        self._room = {name: np.empty(0, kind) for name, kind in _COLUMNS.items() if name != "path_ends"}
        self._room["vectors"] = np.empty((0, dimensions), np.float32)
        self._paths: list[str] = []

    def column(self, name: str) -> np.ndarray:
        """One of "vectors", "ids", "cameras", "times", for all crops that were ever added."""
        return self._room[name][: self._count]

    def paths(self, rows: np.ndarray) -> list[str]:
        """The paths of these rows."""
        return [self._paths[row] for row in rows]

    def refresh(self) -> None:
        """Look for what other processes have added; of this memory there are none."""

    def append(self, entries: Entries) -> np.ndarray:
        """Add crops and return their ids."""
        ids = np.arange(self.next_id, self.next_id + len(entries.vectors))
        new = {"ids": ids, "cameras": entries.cameras, "times": entries.times, "vectors": entries.vectors}
        end = self._count + len(ids)
        for name, values in new.items():
            if end > len(self._room[name]):
                room = np.empty((max(end, 2 * self._count), *values.shape[1:]), self._room[name].dtype)
                room[: self._count] = self.column(name)
                self._room[name] = room
            self._room[name][self._count : end] = values
        self._paths += entries.paths
        self._count, self.next_id = end, self.next_id + len(ids)
        return ids

    def remove(self, ids: np.ndarray) -> int:
        """Forget those of these crops that are there, and return how many."""
        found = _there(self, ids)
        self.removed = np.concatenate([self.removed, found])
        return len(found)


class Folder:
    """Crops in a folder, mapped into memory. Several processes may add to one folder, one after the other."""

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self._manifest: dict[str, Any] = {}
        self.refresh()

    @property
    def dimensions(self) -> int:
        """Of the vectors."""
        return self._manifest["dimensions"]

    @property
    def about(self) -> dict[str, str]:
        """What the gallery's maker noted of it."""
        return self._manifest["about"]

    @property
    def next_id(self) -> int:
        """The id of the next crop that is added."""
        return self._manifest["next_id"]

    def refresh(self) -> None:
        """Look for what other processes have added or removed."""
        manifest = _read_manifest(self.folder)
        if manifest == self._manifest:
            return
        try:
            self._open(manifest)
        except ReIDError:
            again = _read_manifest(self.folder)
            if again["data"] == manifest["data"]:
                raise
            self._open(again)  # somebody wrote the folder anew between the two

    def _open(self, manifest: dict[str, Any]) -> None:
        data = self.folder / manifest["data"]
        count = manifest["count"]
        shape = count, manifest["dimensions"]
        self._columns = {name: _mapped(data / name, kind, (count,)) for name, kind in _COLUMNS.items()}
        self._columns["vectors"] = _mapped(data / "vectors", "<f4", shape)
        self._text = _mapped(data / "paths", "u1", (manifest["path_bytes"],))
        self.removed = np.array(_mapped(data / "removed", "<i8", (manifest["removed"],)))
        self._manifest = manifest

    def column(self, name: str) -> np.ndarray:
        """As `Memory.column`."""
        return self._columns[name]

    def paths(self, rows: np.ndarray) -> list[str]:
        """As `Memory.paths`."""
        ends = self._columns["path_ends"]
        return [_decoded(self._text[ends[row - 1] if row else 0 : ends[row]]) for row in rows]

    def append(self, entries: Entries) -> np.ndarray:
        """Add crops and return their ids; they are on the disk then."""
        with locked(self.folder / ".lock"):
            self.refresh()
            before = self._manifest
            check_dimensions("vectors", entries.vectors, self.dimensions)  # of what may have come here meanwhile
            ids = np.arange(self.next_id, self.next_id + len(entries.vectors))
            text = _encoded(entries.paths)
            ends = before["path_bytes"] + np.cumsum([len(path) for path in text], dtype=np.int64)
            new = {"ids": ids, "cameras": entries.cameras, "times": entries.times, "path_ends": ends}
            data = self.folder / before["data"]
            for name, values in new.items():
                _write(data / name, before["count"] * 8, values.astype(_COLUMNS[name]).data)
            _write(data / "paths", before["path_bytes"], b"".join(text))
            vectors = np.ascontiguousarray(entries.vectors, "<f4")
            _write(data / "vectors", before["count"] * 4 * self.dimensions, vectors.data)
            after = {"count": before["count"] + len(ids), "next_id": self.next_id + len(ids)}
            _write_manifest(self.folder, {**before, **after, "path_bytes": int(ends[-1])})
            self.refresh()
        return ids

    def remove(self, ids: np.ndarray) -> int:
        """As `Memory.remove`, for good when the folder is next written anew."""
        with locked(self.folder / ".lock"):
            self.refresh()
            found = _there(self, ids)
            if len(found):
                before = self._manifest
                _write(self.folder / before["data"] / "removed", before["removed"] * 8, found.astype("<i8").data)
                _write_manifest(self.folder, {**before, "removed": before["removed"] + len(found)})
                self.refresh()
        return len(found)


def alive(store: Memory | Folder) -> np.ndarray:
    """Boolean, one a row of the columns: crops that were not removed."""
    known = store.column("ids")
    kept = np.ones(len(known), bool)
    if len(store.removed):
        kept[np.searchsorted(known, store.removed)] = False
    return kept


def _there(store: Memory | Folder, ids: np.ndarray) -> np.ndarray:
    """Of these ids those of crops that were not removed, each once."""
    wanted = np.unique(ids)
    return wanted[np.isin(wanted, store.column("ids")[alive(store)])]


def holds_gallery(folder: Path) -> bool:
    """Whether there is a gallery in a folder, which otherwise is missing, or holds at most what a killed maker left.

    Raises:
        ReIDError: there is something else.
    """
    if (folder / _MANIFEST).is_file():
        return True
    if folder.exists() and not (folder.is_dir() and all(_OURS.match(path.name) for path in folder.iterdir())):
        raise ReIDError(f"'{folder}' exists and is no gallery: give another folder.")
    return False


def write_folder(folder: Path, store: Memory | Folder) -> None:
    """Write a store, without what was removed, as a gallery's folder, in the place of one that may be there.

    Raises:
        ReIDError: there is something else.
    """
    holds_gallery(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"):
        before = _read_manifest(folder)["data"] if holds_gallery(folder) else "data-000000"
        data = f"data-{int(before.partition('-')[2]) + 1:06}"
        _write_manifest(folder, _write_columns(folder / data, store))
        for old in folder.glob("data-*"):
            if old.name != data:
                shutil.rmtree(old, ignore_errors=True)
    _sync(folder.parent)


def _encoded(paths: Sequence[str]) -> list[bytes]:
    return [path.encode("utf-8", "surrogateescape") for path in paths]  # a file's name may have bytes that are no text


def _decoded(path: np.ndarray) -> str:
    return bytes(path).decode("utf-8", "surrogateescape")


def _write_columns(data: Path, store: Memory | Folder) -> dict[str, Any]:
    store.refresh()  # what others have added or removed until now is not to be lost
    rows = np.flatnonzero(alive(store))
    shutil.rmtree(data, ignore_errors=True)  # of somebody who was killed
    data.mkdir()
    text = _encoded(store.paths(rows))
    ends = np.cumsum([len(path) for path in text], dtype=np.int64)
    for name, kind in _COLUMNS.items():
        values = ends if name == "path_ends" else store.column(name)[rows]
        _write(data / name, 0, values.astype(kind).data)
    vectors = store.column("vectors")
    (data / "vectors").touch()
    for start in range(0, len(rows), 65_536):
        part = np.ascontiguousarray(vectors[rows[start : start + 65_536]], "<f4")
        _write(data / "vectors", start * 4 * store.dimensions, part.data)
    _write(data / "paths", 0, b"".join(text))
    _write(data / "removed", 0, b"")
    return {
        "format": _FORMAT,
        "dimensions": store.dimensions,
        "about": store.about,
        "data": data.name,
        "count": len(rows),
        "path_bytes": int(ends[-1]) if len(ends) else 0,
        "removed": 0,
        "next_id": store.next_id,
    }


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    if not path.is_file():
        raise ReIDError(f"'{folder}' is no gallery: it has no {_MANIFEST}. Make one with Gallery(…).save(folder).")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found = manifest["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ReIDError(f"'{path}' is damaged ({error!r}): take the gallery from a copy.") from error
    if found != _FORMAT:
        raise ReIDError(f"'{folder}' is a gallery of format {found}; this version reads {_FORMAT}.")
    if missing := _KEYS - manifest.keys():
        raise ReIDError(f"'{path}' is damaged (it has no {', '.join(sorted(missing))}): take the gallery from a copy.")
    return manifest


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    with atomically(folder / _MANIFEST) as new:
        new.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    _sync(folder)


def _write(path: Path, place: int, data: Any) -> None:
    """Write at a place of a file, which then ends there, and make sure that it is on the disk."""
    with open(path, "r+b" if path.exists() else "w+b") as file:
        file.truncate(place)
        file.seek(place)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _mapped(path: Path, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    if 0 in shape:
        return np.zeros(shape, kind)  # an empty file cannot be mapped
    try:
        return np.memmap(path, kind, "r", shape=shape)
    except (OSError, ValueError) as error:
        raise ReIDError(f"'{path}' is missing or shorter than its gallery's manifest says ({error}).") from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

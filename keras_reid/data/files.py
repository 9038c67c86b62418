"""Listing folders for the readers: sorted, so that every process sees one order."""

import os
from pathlib import Path

from keras_reid.data.images import SUFFIXES
from keras_reid.errors import ReIDError

_SHOWN = 5


def existing_folder(root: str | os.PathLike) -> Path:
    """`root` as an absolute path, `~` expanded.

    Raises:
        ReIDError: it does not exist or is a file.
    """
    folder = Path(root).expanduser()
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ReIDError(f"'{folder}' {what}: give the data set's folder.")
    return folder.resolve()


def images_in(folder: str | os.PathLike) -> list[Path]:
    """The image files directly in `folder`, by suffix, sorted by name; hidden files are left out."""
    return sorted(
        entry for entry in Path(folder).iterdir() if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".")
    )


def folders_in(folder: str | os.PathLike) -> list[Path]:
    """The folders directly in `folder`, sorted by name; hidden ones are left out."""
    return sorted(entry for entry in Path(folder).iterdir() if entry.is_dir() and not entry.name.startswith("."))


def found_in(folder: str | os.PathLike) -> str:
    """What `folder` holds, in words for an error: the first names, and how many more."""
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in Path(folder).iterdir())
    if not names:
        return "nothing"
    more = f", … ({len(names)} entries)" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

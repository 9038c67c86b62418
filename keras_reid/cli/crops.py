"""Pictures that are named on the command line: finding them, reading who they show from their names, embedding them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from keras_reid.data.files import found_in
from keras_reid.data.images import SUFFIXES, load_images
from keras_reid.errors import ReIDError

# "0001_c1_f0040.jpg" (WARD) and "0001_c1s1_000151_01.jpg" (Market-1501, where -1 is junk and 0 a distractor).
_NAME = re.compile(r"(-?\d+)_c(\d{1,18})")
_DIGITS = 7  # of an identity; 20240105 is a day


class Embedded(NamedTuple):
    """The pictures that could be read, their embeddings (N, D), and (path, reason) of those that could not."""

    paths: list[str]
    vectors: np.ndarray
    skipped: list[tuple[str, str]]


def find_pictures(places: Sequence[Path]) -> list[str]:
    """Picture files among `places` and, sorted, at any depth in the folders among them. Hidden files are left out.

    Raises:
        ReIDError: a place does not exist, or a folder has no pictures.
        OSError: a folder may not be read.
    """
    found = []
    for place in places:
        if place.is_file():
            found.append(str(place))
            continue
        if not place.is_dir():
            raise ReIDError(f"'{place}' does not exist: give a picture or a folder of pictures.")
        inside = sorted(_below(place))
        if not inside:
            raise ReIDError(
                f"'{place}' has no pictures: looked for {', '.join(SUFFIXES)} in it and the folders below. "
                f"Found: {found_in(place)}."
            )
        found += map(str, inside)
    return found


def _below(folder: Path) -> Iterator[Path]:
    """Picture files at any depth, behind links, too; a folder that several links lead to is looked into once."""

    def refuse(error: OSError) -> NoReturn:
        raise error  # which `os.walk` would pass over

    seen = set()
    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            Path(place, name) for name in files if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        )


def identities_and_cameras(paths: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """Identity and camera of each picture, if all names give them as WARD's or Market-1501's do; None otherwise."""
    matches = [match for path in paths if (match := _NAME.match(Path(path).name))]
    if len(matches) < len(paths) or any(len(match[1].lstrip("-")) > _DIGITS for match in matches):
        return None
    numbers = np.array([match.groups() for match in matches], np.int64).reshape(-1, 2)
    return numbers[:, 0], numbers[:, 1]


def cameras_by_name(paths: Sequence[str]) -> list[int]:
    """Camera of each picture whose name gives it as WARD's or Market-1501's do; −1 of the others."""
    matches = [_NAME.match(Path(path).name) for path in paths]
    return [int(match[2]) if match else -1 for match in matches]


def embed_pictures(model, paths: Sequence[str], batch_size: int, flip: bool, on_error: str, what: str) -> Embedded:
    """Embed picture files with a progress bar called `what`.

    Raises:
        ReIDError: a picture cannot be read and `on_error` is "raise", or none can.
    """
    blocks = list(embedded_blocks(model, paths, batch_size, flip, on_error, what))
    skipped = [one for block in blocks for one in block.skipped]
    check_some_read(paths, skipped)
    read = [path for block in blocks for path in block.paths]
    return Embedded(read, np.concatenate([block.vectors for block in blocks]), skipped)


def embedded_blocks(model, paths, batch_size: int, flip: bool, on_error: str, what: str) -> Iterator[Embedded]:
    """The same, batch by batch; of some batches, or all, perhaps no picture can be read."""
    from rich.progress import track

    for start in track(range(0, len(paths), batch_size), description=what):
        block = paths[start : start + batch_size]
        pixels, indices, unreadable = load_images(block, model.image_size, on_error=on_error)
        vectors = model.embed(pixels, batch_size=batch_size, flip=flip)
        yield Embedded([block[index] for index in indices], vectors, unreadable)


def printed(similarities: np.ndarray) -> np.ndarray:
    """Similarities with four digits, as they are shown, and compared with thresholds, which have as many.

    Rounded down: one below a threshold must not come to it. (1 in float32 is sometimes a little less.)
    """
    return np.floor(similarities.astype(float) * 1e4 + 0.01) / 1e4


def check_some_read(paths: Sequence[str], skipped: Sequence[tuple[str, str]]) -> None:
    """Raises a ReIDError where none of the pictures could be read."""
    if paths and len(skipped) == len(paths):
        raise ReIDError(f"None of the {len(paths)} pictures can be read. The first: {skipped[0][1]}")


def draw_found(queries: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw what was found for each query: "query", a path, and "matches", each with "path" and "similarity".

    A match may say whether it is "right".
    """
    from keras_reid.data import read_image
    from keras_reid.pictures import draw_matches

    draw_matches(
        [read_image(asked["query"]) for asked in queries],
        [[read_image(item["path"]) for item in asked["matches"]] for asked in queries],
        [[1 - item["similarity"] for item in asked["matches"]] for asked in queries],
        path,
        hits=[[item.get("right") for item in asked["matches"]] for asked in queries],
        query_names=[Path(asked["query"]).name for asked in queries],
        match_names=[[Path(item["path"]).name for item in asked["matches"]] for asked in queries],
    )

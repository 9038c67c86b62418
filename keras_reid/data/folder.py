"""A folder for each person, the camera in the file names: `PERSON/…c1….jpg`, what people with their own cameras have.

The people's folders are in `train/`, `query/` and `gallery/`, or all in one folder; then people to train on and
people to search for are chosen, see `choose_splits`.
"""

import os
import re
from pathlib import Path

from keras_reid.data.files import existing_folder, folders_in, found_in, images_in
from keras_reid.data.rows import SPLITS, Row, from_rows
from keras_reid.data.table import ReIDData
from keras_reid.errors import ReIDError

# c1, cam2, camera_3, Cam-04: at the beginning of the name or behind something that is no letter.
CAMERA = r"(?<![A-Za-z])c(?:am|amera)?[-_ ]?(\d+)"


def read(root: str | os.PathLike, camera: str = CAMERA) -> ReIDData:
    """The data set in folder `root`.

    Args:
        root: holds the folders `train`, `query` and `gallery` (some may be missing), each with a folder a person; or
            the people's folders.
        camera: regular expression that finds the camera in a file's name, regardless of case; its first group is the
            camera. The default finds c1, cam2, camera_3.

    Raises:
        ReIDError: the folder is missing or in another layout, a file name without a camera, or a bad `camera`.
    """
    folder = existing_folder(root)
    pattern = _compiled(camera)
    tops = [name for name in SPLITS if (folder / name).is_dir()]
    # Once there is one of them, train/ is no person, whatever is in it.
    rows = [row for name in tops for row in _people(folder / name, pattern, name)]
    rows = rows if tops else _people(folder, pattern, None)
    if not rows:
        raise ReIDError(
            f"'{folder}' has no people: looked for a folder a person with images in it, either in train/, query/ and "
            f"gallery/ or directly. Found: {found_in(folder)}."
        )
    return from_rows("folder", folder, rows)


def _people(folder: Path, pattern: re.Pattern[str], split: str | None) -> list[Row]:
    rows = []
    for person in folders_in(folder):
        for path in images_in(person):
            match = pattern.search(path.name)
            if match is None:
                raise ReIDError(
                    f"'{path}' does not say its camera: looked for {pattern.pattern!r} in the file's name, as in "
                    "'c1_0001.jpg'. Rename it, or give `camera`, a regular expression whose first group is the camera."
                )
            rows.append(Row(str(path), person.name, match[1], split))
    return rows


def _compiled(camera: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(camera, re.IGNORECASE)
    except re.error as error:
        raise ReIDError(f"`camera` is no regular expression ({error}). Received: {camera!r}.") from None
    if pattern.groups < 1:
        raise ReIDError(f"`camera` needs a group around the camera, as in 'cam(\\d+)'. Received: {camera!r}.")
    return pattern

"""A CSV file `path,identity,camera,split`, one line an image, for images in any folders.

Identity and camera are any words; an empty identity is somebody unknown, for the gallery. `split` is train, query
or gallery; without that column people are chosen, see `choose_splits`. A column `tracklet` may be added, others are
ignored.
"""

import csv
import os
from pathlib import Path

from keras_reid.data.rows import SPLITS, Row, from_rows
from keras_reid.data.table import ReIDData
from keras_reid.errors import ReIDError

_NEEDED = ("path", "identity", "camera")


def read(root: str | os.PathLike) -> ReIDData:
    """The data set in the CSV file `root`, UTF-8 with a header; relative paths start at its folder.

    Raises:
        ReIDError: the file is missing, is no such table, or a line is wrong; the message says which.
    """
    file = Path(root).expanduser()
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise ReIDError(f"'{file}' {what}: give a CSV file with the columns {','.join(_NEEDED)},split.")
    file = file.resolve()
    try:
        with open(file, newline="", encoding="utf-8-sig") as stream:
            rows = _rows(file, csv.DictReader(stream, skipinitialspace=True, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReIDError(f"'{file}' is no CSV file in UTF-8 ({error}): save it as one.") from error
    if not rows:
        raise ReIDError(f"'{file}' has a header but no lines: add one an image.")
    return from_rows("csv", file, rows)


def _rows(file: Path, lines: csv.DictReader) -> list[Row]:
    columns = [column.strip() for column in lines.fieldnames or ()]
    lines.fieldnames = columns
    missing = [column for column in _NEEDED if column not in columns]
    if missing:
        raise ReIDError(
            f"'{file}' lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}: looked for "
            f"{','.join(_NEEDED)},split in its first line. Found: {','.join(columns) or 'nothing'}."
        )
    rows = []
    for line in lines:
        where = f"Line {lines.line_num} of '{file}'"
        values = {column: (line[column] or "").strip() for column in columns}
        if None in line or None in line.values():
            raise ReIDError(f"{where} has another number of columns than the header: quote commas inside a column.")
        if not values["path"] or not values["camera"]:
            raise ReIDError(f"{where} has no {'camera' if values['path'] else 'path'}: fill it in or remove the line.")
        split = values.get("split")
        if split is not None and split not in SPLITS:
            raise ReIDError(f"{where} has the split '{split}': expected one of {', '.join(SPLITS)}.")
        if not values["identity"] and split in ("train", "query"):
            raise ReIDError(f"{where} has no identity: only images of the gallery may show somebody unknown.")
        path = file.parent / values["path"]
        if not path.is_file():
            raise ReIDError(f"{where} names '{path}', which does not exist: paths are relative to the CSV file.")
        rows.append(Row(str(path), values["identity"], values["camera"], split, values.get("tracklet", "")))
    return rows

"""A picture of what a data set looks like: a row a person."""

import csv
from pathlib import Path

import cv2
import numpy as np

from keras_reid.files import atomically

from .settings import Settings

_PEOPLE, _PICTURES = 12, 16


def write_montage(folder: Path, settings: Settings) -> None:
    """Write montage.jpg into `folder`, which holds truth.csv and the pictures."""
    rows: dict[str, list[np.ndarray]] = {}
    with open(folder / "truth.csv", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["identity"] not in rows and len(rows) == _PEOPLE:
                break
            row = rows.setdefault(line["identity"], [])
            if len(row) < _PICTURES:
                row.append(cv2.imread(str(folder / line["path"])))
    columns = max(len(row) for row in rows.values())
    blank = np.full((settings.height, settings.width, 3), 255, np.uint8)
    picture = np.vstack([np.hstack(row + [blank] * (columns - len(row))) for row in rows.values()])
    with atomically(folder / "montage.jpg") as new:
        cv2.imwrite(str(new), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])

"""Market-1501's layout: `bounding_box_train/`, `query/`, `bounding_box_test/`.

Names are like `0002_c1s1_000451_03.jpg`: identity, camera, sequence, frame, number of the box.
Identity -1 is junk and 0000 a distractor; both stay in the gallery, because evaluation treats them as the data
set's authors do.

L. Zheng et al.: Scalable person re-identification: a benchmark. ICCV 2015.
"""

import os
import re

from keras_reid.data.files import existing_folder
from keras_reid.data.named_files import read_named_files
from keras_reid.data.table import ReIDData

_NAME = re.compile(r"(?P<identity>-1|\d+)_c(?P<camera>\d+)s\d+_\d+_\d+\.jpg", re.IGNORECASE)
_FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}


def read(root: str | os.PathLike) -> ReIDData:
    """The data set in folder `root`, the one that holds `bounding_box_train`.

    Raises:
        ReIDError: the folder is missing or in another layout; the message says what was looked for and what was found.
    """
    return read_named_files("market1501", existing_folder(root), _FOLDERS, _NAME, "0002_c1s1_000451_03.jpg")

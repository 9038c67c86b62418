"""WARD's layout, which the bundled people share: `train/`, `query/`, `gallery/` with `IDENTITY_cCAMERA_fFRAME.jpg`.

N. Martinel and C. Micheloni: Re-identify people in wide area camera network. CVPR Workshops 2012.
"""

import os
import re

from keras_reid.data.files import existing_folder
from keras_reid.data.named_files import read_named_files
from keras_reid.data.table import ReIDData

_NAME = re.compile(r"(?P<identity>\d+)_c(?P<camera>\d+)_f\d+\.(jpg|jpeg|png)", re.IGNORECASE)
_FOLDERS = {"train": "train", "query": "query", "gallery": "gallery"}


def read(root: str | os.PathLike, name: str = "ward") -> ReIDData:
    """The data set in folder `root`; `name` is what it calls itself.

    Raises:
        ReIDError: the folder is missing or in another layout; the message says what was looked for and what was found.
    """
    return read_named_files(name, existing_folder(root), _FOLDERS, _NAME, "0001_c1_f0040.jpg")

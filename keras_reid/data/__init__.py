"""Data sets, each as one table, and what training needs to read them.

Example: `load("market1501", root).train.batches(identities=16, images=4)`.
"""

import importlib
import os
from pathlib import Path
from typing import Any

from keras_reid.data.combine import cross, join
from keras_reid.data.images import load_images, read_image, resize
from keras_reid.data.published import warn_about
from keras_reid.data.table import ReIDData, Split
from keras_reid.errors import ReIDError, did_you_mean

__all__ = [
    "Batches",
    "ReIDData",
    "Split",
    "augment",
    "cross",
    "join",
    "load",
    "load_images",
    "names",
    "parse",
    "read_image",
    "resize",
]

# Name -> module with `read(root)`. A new format is a file beside these and a line here.
_READERS = {
    "csv": "table_csv",
    "cuhk01": "cuhk01",
    "cuhk03": "cuhk03",
    "dukemtmc": "dukemtmc",
    "folder": "folder",
    "market1501": "market1501",
    "mars": "mars",
    "msmt17": "msmt17",
    "occluded_duke": "dukemtmc",
    "people": "ward",
    "ward": "ward",
}

# The data set "people".
BUNDLED = Path(__file__).parent / "people"


def names() -> list[str]:
    """The formats that `load` knows, sorted."""
    return sorted(_READERS)


def load(name: str, root: str | os.PathLike | None = None, **options: Any) -> ReIDData:
    """The data set of format `name` in `root`.

    Args:
        name: one of `names()`, or both at once as "market1501:/data/Market-1501". "people" is bundled with the package.
            Data sets joined, with people and cameras kept apart: "market1501:/data/A + msmt17:/data/B"; one to train on
            and another to search in: "market1501:/data/A -> msmt17:/data/B".
        root: its folder (the file, for "csv"). Not for "people".
        **options: of the format's reader.

    Where a published data set has other numbers of images or people than were published, a warning says so.

    Raises:
        ReIDError: unknown name, no root, or a folder in another format.
    """
    return _load(str(name), root, options, 2)


def _load(name: str, root: str | os.PathLike | None, options: dict[str, Any], stacklevel: int) -> ReIDData:
    if root is None:
        for sign in (" -> ", " + "):
            specs = name.split(sign)
            if len(specs) > 2 and sign == " -> ":
                raise ReIDError(f"One data set is trained on and one searched in: 'A -> B'. Received: '{name}'.")
            if len(specs) > 1:
                parts = []
                for spec in specs:  # no comprehension, which would be a frame more in Python 3.11
                    parts.append(_load(spec.strip(), None, options, stacklevel + 1))
                return cross(*parts) if sign == " -> " else join(parts)
        name, root = parse(name)
    if name not in _READERS:
        hint = f" To read '{name}', name its format too: 'folder:{name}'." if os.path.exists(name) else ""
        raise ReIDError(f"Unknown data set '{name}'. Known: {', '.join(names())}.{hint or did_you_mean(name, names())}")
    if name == "people":
        if root is not None:
            raise ReIDError("The data set 'people' is bundled with the package and takes no folder.")
        return importlib.import_module("keras_reid.data.ward").read(BUNDLED, name="people", **options)
    if root is None:
        raise ReIDError(f"The data set '{name}' needs its folder: load('{name}', folder) or '{name}:folder'.")
    own_name = {"name": name} if name == "occluded_duke" else {}
    data = importlib.import_module(f"keras_reid.data.{_READERS[name]}").read(root, **own_name, **options)
    warn_about(data, stacklevel + 1)
    return data


def parse(spec: str) -> tuple[str, str | None]:
    """("market1501", "/data/Market-1501") from "market1501:/data/Market-1501"; (name, None) from a name alone."""
    name, _, root = spec.partition(":")
    return name, root or None


def __getattr__(name: str) -> Any:
    # Both need Keras, which reading a table does not.
    if name == "Batches":
        from keras_reid.data.batches import Batches

        return Batches
    if name == "augment":
        from keras_reid.data.augmentation import augment

        return augment
    raise AttributeError(f"module 'keras_reid.data' has no attribute {name!r}")

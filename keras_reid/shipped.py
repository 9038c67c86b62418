"""Where the top-level folders `zoo`, `training` and `tflite` are: in the checkout, or inside the package in a wheel."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from keras_reid.errors import ReIDError

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Folder `name` ("zoo", "training" or "tflite") as it was shipped with this installation.

    Raises:
        ReIDError: the installation lacks the folder, which means that it is damaged.
    """
    for folder in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise ReIDError(f"The folder '{name}' is missing from this installation of keras-reid; install the package again.")


def shipped_package(folder: str, name: str) -> ModuleType:
    """The Python package `name` in the shipped folder `folder`, imported as keras_reid_NAME.

    Processes that are to unpickle what belongs to it call this first.
    """
    known = f"keras_reid_{name}"
    if known not in sys.modules:
        path = shipped(folder) / name
        specification = importlib.util.spec_from_file_location(
            known, path / "__init__.py", submodule_search_locations=[str(path)]
        )
        assert specification is not None  # it is for a file ending in .py
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        sys.modules[known] = module
        try:
            specification.loader.exec_module(module)
        except BaseException:
            del sys.modules[known]
            raise
    return sys.modules[known]

"""Where the top-level folders `zoo`, `training` and `tflite` are: in the checkout, or inside the package in a wheel."""

from pathlib import Path

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

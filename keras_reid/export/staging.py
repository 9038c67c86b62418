"""Files and folders that appear at their final path whole and tested, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_reid.errors import ReIDError
from keras_reid.files import write_out


@contextmanager
def staged(path: str | os.PathLike, folder: bool = False) -> Iterator[Path]:
    """A temporary path beside `path`; what was written there is moved to `path` when the block ends without an error.

    An error leaves what stood at `path` before as it was.

    Args:
        path: Where the file is to be; missing parent folders are made, and "~" is the user's.
        folder: Whether a folder (a SavedModel) is written rather than a file.

    Raises:
        ReIDError: `path` holds something that must not be overwritten, or nothing can be written there.
    """
    path = Path(path).expanduser()
    _check_replaceable(path, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.", ignore_cleanup_errors=True)
    except OSError as error:
        raise ReIDError(f"'{path}' cannot be written: {error.strerror}.") from error
    with beside as scratch:
        fresh = Path(scratch) / path.name
        yield fresh
        for file in fresh.rglob("*") if folder else [fresh]:
            if file.is_file():
                write_out(file)
        if folder and path.exists():
            # A folder cannot be replaced in one step: the old one steps aside, and back if the new one does not come.
            aside = Path(scratch) / "aside"
            try:
                os.replace(path, aside)
                os.replace(fresh, path)
            except BaseException:  # Ctrl-C, too
                if aside.exists() and not path.exists():
                    os.replace(aside, path)
                raise
        else:
            os.replace(fresh, path)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _check_replaceable(path: Path, folder: bool) -> None:
    if folder and path.is_file():
        raise ReIDError(f"A SavedModel is a folder. Received: path='{path}', which is a file; give another path.")
    if not folder and path.is_dir():
        raise ReIDError(f"Expected the path of a file. Received: path='{path}', which is a folder; add a file name.")
    if folder and path.is_dir() and any(path.iterdir()) and not (path / "saved_model.pb").is_file():
        raise ReIDError(
            f"Expected the path of a new folder or of a SavedModel to replace. Received: path='{path}', which is a "
            "folder with something else in it; give another path."
        )

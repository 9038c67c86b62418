"""Where files are kept on this machine, and writing them whole or not at all."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path


def home() -> Path:
    """The folder of downloaded weights and decoded images: `KERAS_REID_HOME`, or ~/.cache/keras_reid."""
    return Path(os.environ.get("KERAS_REID_HOME") or "~/.cache/keras_reid").expanduser()


@contextlib.contextmanager
def atomically(path: str | os.PathLike) -> Iterator[Path]:
    """A new file beside `path` to write to; its name ends alike, and it becomes `path` if the block ends without error.

    Folders that are missing are made, and "~" is the user's. Whoever reads `path` meanwhile sees what was there before,
    as does whoever reads it after a power cut.
    """
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    # The numbers keep two writers apart; a plain file, unlike tempfile's, gets the user's usual permissions.
    new = path.with_name(f".{os.getpid()}-{threading.get_ident()}.{path.name}")
    try:
        yield new
        write_out(new)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def write_out(path: Path) -> None:
    """Wait until a file's content is on the disk, which its name must not reach before."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())

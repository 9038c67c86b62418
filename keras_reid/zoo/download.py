"""One file from a URL to its final path, whole and checked, or not at all.

Keras' `get_file` writes to the final path while it downloads, starts again after a cut and knows no lock between
processes, so this rests on the standard library's `urllib` (see `transfer.py`) with those three added.
"""

import errno
import os
from pathlib import Path

from keras_reid.errors import ReIDError
from keras_reid.lock import locked
from keras_reid.zoo.checksum import is_intact, sha256_of
from keras_reid.zoo.transfer import Progress, Transfer

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SCHEMES = ("https://", "http://", "file://")


def download(
    url: str,
    path: str | Path,
    size: int,
    sha256: str,
    progress: Progress | None = None,
    attempts: int = 5,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> Path:
    """Bring the file at `url` to `path`; does nothing if it is there already.

    The bytes gather in `path` + ".partial"; only a file of the right size and checksum is renamed to `path`. What a cut
    connection or a killed process left is continued where it ended. Of several processes that ask for the same file,
    one downloads and the others wait for it.

    Args:
        url: `https://`, `http://` or `file://`; redirects are followed. What is accepted, the checksum decides.
        path: The final path; its folder is made.
        size: The file's length in bytes.
        sha256: Its SHA-256 in lower-case hexadecimal digits.
        progress: Called with (bytes there, `size`) after each block. Default None.
        attempts: How many attempts in a row may bring nothing new before giving up. Default 5.
        timeout: Seconds without a byte after which an attempt is given up. Default 30.
        pause: Seconds before the second attempt; doubled before each further one, 30 at most. Default 1.

    Returns:
        `path`.

    Raises:
        ReIDError: the server refuses, stays silent or holds another file; no network; no room; a folder that cannot be
            written.
    """
    path = Path(path)
    if not url.startswith(_SCHEMES):
        raise ReIDError(f"Expected an address that starts with https://, http:// or file://. Received: '{url}'.")
    partial = path.with_name(path.name + ".partial")
    transfer = Transfer(url, partial, size, progress, attempts, timeout, pause)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(path.name + ".lock")):
            if not is_intact(path, size, sha256):
                _complete(transfer, sha256)
                os.replace(partial, path)
    except OSError as error:
        if error.errno in _DISK_FULL:
            partial.unlink(missing_ok=True)
            raise ReIDError(
                f"Could not download {url}: no room for its {size} bytes in '{path.parent}'. Make room, or set "
                "KERAS_REID_HOME to a folder on another disk."
            ) from error
        raise ReIDError(
            f"Could not download {url}: '{path.parent}' cannot be written ({error.strerror or error}). Set "
            "KERAS_REID_HOME to a folder you can write to."
        ) from error
    return path


def _complete(transfer: Transfer, sha256: str) -> None:
    """Bring the partial file to its full length and compare its checksum; a wrong file is deleted."""
    resumed = transfer.have() > 0
    found = _fetched(transfer)
    if found != sha256 and resumed:
        # The piece from an earlier run may stem from another version of the file: once more, from the first byte.
        transfer.partial.unlink()
        found = _fetched(transfer)
    if found != sha256:
        transfer.partial.unlink()
        raise ReIDError(
            f"The file at {transfer.url} is not the published one: expected SHA-256 {sha256}, received {found}. It was "
            "deleted; try again, and if it happens again, the mirror holds another version or something on the way "
            "changes the file."
        )


def _fetched(transfer: Transfer) -> str:
    transfer.run()
    return sha256_of(transfer.partial)

"""Where weights are on this machine, and where they come from if they are not."""

import os
from pathlib import Path

from keras_reid.errors import ReIDError
from keras_reid.files import home
from keras_reid.shipped import shipped
from keras_reid.zoo.checksum import is_intact
from keras_reid.zoo.download import download
from keras_reid.zoo.manifest import Entry, Manifest
from keras_reid.zoo.progress import progress_bar
from keras_reid.zoo.transfer import Progress


def shipped_path(entry: Entry) -> Path:
    """Where the entry's weights are if they came with the installation."""
    return shipped("zoo") / "weights" / entry.file


def cached_path(entry: Entry) -> Path:
    """Where the entry's weights are once downloaded; the checksum in the name keeps versions apart."""
    stem = entry.file.removesuffix(".weights.h5")
    return home() / "weights" / f"{stem}-{entry.sha256[:12]}.weights.h5"


def fetch(entry: Entry, progress: Progress | None = None) -> Path:
    """Path of the entry's weights, checked: from the installation, else from the cache, else downloaded into it.

    `KERAS_REID_ZOO_URL` (https://, http:// or file://) names a mirror, the address before the file name, and goes
    before the manifest's own. With `KERAS_REID_OFFLINE` set to anything but 0 the network is not used; a mirror in a
    folder still is.

    Args:
        entry: What to bring.
        progress: Called with (bytes there, bytes in all); defaults to a bar, on a terminal.

    Raises:
        ReIDError: the weights are not here and cannot be brought, or are damaged.
    """
    path = shipped_path(entry)
    if path.exists():
        if not is_intact(path, entry.size, entry.sha256):
            raise ReIDError(
                f"The weights of '{entry.name}' that came with this installation are damaged: '{path}' has not the "
                f"SHA-256 {entry.sha256}. Install keras-reid again."
            )
        return path
    path = cached_path(entry)
    if is_intact(path, entry.size, entry.sha256):
        return path
    url = _url(entry, path)
    if progress:
        return download(url, path, entry.size, entry.sha256, progress)
    with progress_bar(f"Downloading {entry.name}") as bar:
        return download(url, path, entry.size, entry.sha256, bar)


def _url(entry: Entry, path: Path) -> str:
    base = os.environ.get("KERAS_REID_ZOO_URL") or Manifest.read().base_url
    if not base:
        raise ReIDError(
            f"The weights of '{entry.name}' did not come with this installation and no address to download them from "
            f"is known: set KERAS_REID_ZOO_URL to a folder or server that has {entry.file}, e.g. "
            "file:///path/to/zoo/weights."
        )
    if os.environ.get("KERAS_REID_OFFLINE", "0") not in ("", "0") and not base.startswith("file://"):
        raise ReIDError(
            f"The weights of '{entry.name}' are not on this machine and KERAS_REID_OFFLINE forbids the download. Unset "
            f"it, set KERAS_REID_ZOO_URL to a folder (file://…) that has {entry.file}, or put the file at '{path}'."
        )
    return f"{base.rstrip('/')}/{entry.file}"

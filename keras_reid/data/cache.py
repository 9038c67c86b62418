"""Images decoded and resized once, kept in a file that epochs and processes read through a memory map."""

import errno
import hashlib
import io
import os
import shutil
import sys
import warnings
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL

from keras_reid.data.images import load_images
from keras_reid.errors import ReIDError
from keras_reid.files import home
from keras_reid.lock import locked

Progress = Callable[[int, int], object]

_BLOCK = 256  # images decoded between two writes
_FORMAT = 1  # raised when the file's layout or the meaning of its name changes


class DecodedImages:
    """The images of `paths` at one size: `decoded[indices]` is uint8 (n, height, width, 3).

    The first use decodes them all into `folder`; later ones, in any process, map that file. It is named after the
    paths, their sizes and times of change, the size of the images and Pillow's version, so that it is not used for
    anything else; a file for an earlier state of the same images is removed. It has its final name only when
    complete. A run that was killed while decoding is continued by the next; of several processes one decodes and
    the others wait. Each image carries a checksum that is compared when it is first read: a damaged one is decoded
    again, with a warning.

    Args:
        paths: (N,) paths of images.
        size: (height, width).
        folder: where the file is kept. Defaults to `images` in KERAS_REID_HOME, which defaults to ~/.cache/keras_reid.
        workers: threads that decode. Default: one a core, at most 8.
        progress: called with (images done, images in all). Defaults to a line on the terminal if there is one.

    Raises:
        ReIDError: an image cannot be read, or the folder cannot be written or is full.
    """

    def __init__(
        self,
        paths: Iterable[str | os.PathLike],
        size: tuple[int, int],
        folder: str | os.PathLike | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.paths = [os.fspath(path) for path in paths]
        self.size = (int(size[0]), int(size[1]))
        folder = home() / "images" if folder is None else Path(folder).expanduser()
        slot, state = _names(self.paths, self.size)
        self.file = folder / f"{slot}-{state}.npy"
        self._row = np.dtype([("checksum", "<u4"), ("image", "u1", (*self.size, 3))])
        if not self._is_complete():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with locked(folder / f"{slot}.lock"):
                    if not self._is_complete():  # another process may have been quicker
                        self._remove_other_states(slot)
                        self._decode(workers, progress or _terminal_line)
            except OSError as error:
                raise ReIDError(
                    f"The decoded images cannot be kept in '{folder}' ({error.strerror or error}): give a folder that "
                    f"can be written and has {len(self.paths) * self._row.itemsize / 1e6:.0f} MB of space as `cache`, "
                    "set KERAS_REID_HOME to one, or decode in every epoch with `cache=False`."
                ) from error
        self._rows = np.lib.format.open_memmap(self.file, mode="r")
        self._checked = np.zeros(len(self.paths), bool)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        rows = np.array(self._rows[indices])
        images = np.ascontiguousarray(rows["image"])
        for position, index in enumerate(indices):
            if not self._checked[index]:
                if zlib.crc32(images[position]) == rows["checksum"][position]:
                    self._checked[index] = True
                else:
                    warnings.warn(
                        f"'{self.file}' is damaged at image {index} ('{self.paths[index]}'), which is decoded again: "
                        "delete the file.",
                        stacklevel=2,
                    )
                    images[position] = load_images(self.paths[index], self.size)[0][0]
        return images

    def _is_complete(self) -> bool:
        """Whether the file is there, whole, and of the expected kind."""
        try:
            rows = np.lib.format.open_memmap(self.file, mode="r")
        except (OSError, ValueError):  # absent; no array, or shorter than it says
            return False
        return rows.dtype == self._row and rows.shape == (len(self.paths),)

    def _remove_other_states(self, slot: str) -> None:
        for other in self.file.parent.glob(f"{slot}-*"):
            if other.stem != self.file.stem:
                other.unlink()

    def _decode(self, workers: int | None, progress: Progress) -> None:
        partial = self.file.with_suffix(".partial")
        with open(partial, "r+b" if partial.exists() else "w+b") as file:
            done = self._done(file)
            missing = (len(self.paths) - done) * self._row.itemsize
            if shutil.disk_usage(partial.parent).free < missing:
                partial.unlink()  # it would keep the disk full
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            while done < len(self.paths):
                images, _, _ = load_images(self.paths[done : done + _BLOCK], self.size, workers=workers)
                rows = np.zeros(len(images), self._row)
                rows["checksum"] = [zlib.crc32(image) for image in images]
                rows["image"] = images
                # Written, not assigned through a map: on a full disk a write is an error, a map kills the process.
                file.write(rows.tobytes())
                done += len(images)
                progress(done, len(self.paths))
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.file)

    def _done(self, file: BinaryIO) -> int:
        """Leave `file` behind its last good image and return how many there are; start it if it is new or foreign."""
        descr = np.lib.format.dtype_to_descr(self._row)
        header = io.BytesIO()
        np.lib.format.write_array_header_2_0(
            header, {"descr": descr, "fortran_order": False, "shape": (len(self.paths),)}
        )
        done = 0
        if file.read(len(header.getvalue())) == header.getvalue():
            while len(data := file.read(self._row.itemsize)) == self._row.itemsize and _is_good(data):
                done += 1
        else:
            file.seek(0)
            file.write(header.getvalue())
        file.seek(len(header.getvalue()) + done * self._row.itemsize)
        file.truncate()
        return done


def _is_good(row: bytes) -> bool:
    return int.from_bytes(row[:4], "little") == zlib.crc32(row[4:])


def _names(paths: list[str], size: tuple[int, int]) -> tuple[str, str]:
    """What is decoded (which paths, which size, by what) and in which state the files are, as parts of a file name."""
    try:
        states = [(status.st_size, status.st_mtime_ns) for status in map(os.stat, paths)]
    except FileNotFoundError as error:
        raise ReIDError(f"Image '{error.filename}' does not exist: check the path.") from None
    except OSError as error:
        raise ReIDError(f"Image '{error.filename}' cannot be read ({error.strerror}): check the path.") from None
    what = _digest((_FORMAT, PIL.__version__, size, [os.path.abspath(path) for path in paths]))
    return f"{size[0]}x{size[1]}-{what}", _digest(states)


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def _terminal_line(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rDecoding images: {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

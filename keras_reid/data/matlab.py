"""The part of MATLAB's MAT-files, version 5, that data sets use for their splits: numbers, texts, and cells of them.

MathWorks: "MAT-File Format", level 5. (Version 7.3 is HDF5.)
"""

import os
import struct
import zlib
from typing import Any

import numpy as np

from keras_reid.errors import ReIDError

_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHARACTERS = 1, 4


def read_matlab(path: str | os.PathLike) -> dict[str, Any]:
    """The variables of a MAT-file by name: arrays as MATLAB shapes them, texts, and cells as flat lists.

    Variables of another kind (structs, sparse matrices) are left out.

    Raises:
        ReIDError: the file is missing, or is no MAT-file of version 5, or is damaged.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise ReIDError(f"'{path}' does not exist: copy it from the data set's release.")
    with open(path, "rb") as file:
        data = file.read()
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None or len(data) < 128:
        raise ReIDError(f"'{path}' is no MAT-file of version 5: copy it again from the data set's release.")
    try:
        found = (_matrix(part, order) for kind, part in _elements(data[128:], order) if kind == _MATRIX)
        return {name: value for name, value in found if value is not None}
    except (struct.error, zlib.error, ValueError, IndexError, KeyError) as error:
        raise ReIDError(f"'{path}' is damaged ({error}): copy it again from the data set's release.") from error


def _elements(data: bytes, order: str):
    """Type and bytes of each element, unpacked."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        if kind >> 16:  # a small element: its type, its size and up to four bytes in the place of a tag
            kind, size = kind & 0xFFFF, kind >> 16
            yield kind, data[place + 4 : place + 4 + size]
            place += 8
            continue
        part = data[place + 8 : place + 8 + size]
        if len(part) < size:
            raise ValueError("it ends early")
        place += 8 + size
        if kind == _COMPRESSED:
            yield from _elements(zlib.decompress(part), order)
        else:
            place += -size % 8
            yield kind, part


def _matrix(data: bytes, order: str) -> tuple[str, Any]:
    """Name and value of a matrix; None for a kind that is not read."""
    if not data:
        return "", np.zeros((0, 0))
    (_, flags), (_, sizes), (_, name), *parts = _elements(data, order)
    kind = struct.unpack_from(f"{order}I", flags)[0] & 0xFF
    shape = np.frombuffer(sizes, f"{order}i4")
    title = name.decode("latin-1")
    if kind == _CELL:
        return title, [_matrix(part, order)[1] for _, part in parts]
    if kind == _CHARACTERS:
        stored, part = parts[0] if parts else (1, b"")
        encoding = _TEXTS[stored]
        if encoding == "utf-16":
            encoding += "-le" if order == "<" else "-be"
        return title, part.decode(encoding)
    if 6 <= kind <= 15:  # double, single, and whole numbers of 8 to 64 bits, stored as whatever is shortest
        stored, part = parts[0]
        return title, np.frombuffer(part, f"{order}{_NUMBERS[stored]}").reshape(shape, order="F")
    return title, None

"""MAT-files of version 5, written by hand: numbers and cells of texts, packed or not."""

import struct
import zlib

import numpy as np


def write_matlab(path, packed=True, **variables):
    """Arrays of doubles or whole numbers, texts, and lists of texts, as MATLAB's `save` writes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(
        _packed(_matrix(name, value)) if packed else _matrix(name, value) for name, value in variables.items()
    )
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + data)
    return path


def _packed(element):
    squeezed = zlib.compress(element)
    return struct.pack("<II", 15, len(squeezed)) + squeezed


def _element(kind, data):
    if 0 < len(data) <= 4:
        return struct.pack("<HH", kind, len(data)) + data.ljust(4, b"\0")
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def _matrix(name, value):
    if isinstance(value, str):
        kind, shape, data = 4, (1, len(value)), _element(16, value.encode())
    elif isinstance(value, list):
        kind, shape, data = 1, (len(value), 1), b"".join(_matrix("", text) for text in value)
    else:
        value = np.asarray(value)
        # MATLAB stores doubles that are small whole numbers as bytes or 16 bits.
        stored = (4, "<u2") if value.dtype.kind == "f" and (value == value.astype("u2")).all() else (9, "<f8")
        kind, shape, data = 6, value.shape, _element(stored[0], value.astype(stored[1]).tobytes(order="F"))
    head = _element(6, struct.pack("<II", kind, 0)) + _element(5, struct.pack(f"<{len(shape)}i", *shape))
    body = head + _element(1, name.encode()) + data
    return struct.pack("<II", 14, len(body)) + body

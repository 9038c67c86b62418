"""SHA-256 of a file, by which the zoo knows that weights are the published ones."""

import hashlib
from pathlib import Path


def sha256_of(path: str | Path) -> str:
    """SHA-256 of the file at `path`, as 64 lower-case hexadecimal digits; reads it in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(path: str | Path, size: int, sha256: str) -> bool:
    """Whether the file at `path` exists with `size` bytes and the checksum `sha256`; the size is looked at first."""
    path = Path(path)
    return path.is_file() and path.stat().st_size == size and sha256_of(path) == sha256

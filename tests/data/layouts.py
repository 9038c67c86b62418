"""Small data sets on disk for the readers' tests."""

from pathlib import Path

import numpy as np
from PIL import Image


def write(root: Path, *names: str) -> Path:
    """Small pictures of these names, their folders included."""
    picture = Image.fromarray(np.full((16, 8, 3), 80, np.uint8))
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    return root


def rows(split, root: Path) -> list[tuple[str, int, int]]:
    """(path below `root`, identity, camera) of each row."""
    paths = [str(Path(path).relative_to(root)) for path in split.paths]
    return list(zip(paths, split.identities.tolist(), split.cameras.tolist(), strict=True))

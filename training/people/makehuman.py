"""MakeHuman's files: meshes (.obj), shape targets (.target.gz) and proxies, which are clothes and hair (.mhclo).

Lengths in the files are decimetres; what these functions return is metres, y upwards, the face towards +z.
"""

import gzip
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_reid.errors import ReIDError

METRES = 0.1


def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3), triangles (F, 3) and the name of each triangle's group (F,)."""
    vertices, triangles, groups, group = [], [], [], ""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            word, *rest = line.split() or [""]
            if word == "v":
                vertices.append([float(number) for number in rest[:3]])
            elif word == "g" and rest:
                group = rest[0]
            elif word == "f":
                corners = [int(corner.partition("/")[0]) - 1 for corner in rest]
                for second, third in itertools.pairwise(corners[1:]):
                    triangles.append([corners[0], second, third])
                    groups.append(group)
    if not vertices or not triangles:
        raise ReIDError(f"'{path}' is no mesh: expected a Wavefront .obj file with vertices and faces. Fetch it again.")
    return np.array(vertices, np.float32) * METRES, np.array(triangles, np.int32), np.array(groups)


def read_target(path: Path, vertices: int) -> np.ndarray:
    """By how much a shape target moves each of the base mesh's vertices: (vertices, 3)."""
    moved = np.zeros((vertices, 3), np.float32)
    text = gzip.decompress(path.read_bytes()).decode("utf-8")
    lines = [line for line in text.splitlines() if line[:1].isdigit()]  # some targets move nothing
    if lines:
        rows = np.loadtxt(lines, ndmin=2)  # vertex, x, y, z
        moved[rows[:, 0].astype(np.int64)] = rows[:, 1:]
    return moved * METRES


@dataclass(frozen=True)
class Proxy:
    """A mesh whose every vertex hangs on three vertices of the body, so that it fits any shape.

    Attributes:
        triangles: (F, 3).
        hangs_on: Vertices of the base mesh, (V, 3).
        shares: Their shares, (V, 3), each row sums to 1.
        offsets: (V, 3), to be multiplied with the body's size relative to the one it was made on.
        references: For x, y, z: two vertices of the base mesh and their distance on the body it was made on.
        covers: Vertices of the base mesh that are hidden below.
        pieces: For each vertex a number that all vertices joined to it share, (V,).
    """

    triangles: np.ndarray
    hangs_on: np.ndarray
    shares: np.ndarray
    offsets: np.ndarray
    references: tuple[tuple[int, int, float], ...]
    covers: np.ndarray
    pieces: np.ndarray

    def fitted(self, body: np.ndarray) -> np.ndarray:
        """The proxy's vertices on a body's, both in metres."""
        scale = [
            abs(float(body[first, axis] - body[second, axis])) / distance
            for axis, (first, second, distance) in enumerate(self.references)
        ]
        points = (body[self.hangs_on] * self.shares[..., None]).sum(axis=1)
        return points + self.offsets * np.array(scale, np.float32)


def proxy_mesh(path: Path) -> Path:
    """The .obj file that a .mhclo file names, or the one of its own name."""
    mesh = path.with_suffix(".obj")
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["obj_file"]:
            if len(words) < 2:
                raise ReIDError(f"'{path}' is no MakeHuman proxy (obj_file names none): fetch it again.")
            mesh = path.with_name(words[1])
    return mesh


def read_proxy(path: Path) -> Proxy:
    """The clothes or hair in a .mhclo file; its mesh lies beside it.

    Raises:
        ReIDError: the file is damaged.
    """
    references, section = {}, ""
    hangs_on: list[list[int]] = []
    shares: list[list[float]] = []
    offsets: list[list[float]] = []
    covers: set[int] = set()
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] in ("verts", "delete_verts"):
                section = words[0]
            elif words[0] in ("x_scale", "y_scale", "z_scale"):
                references[words[0][0]] = (int(words[1]), int(words[2]), float(words[3]) * METRES)
            elif not words[0].isdigit():
                continue  # names, tags, materials; they may come between a section's first line and its numbers
            elif section == "verts":
                numbers = [float(word) for word in words]
                # One vertex alone, or three with their shares and the offset.
                hangs_on.append([int(word) for word in words[:3]] if len(words) >= 6 else [int(words[0])] * 3)
                shares.append(numbers[3:6] if len(words) >= 6 else [1.0, 0.0, 0.0])
                offsets.append(numbers[6:9] if len(words) >= 9 else [0.0, 0.0, 0.0])
            elif section == "delete_verts":
                covers.update(_ranges(words))
        triangles = read_obj(proxy_mesh(path))[1]
        return Proxy(
            triangles,
            np.array(hangs_on, np.int32),
            np.array(shares, np.float32),
            np.array(offsets, np.float32) * METRES,
            tuple(references[axis] for axis in "xyz"),
            np.array(sorted(covers), np.int32),
            _joined(triangles, len(hangs_on)),
        )
    except (IndexError, KeyError, ValueError) as error:
        raise ReIDError(f"'{path}' is no MakeHuman proxy ({error}): fetch it again.") from error


def _ranges(words: list[str]) -> set[int]:
    """Numbers from "3 - 7 12": 3 to 7 and 12."""
    numbers: set[int] = set()
    at = 0
    while at < len(words):
        if words[at + 1 : at + 2] == ["-"]:
            numbers.update(range(int(words[at]), int(words[at + 2]) + 1))
            at += 3
        else:
            numbers.add(int(words[at]))
            at += 1
    return numbers


def _joined(triangles: np.ndarray, vertices: int) -> np.ndarray:
    """For each vertex the smallest number among those that it is joined to, however indirectly."""
    labels = np.arange(vertices)
    while True:
        lowest = labels[triangles].min(axis=1)
        before = labels.copy()
        for corner in range(3):
            np.minimum.at(labels, triangles[:, corner], lowest)
        labels = labels[labels]
        if np.array_equal(before, labels):
            return labels

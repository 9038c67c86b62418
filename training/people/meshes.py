"""Meshes that move with bones, put together from parts, and simple shapes for what people carry."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Mesh:
    """Triangles at rest, what moves them, and what each shows.

    Attributes:
        vertices: (V, 3) float32, metres.
        triangles: (F, 3) int32.
        parts: What each triangle is a piece of, (F,) int32: one of `outfit.Part`.
        bones, shares: The four bones that move each vertex, and their shares: (V, 4).
    """

    vertices: np.ndarray
    triangles: np.ndarray
    parts: np.ndarray
    bones: np.ndarray
    shares: np.ndarray


@dataclass
class Builder:
    """Collects the parts of a mesh."""

    vertices: list[np.ndarray] = field(default_factory=list)
    triangles: list[np.ndarray] = field(default_factory=list)
    parts: list[np.ndarray] = field(default_factory=list)
    bones: list[np.ndarray] = field(default_factory=list)
    shares: list[np.ndarray] = field(default_factory=list)
    _count: int = 0

    def add(self, vertices, triangles, part, bones, shares) -> None:
        """Add triangles, with those of the vertices that they use.

        Args:
            vertices: (V, 3).
            triangles: (F, 3).
            part: One for all, or (F,).
            bones: (V, 4), or the place of the one bone that moves all.
            shares: (V, 4); None with one bone.
        """
        if not len(triangles):
            return
        used = np.zeros(len(vertices), bool)
        used[triangles.ravel()] = True
        place = np.cumsum(used) - 1 + self._count
        count = int(used.sum())
        self._count += count
        self.vertices.append(vertices[used])
        self.triangles.append(place[triangles])
        self.parts.append(np.broadcast_to(part, len(triangles)))
        if shares is None:
            self.bones.append(np.full((count, 4), bones))
            self.shares.append(np.tile(np.float32([1, 0, 0, 0]), (count, 1)))
        else:
            self.bones.append(bones[used])
            self.shares.append(shares[used])

    def mesh(self) -> Mesh:
        """All that was added."""
        return Mesh(
            np.concatenate(self.vertices).astype(np.float32),
            np.concatenate(self.triangles).astype(np.int32),
            np.concatenate(self.parts).astype(np.int32),
            np.concatenate(self.bones).astype(np.int32),
            np.concatenate(self.shares).astype(np.float32),
        )


def grid(rows: int, columns: int, closed: bool = False) -> np.ndarray:
    """Triangles between `rows` × `columns` vertices in reading order; `closed` joins the last column to the first."""
    row, column = np.mgrid[: rows - 1, : columns if closed else columns - 1]
    here = (row * columns + column).ravel()
    right = (row * columns + (column + 1) % columns).ravel()
    return np.concatenate(
        [np.stack([here, here + columns, right], 1), np.stack([right, here + columns, right + columns], 1)]
    )


def cushion(centre, half, sharpness: float = 0.5, rows: int = 9, columns: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """A superellipsoid: an egg at `sharpness` 1, almost a box at 0.2. Vertices and triangles.

    Args:
        centre: Its middle, (3,).
        half: Half its width, height and depth, (3,).
    """
    up, around = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij"
    )

    def bent(value):
        return np.sign(value) * np.abs(value) ** sharpness

    points = np.stack(
        [bent(np.cos(up)) * bent(np.sin(around)), bent(np.sin(up)), bent(np.cos(up)) * bent(np.cos(around))], -1
    )
    return (np.asarray(centre) + points.reshape(-1, 3) * half), grid(rows, columns, closed=True)


def tube(path: np.ndarray, radii: np.ndarray, closed: bool = False, sides: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """A tube along `path` (N, 3), `radii` (N,) or (N, 2) wide: sideways, and across. Vertices and triangles."""
    path = np.asarray(path, np.float64)
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9
    sideways = np.cross(ahead, [0.05, 0.9, 0.3])
    sideways /= np.linalg.norm(sideways, axis=1, keepdims=True) + 1e-9
    across = np.cross(sideways, ahead)
    radii = np.broadcast_to(np.asarray(radii, np.float64).reshape(len(radii), -1), (len(path), 2))
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = (
        np.cos(angle)[None, :, None] * (sideways * radii[:, :1])[:, None]
        + np.sin(angle)[None, :, None] * (across * radii[:, 1:])[:, None]
    )
    points = (path[:, None] + ring).reshape(-1, 3)
    triangles = grid(len(path), sides, closed=True)
    if closed:
        last = (len(path) - 1) * sides
        seam = grid(2, sides, closed=True)
        triangles = np.concatenate([triangles, np.where(seam >= sides, seam - sides, seam + last)])
    return points, triangles


def normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals of vertices, (V, 3): the mean of their triangles', weighted by area."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    flat = np.cross(b - a, c - a)
    summed = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(summed, triangles[:, corner], flat)
    return summed / (np.linalg.norm(summed, axis=1, keepdims=True) + 1e-12)

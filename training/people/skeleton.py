"""Bones that point where they are told to, and the vertices that they carry along."""

import math

import numba
import numpy as np

from .assets import Assets


def about_x(angle: float) -> np.ndarray:
    """Rotation (3, 3) that tips +y towards +z."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def about_y(angle: float) -> np.ndarray:
    """Rotation (3, 3) that turns +z, where a face looks, towards +x."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def about_z(angle: float) -> np.ndarray:
    """Rotation (3, 3) that tips +x towards +y."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


@numba.njit(cache=True)
def aiming(here, there):
    """The smallest rotation (3, 3) that makes direction `here` (3,) point `there` (3,); they are not opposite."""
    from_x, from_y, from_z = here[0], here[1], here[2]
    to_x, to_y, to_z = there[0], there[1], there[2]
    scale = 1 / math.sqrt((from_x**2 + from_y**2 + from_z**2) * (to_x**2 + to_y**2 + to_z**2))
    x = (from_y * to_z - from_z * to_y) * scale
    y = (from_z * to_x - from_x * to_z) * scale
    z = (from_x * to_y - from_y * to_x) * scale
    cosine = (from_x * to_x + from_y * to_y + from_z * to_z) * scale
    k = 1 / (1 + cosine)
    return np.array(
        [
            [cosine + k * x * x, k * x * y - z, k * x * z + y],
            [k * x * y + z, cosine + k * y * y, k * y * z - x],
            [k * x * z - y, k * y * z + x, cosine + k * z * z],
        ]
    )


def transforms(assets: Assets, joints: dict[str, np.ndarray], turned: dict[str, np.ndarray]) -> np.ndarray:
    """For each bone the matrix (3, 4) that carries what lies along it from rest to the pose: (B, 3, 4), float32.

    Args:
        joints: Where each bone begins at rest.
        turned: Bone -> its rotation relative to rest, in the person's axes; a bone not in it turns with its parent.
    """
    heads = np.array([joints[bone] for bone in assets.bones], np.float64)
    rotations, given = np.zeros((len(heads), 3, 3)), np.zeros(len(heads), np.bool_)
    for bone, rotation in turned.items():
        place = assets.bone_index[bone]
        rotations[place], given[place] = rotation, True
    return _chained(heads, np.array(assets.parents), rotations, given)


@numba.njit(cache=True)
def _chained(heads, parents, rotations, given):
    result = np.zeros((heads.shape[0], 3, 4), np.float32)
    begins = heads.copy()
    for bone in range(heads.shape[0]):
        parent = parents[bone]
        if not given[bone]:
            rotations[bone] = rotations[parent] if parent >= 0 else np.eye(3)
        for row in range(3):
            if parent >= 0:
                begins[bone, row] = begins[parent, row]
                for column in range(3):
                    begins[bone, row] += rotations[parent, row, column] * (heads[bone, column] - heads[parent, column])
            moved = begins[bone, row]
            for column in range(3):
                result[bone, row, column] = rotations[bone, row, column]
                moved -= rotations[bone, row, column] * heads[bone, column]
            result[bone, row, 3] = moved
    return result


@numba.njit(cache=True, fastmath=True)
def carry(rest, bones, shares, matrices, posed):
    """Linear blend skinning: write where the vertices `rest` (V, 3) go into `posed`."""
    for vertex in range(rest.shape[0]):
        x, y, z = rest[vertex, 0], rest[vertex, 1], rest[vertex, 2]
        a = b = c = np.float32(0)
        for place in range(4):
            share = shares[vertex, place]
            if share == 0:
                continue
            m = matrices[bones[vertex, place]]
            a += share * (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3])
            b += share * (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3])
            c += share * (m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3])
        posed[vertex, 0], posed[vertex, 1], posed[vertex, 2] = a, b, c

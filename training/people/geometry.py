"""Measures and maps of points in space. Compiled by Numba."""

import math

import numba
import numpy as np


@numba.njit(cache=True, fastmath=True)
def vertex_normals(vertices, triangles, normals):
    """Write unit normals of the vertices, the mean of their triangles' weighted by area, into `normals` (V, 3)."""
    normals[:] = 0
    for number in range(triangles.shape[0]):
        i, j, k = triangles[number, 0], triangles[number, 1], triangles[number, 2]
        ax, ay, az = vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2]
        bx, by, bz = vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2]
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for corner in (i, j, k):
            normals[corner, 0] += x
            normals[corner, 1] += y
            normals[corner, 2] += z
    for vertex in range(normals.shape[0]):
        x, y, z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        scale = np.float32(1) / (math.sqrt(x * x + y * y + z * z) + np.float32(1e-12))
        normals[vertex, 0] *= scale
        normals[vertex, 1] *= scale
        normals[vertex, 2] *= scale


@numba.njit(cache=True)
def bounds(points):
    """The least and the largest of each of the three coordinates of `points` (N, 3): (2, 3)."""
    (left, low, back), (right, high, front) = points[0], points[0]
    for point in range(1, points.shape[0]):
        x, y, z = points[point, 0], points[point, 1], points[point, 2]
        left, low, back = min(left, x), min(low, y), min(back, z)
        right, high, front = max(right, x), max(high, y), max(front, z)
    found = np.empty((2, 3), points.dtype)
    found[0, 0], found[0, 1], found[0, 2] = left, low, back
    found[1, 0], found[1, 1], found[1, 2] = right, high, front
    return found


@numba.njit(cache=True)
def move(points, by):
    """Add `by` (3,) to all `points` (N, 3), in place; NumPy takes five times as long over an axis of three."""
    for point in range(points.shape[0]):
        for axis in range(3):
            points[point, axis] += by[axis]


@numba.njit(cache=True, fastmath=True)
def transformed(points, matrix):
    """`points` (N, 3) after an affine `matrix` (3, 4)."""
    moved = np.empty_like(points)
    for point in range(points.shape[0]):
        x, y, z = points[point, 0], points[point, 1], points[point, 2]
        for row in range(3):
            moved[point, row] = matrix[row, 0] * x + matrix[row, 1] * y + matrix[row, 2] * z + matrix[row, 3]
    return moved

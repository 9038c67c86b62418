"""Which triangle is seen in each pixel.

Compiled by Numba. Of well-kept libraries that do the same on a processor, OpenCV 5's `triangleRasterize` took nine
times and Embree (`embreex`, tree and rays) twenty-four times as long for one person of 34,000 triangles at 240×96: the
first interpolates colours, so that triangles and places in them cost a pass each over unshared vertices, and the
second builds a tree for a body that bends anew in the next picture.
"""

import math

import numba
import numpy as np


@numba.njit(cache=True, fastmath=True)
def rasterise(points, triangles, depth, seen, second, third):
    """Draw triangles into the buffers, all (height, width).

    Args:
        points: (V, 3): columns and rows, pixel centres at .5, and distance from the camera.
        triangles: (F, 3).
        depth: Distance of what is there already; lowered where a triangle is nearer.
        seen: Gets the number of the triangle.
        second, third: Get the barycentric coordinates of its second and third corner.
    """
    height, width = depth.shape
    for number in range(triangles.shape[0]):
        i, j, k = triangles[number, 0], triangles[number, 1], triangles[number, 2]
        x0, y0, x1, y1, x2, y2 = points[i, 0], points[i, 1], points[j, 0], points[j, 1], points[k, 0], points[k, 1]
        left = max(0, math.ceil(min(x0, x1, x2) - 0.5))
        right = min(width - 1, math.floor(max(x0, x1, x2) - 0.5))
        top = max(0, math.ceil(min(y0, y1, y2) - 0.5))
        bottom = min(height - 1, math.floor(max(y0, y1, y2) - 0.5))
        if left > right or top > bottom:
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        z0, z1, z2 = points[i, 2], points[j, 2], points[k, 2]
        nearest, farthest = min(z0, z1, z2), max(z0, z1, z2)
        if nearest < 0.1:  # behind the camera
            continue
        # A pixel that shows something nearer than this needs no coordinates. The triangle is drawn a little wider than
        # it is, and may so be a little nearer than its corners.
        hidden = nearest - np.float32(1e-3) * (farthest - nearest)
        scale = np.float32(1) / area
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if depth[row, column] <= hidden:
                    continue
                across, down = column + np.float32(0.5) - x0, row + np.float32(0.5) - y0
                u = (across * (y2 - y0) - (x2 - x0) * down) * scale
                v = ((x1 - x0) * down - across * (y1 - y0)) * scale
                # A little wider than the triangle, so that no seam shows between two.
                if u < -1e-4 or v < -1e-4 or u + v > 1.0001:
                    continue
                distance = z0 * (1 - u - v) + z1 * u + z2 * v
                if distance < depth[row, column]:
                    depth[row, column] = distance
                    seen[row, column] = number
                    second[row, column] = u
                    third[row, column] = v


@numba.njit(cache=True, fastmath=True)
def rasterise_depth(points, triangles, depth):
    """The same for the distance alone, which is what a shadow map is."""
    height, width = depth.shape
    for number in range(triangles.shape[0]):
        i, j, k = triangles[number, 0], triangles[number, 1], triangles[number, 2]
        x0, y0, x1, y1, x2, y2 = points[i, 0], points[i, 1], points[j, 0], points[j, 1], points[k, 0], points[k, 1]
        left = max(0, math.ceil(min(x0, x1, x2) - 0.5))
        right = min(width - 1, math.floor(max(x0, x1, x2) - 0.5))
        top = max(0, math.ceil(min(y0, y1, y2) - 0.5))
        bottom = min(height - 1, math.floor(max(y0, y1, y2) - 0.5))
        if left > right or top > bottom:
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        z0, z1, z2 = points[i, 2], points[j, 2], points[k, 2]
        nearest, farthest = min(z0, z1, z2), max(z0, z1, z2)
        hidden = nearest - np.float32(1e-3) * (farthest - nearest)
        scale = np.float32(1) / area
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if depth[row, column] <= hidden:
                    continue
                across, down = column + np.float32(0.5) - x0, row + np.float32(0.5) - y0
                u = (across * (y2 - y0) - (x2 - x0) * down) * scale
                v = ((x1 - x0) * down - across * (y1 - y0)) * scale
                if u < -1e-4 or v < -1e-4 or u + v > 1.0001:
                    continue
                depth[row, column] = min(depth[row, column], z0 * (1 - u - v) + z1 * u + z2 * v)

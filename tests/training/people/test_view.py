import math

import numpy as np
import pytest
from people_package import generator, module

view, scenery, cameras = module("view"), module("scenery"), module("cameras")
LEVEL = view.View(10, 1, 0, 0, left=-0.1, right=0.1, top=0.2, bottom=-0.2, height=200, width=100)


def test_projection():
    # Ten metres away, a tenth of a unit is a metre; the box is 2 m × 4 m in 100 × 200 pixels, its middle 1 m high.
    points = np.float32([[0, 1, 0], [0.5, 2, 0], [-1, 3, 0], [0.5, 2, 5]])
    np.testing.assert_allclose(LEVEL.project(points), [[50, 100, 10], [75, 50, 10], [0, 0, 10], [100, 0, 5]], atol=1e-4)


def test_projection_from_straight_above():
    above = view.View(10, 1, math.pi / 2, 0, -0.1, 0.1, 0.1, -0.1, 100, 100)
    # What is nearer to the camera's foot (+z) is lower in the picture; what is higher is nearer.
    np.testing.assert_allclose(
        above.project(np.float32([[0, 1, 0.5], [0, 6, 0]])), [[50, 75, 10], [50, 50, 5]], atol=1e-4
    )


def test_a_rolled_picture():
    rolled = view.View(10, 1, 0, math.pi / 2, -0.1, 0.1, 0.1, -0.1, 100, 100)
    np.testing.assert_allclose(rolled.project(np.float32([[0, 1.5, 0]])), [[75, 50, 10]], atol=1e-4)


def test_direction_to_the_camera():
    for elevation in (0.0, 0.3, 1.2):
        there = view.View(10, 1, elevation, 0.1, -0.1, 0.1, 0.1, -0.1, 9, 9)
        np.testing.assert_allclose(there.towards_camera, [0, math.sin(elevation), math.cos(elevation)])
        away = there.project((there.towards_camera * 3 + [0, 1, 0])[None].astype(np.float32))[0, 2]
        assert away == pytest.approx(7, abs=1e-5)


def test_the_background_sees_the_ground_where_points_on_it_are_projected():
    random = generator()
    for _ in range(10):
        camera = cameras.random_camera(random)
        elevation = random.uniform(0.2, 1.2)
        seen = view.View(random.uniform(4, 9), 0.9, elevation, random.normal(0, 0.1), -0.1, 0.1, 0.2, -0.2, 24, 12)
        colour, depth = np.empty((24, 12, 3), np.float32), np.empty((24, 12), np.float32)
        feet = np.empty((24, 12, 2), np.float32)
        spot = np.float32([0, 0, 0, 1e4, 0, 0])
        lights, place = np.ones((2, 3), np.float32), camera.place
        scenery.draw_background(seen.array, spot, place.ground, place.wall, lights, lights[0], colour, depth, feet)
        rows, columns = np.nonzero(feet[..., 0] < 1e8)
        assert len(rows)
        ground = np.stack([feet[rows, columns, 0], np.zeros(len(rows), np.float32), feet[rows, columns, 1]], 1)
        pixels = seen.project(ground)[:, :2]
        near = np.abs(ground).max(axis=1) < 20  # farther away float32 is too coarse for a pixel
        np.testing.assert_allclose(pixels[near], np.stack([columns, rows], 1)[near] + 0.5, atol=0.02)


def test_what_is_cut_off():
    random = generator()
    camera = cameras.random_camera(random)
    body = np.float32([[x, y, z] for x in (-0.3, 0.3) for y in (0, 1.7) for z in (-0.2, 0.2)])
    shares = []
    for _ in range(200):
        found, cut = view.random_view(camera, body, 160, 64, random)
        assert (found.height, found.width) == (160, 64)
        points = found.project(body)
        (left, top), (right, bottom) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        inside = max(0, min(right, 64) - max(left, 0)) * max(0, min(bottom, 160) - max(top, 0))
        assert cut == pytest.approx(1 - inside / ((right - left) * (bottom - top)), abs=1e-3)
        shares.append(cut)
    assert min(shares) < 0.01
    assert 0.1 < max(shares) < 0.7

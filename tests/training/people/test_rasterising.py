import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from people_package import generator, module

rasterising = module("rasterising")
HALF = np.int32([[0, 1, 2]])


def drawn(points, triangles=HALF, height=4, width=4, depth=None):
    depth = np.full((height, width), 1e9, np.float32) if depth is None else depth
    seen = np.full(depth.shape, -1, np.int32)
    second, third = np.zeros_like(depth), np.zeros_like(depth)
    rasterising.rasterise(np.float32(points), triangles, depth, seen, second, third)
    return seen, depth, second, third


def test_coverage_and_depth_of_one_triangle():
    # Half of 4×4 pixels, its long side from the upper right to the lower left through pixel centres.
    seen, depth, second, third = drawn([[0, 0, 1], [4, 0, 2], [0, 4, 3]])
    assert (seen >= 0).tolist() == [[True] * 4, [True] * 3 + [False], [True, True, False, False], [True] + [False] * 3]
    # At (1.5, .5) the second corner has 1.5/4, the third .5/4: 1 · .5 + 2 · .375 + 3 · .125.
    assert (second[0, 1], third[0, 1]) == (0.375, 0.125)
    assert depth[0, 1] == 1.625
    assert depth[3, 3] == np.float32(1e9)


def test_the_nearer_one_is_seen_whatever_the_order():
    near, far = [[0, 0, 1], [8, 0, 1], [0, 8, 1]], [[0, 0, 2], [8, 0, 2], [0, 8, 2]]
    for first, last, number in ((near, far, 0), (far, near, 1)):
        seen, depth, _, _ = drawn([*first, *last], np.int32([[0, 1, 2], [3, 4, 5]]))
        assert (seen == number).all()
        assert (depth == 1).all()


def test_what_is_there_already_stays_if_it_is_nearer():
    seen, depth, _, _ = drawn([[0, 0, 2], [8, 0, 2], [0, 8, 2]], depth=np.full((4, 4), 1, np.float32))
    assert (seen == -1).all()
    assert (depth == 1).all()


def test_both_sides_of_a_triangle_are_drawn():
    one, _, _, _ = drawn([[0, 0, 1], [4, 0, 1], [0, 4, 1]])
    other, _, _, _ = drawn([[0, 0, 1], [0, 4, 1], [4, 0, 1]])
    assert (one == other).all()


def test_nothing_behind_the_camera_outside_the_picture_or_without_area():
    for points in (
        [[0, 0, 1], [4, 0, 1], [0, 4, 0.05]],
        [[-9, 0, 1], [-1, 0, 1], [-9, 9, 1]],
        [[0, 0, 1], [4, 4, 1], [2, 2, 1]],
    ):
        assert (drawn(points)[0] == -1).all()


corner = st.tuples(st.floats(-5, 25, width=32), st.floats(-5, 25, width=32), st.floats(0.5, 9, width=32))


@settings(deadline=None, max_examples=50)
@given(st.lists(corner, min_size=3, max_size=3))
def test_a_shadow_map_is_the_depth_alone(points):
    _, depth, second, third = drawn(points, height=20, width=20)
    alone = np.full((20, 20), 1e9, np.float32)
    rasterising.rasterise_depth(np.float32(points), HALF, alone)
    np.testing.assert_allclose(alone, depth, rtol=1e-6)
    inside = depth < 1e8
    assert (second[inside] + third[inside] <= 1.001).all()
    if inside.any():
        low, high = min(point[2] for point in points), max(point[2] for point in points)
        assert low - 0.01 <= depth[inside].min() <= depth[inside].max() <= high + 0.01


def test_no_gap_between_neighbours():
    random = generator()
    for _ in range(50):
        middle = [*random.uniform(3, 17, 2), 1]
        corners = [[0, 0, 1], [20, 0, 1], [20, 20, 1], [0, 20, 1], middle]
        fan = np.int32([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
        assert (drawn(corners, fan, 20, 20)[0] >= 0).all()

import numpy as np
from people_package import generator, module

geometry, meshes = module("geometry"), module("meshes")


def test_bounds():
    points = np.float32([[1, 5, -2], [3, -4, 0], [2, 0, 7]])
    assert geometry.bounds(points).tolist() == [[1, -4, -2], [3, 5, 7]]


def test_transformed():
    matrix = np.float32([[0, -1, 0, 10], [1, 0, 0, 20], [0, 0, 2, 30]])  # a quarter turn, z doubled, moved
    assert geometry.transformed(np.float32([[1, 2, 3]]), matrix).tolist() == [[8, 21, 36]]


def test_normals_are_weighted_by_area():
    # A triangle of area 1/2 facing z and one of area 3/2 facing x meet in vertices 0 and 1.
    vertices = np.float32([[0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, 0, -3]])
    triangles = np.int32([[0, 1, 2], [0, 3, 1]])
    normals = np.empty_like(vertices)
    geometry.vertex_normals(vertices, triangles, normals)
    shared = np.array([3, 0, 1]) / 10**0.5
    np.testing.assert_allclose(normals, [shared, shared, [0, 0, 1], [1, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(meshes.normals(vertices, triangles), normals, atol=1e-6)


def test_both_ways_to_normals_agree():
    vertices = generator().normal(size=(30, 3)).astype(np.float32)
    triangles = generator(1).integers(0, 30, (60, 3)).astype(np.int32)
    normals = np.empty_like(vertices)
    geometry.vertex_normals(vertices, triangles, normals)
    np.testing.assert_allclose(normals, meshes.normals(vertices, triangles), atol=1e-4)

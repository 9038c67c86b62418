"""Meshes from MakeHuman's files and of our own."""

import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_package import generator, module

from keras_reid import ReIDError

bodies, makehuman, meshes = map(module, ("bodies", "makehuman", "meshes"))
BOX = "v 0 0 0\nv 10 0 0\nv 10 20 0\nv 0 20 0\ng body\nf 1/1 2/2 3/3 4/4\ng helper-skirt\nf 1 2 3\n"
CLOTHES = """# a shirt
name shirt
obj_file cut.obj
x_scale 0 1 10.0
y_scale 0 3 20.0
z_scale 0 2 5.0
verts 0
0 1 3 0.5 0.25 0.25 1.0 2.0 3.0
2
material cloth.mhmat
1 0 2 1.0 0.0 0.0 0.0 0.0 0.0
delete_verts
0 - 2 3
"""


@pytest.fixture
def shirt(tmp_path):
    (tmp_path / "shirt.mhclo").write_text(CLOTHES)
    (tmp_path / "cut.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    return tmp_path / "shirt.mhclo"


def test_an_obj_file_in_decimetres_with_a_square(tmp_path):
    path = tmp_path / "box.obj"
    path.write_text(BOX)
    vertices, triangles, groups = makehuman.read_obj(path)
    np.testing.assert_allclose(vertices, [[0, 0, 0], [1, 0, 0], [1, 2, 0], [0, 2, 0]])
    assert triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 2]]
    assert groups.tolist() == ["body", "body", "helper-skirt"]


def test_no_mesh(tmp_path):
    path = tmp_path / "empty.obj"
    path.write_text("404: Not Found\n")
    with pytest.raises(ReIDError) as error:
        makehuman.read_obj(path)
    assert str(error.value) == (
        f"'{path}' is no mesh: expected a Wavefront .obj file with vertices and faces. Fetch it again."
    )


def test_a_shape_target(tmp_path):
    path = tmp_path / "tall.target.gz"
    path.write_bytes(gzip.compress(b"# basemesh hm08\n1 .5 -1 2\n3 0 0 -.25\n"))
    np.testing.assert_allclose(
        makehuman.read_target(path, 4), [[0, 0, 0], [0.05, -0.1, 0.2], [0, 0, 0], [0, 0, -0.025]]
    )
    path.write_bytes(gzip.compress(b"# moves nothing\n"))
    assert not makehuman.read_target(path, 4).any()


def test_a_proxy_fits_a_larger_body(shirt):
    proxy = makehuman.read_proxy(shirt)
    assert proxy.covers.tolist() == [0, 1, 2, 3]
    assert proxy.pieces.tolist() == [0, 0, 0]
    # It was made on a body 1 m wide, 2 m high and .5 m deep; this one is twice as wide and as deep as that.
    body = np.float32([[0, 0, 0], [2, 0, 0], [2, 2, 1], [0, 2, 0]])
    # Half of vertex 0, a quarter of 1 and of 3, and the offset of (.1, .2, .3) m grown with the body.
    np.testing.assert_allclose(proxy.fitted(body), [[0.7, 0.7, 0.6], [2, 2, 1], [2, 0, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "complaint"), [(CLOTHES.replace("x_scale", "scale"), "'x'"), (CLOTHES.replace("10.0", "ten"), "'ten'")]
)
def test_a_damaged_proxy(shirt, wrong, complaint):
    shirt.write_text(wrong)
    with pytest.raises(ReIDError) as error:
        makehuman.read_proxy(shirt)
    assert str(error.value).startswith(f"'{shirt}' is no MakeHuman proxy (")
    assert complaint in str(error.value)
    assert str(error.value).endswith("): fetch it again.")


def test_pieces_are_what_triangles_join():
    triangles = np.array([[5, 3, 4], [0, 1, 2], [4, 6, 7]])
    assert makehuman._joined(triangles, 9).tolist() == [0, 0, 0, 3, 3, 3, 3, 3, 8]


def test_a_builder_keeps_the_vertices_that_are_used():
    builder = meshes.Builder()
    vertices = np.arange(15).reshape(5, 3)
    bones, shares = np.arange(20).reshape(5, 4), np.full((5, 4), 0.25)
    builder.add(vertices, np.array([[4, 0, 2]]), 7, bones, shares)
    builder.add(vertices, np.empty((0, 3), int), 1, bones, shares)
    builder.add(vertices[:3] + 100, np.array([[0, 1, 2]]), np.array([9]), 3, None)
    mesh = builder.mesh()
    assert mesh.vertices[:, 0].tolist() == [0, 6, 12, 100, 103, 106]
    assert mesh.triangles.tolist() == [[2, 0, 1], [3, 4, 5]]
    assert mesh.parts.tolist() == [7, 9]
    assert mesh.bones[:, 0].tolist() == [0, 8, 16, 3, 3, 3]
    assert mesh.shares.sum(axis=1).tolist() == [1] * 6


def edges(triangles):
    return Counter(frozenset((int(t[i]), int(t[i - 1]))) for t in triangles for i in range(3) if t[i] != t[i - 1])


def test_a_closed_tube_has_no_hole():
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    path = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 1)
    points, triangles = meshes.tube(path, np.full(12, 0.1), closed=True, sides=5)
    assert points.shape == (60, 3)
    assert set(edges(triangles).values()) == {2}
    np.testing.assert_allclose(np.linalg.norm(points - np.repeat(path, 5, axis=0), axis=1), 0.1, rtol=1e-6)


def test_a_cushion_fills_its_box():
    points, triangles = meshes.cushion((1, 2, 3), (0.1, 0.2, 0.3), columns=16)
    np.testing.assert_allclose([points.min(axis=0), points.max(axis=0)], [[0.9, 1.8, 2.7], [1.1, 2.2, 3.3]], atol=1e-6)
    assert triangles.max() < len(points)


share = st.floats(0, 1)


@settings(deadline=None)
@given(st.floats(0.4, 2), st.floats(-1, 1), st.floats(-1, 1), st.floats(-0.5, 0.5), st.floats(-1, 1))
def test_shares_of_shape_targets(age, muscle, weight, height, proportions):
    ethnicity = generator().dirichlet([1, 1, 1])
    shares = bodies._shares("female", age, ethnicity, muscle, weight, height, proportions)
    assert all(-1e-9 <= value <= 1 + 1e-9 for value in shares.values())
    builds = sum(value for name, value in shares.items() if name.startswith("universal-"))
    origins = sum(value for name, value in shares.items() if name.startswith(("caucasian", "african", "asian")))
    assert [builds, origins] == pytest.approx([1, 1])
    heights = sum(value for name, value in shares.items() if name.endswith("height"))
    assert heights == pytest.approx(abs(height))

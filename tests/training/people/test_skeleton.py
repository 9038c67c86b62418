import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from people_package import chain, module

skeleton = module("skeleton")
X, Y, Z = np.eye(3)


@pytest.mark.parametrize(("turn", "here", "there"), [("about_x", Y, Z), ("about_y", Z, X), ("about_z", X, Y)])
def test_quarter_turns(turn, here, there):
    np.testing.assert_allclose(getattr(skeleton, turn)(math.pi / 2) @ here, there, atol=1e-12)


vector = st.tuples(*[st.floats(-3, 3)] * 3).map(np.array)


@settings(deadline=None, max_examples=50)
@given(vector, vector)
def test_aiming_is_the_smallest_rotation(here, there):
    lengths = np.linalg.norm(here) * np.linalg.norm(there)
    assume(np.linalg.norm(here) > 0.1)
    assume(np.linalg.norm(there) > 0.1)
    cosine = here @ there / lengths
    assume(cosine > -0.99)
    rotation = skeleton.aiming(here, there)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-8)
    np.testing.assert_allclose(rotation @ here / np.linalg.norm(here), there / np.linalg.norm(there), atol=1e-8)
    assert np.trace(rotation) == pytest.approx(1 + 2 * cosine, abs=1e-8)  # turns by no more than the angle between them


def test_a_bone_takes_those_after_it_along():
    # A leg of 2 m in two halves: the upper one swings forward by a quarter turn, the lower one keeps hanging.
    assets, joints = chain({"thigh": (0, 2, 0), "calf": (0, 1, 0), "foot": (0, 0, 0)})
    forward = skeleton.about_x(-math.pi / 2)  # -y towards +z
    matrices = skeleton.transforms(assets, joints, {"thigh": forward, "calf": np.eye(3)})
    ends = [matrices[bone] @ [*joints[name], 1] for bone, name in enumerate(joints)]
    np.testing.assert_allclose(ends, [[0, 2, 0], [0, 2, 1], [0, 1, 1]], atol=1e-6)
    matrices = skeleton.transforms(assets, joints, {"thigh": forward})  # what is not told to turns with its parent
    np.testing.assert_allclose(matrices[2] @ [0, 0, 0, 1], [0, 2, 2], atol=1e-6)


def test_skinning_of_one_vertex():
    stay = np.eye(3, 4)
    turn = np.hstack([skeleton.about_z(math.pi / 2), [[10], [0], [0]]])
    posed = np.empty((1, 3), np.float32)
    shares = np.float32([[0.75, 0.25, 0, 0]])
    skeleton.carry(np.float32([[4, 0, 8]]), np.int32([[0, 1, 0, 0]]), shares, np.float32([stay, turn]), posed)
    # Three quarters of (4, 0, 8) and one quarter of (10, 4, 8).
    np.testing.assert_allclose(posed, [[5.5, 1, 8]], atol=1e-6)

"""A person where it stands: posed, turned, with its feet on the ground."""

from dataclasses import dataclass

import numpy as np

from .assets import Assets
from .geometry import bounds, move, vertex_normals
from .person import Person
from .poses import random_pose
from .skeleton import about_y, carry, transforms


@dataclass(frozen=True)
class Posed:
    """A person where it stands, in metres: x to the right of the camera, y upwards, z towards it.

    Attributes:
        person: Who it is.
        vertices, normals: Of the person's mesh, (V, 3) float32.
        feet: x and z of the balls of the feet, (2, 2) float32.
        doing: What the pose is called.
    """

    person: Person
    vertices: np.ndarray
    normals: np.ndarray
    feet: np.ndarray
    doing: str


def posed(assets: Assets, person: Person, yaw: float, place: tuple[float, float], random: np.random.Generator) -> Posed:
    """A person in a random pose.

    Args:
        assets: For the bones.
        person: Whom to pose.
        yaw: Radians that the person is turned; 0 faces the camera.
        place: x and z where it stands.
        random: Drawn from.
    """
    turned, doing = random_pose(assets, person.joints, person.gait, person.holding, random)
    matrices = about_y(yaw).astype(np.float32) @ transforms(assets, person.joints, turned)
    mesh = person.mesh
    vertices, normals = np.empty_like(mesh.vertices), np.empty_like(mesh.vertices)
    carry(mesh.vertices, mesh.bones, mesh.shares, matrices, vertices)
    move(vertices, np.float32([place[0], -bounds(vertices)[0, 1], place[1]]))
    vertex_normals(vertices, mesh.triangles, normals)
    feet = []
    for side in ("l", "r"):
        bone = matrices[assets.bone_index[f"foot_{side}"]]
        ball = bone[:, :3] @ person.joints[f"ball_{side}"].astype(np.float32) + bone[:, 3]
        feet.append((ball[0] + place[0], ball[2] + place[1]))
    return Posed(person, vertices, normals, np.array(feet, np.float32), doing)

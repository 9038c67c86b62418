"""One picture: a person in a pose before a camera, with what stands around."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .assets import Assets
from .cameras import Camera
from .person import Person
from .places import Thing, random_thing
from .poses import random_pose
from .rasterising import bounds, rasterise, rasterise_depth, transformed, vertex_normals
from .scenery import cast_on_ground, darken_below, draw_background, draw_thing
from .sensor import develop
from .shading import noise_block, shade
from .skeleton import about_y, carry, transforms
from .view import View, random_view

# Drawn larger by this than the crop, and then averaged, against jagged edges.
_FINER = 1.5
# How often something stands in front, and the share of the person that it leaves to be seen at least.
_OBSTRUCTED, _LEAST_SHOWN = 0.12, 0.4
_NO_SHADOW = np.zeros((1, 1), np.float32)


@dataclass(frozen=True)
class Truth:
    """What is known about a picture besides who is in it.

    Attributes:
        yaw: Degrees; 0 the person faces the camera, 90 its left side is seen, 180 its back.
        elevation: Degrees that the camera looks down.
        distance: Metres.
        pose: What the person does.
        occlusion: Share of the person that something hides.
        cut: Share of the person's box that is outside the crop.
        sunny: Whether the sun casts shadows.
    """

    yaw: float
    elevation: float
    distance: float
    pose: str
    occlusion: float
    cut: float
    sunny: bool


@dataclass
class _Posed:
    """A person where it stands."""

    person: Person
    vertices: np.ndarray
    normals: np.ndarray
    feet: np.ndarray


def random_picture(
    assets: Assets,
    person: Person,
    camera: Camera,
    others: list[Person],
    height: int,
    width: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, Truth]:
    """A crop (height, width, 3) uint8 of somebody in a camera, and what is to be known about it.

    Args:
        others: People who may stand or walk beside, behind or in front.
    """
    along_way = random.random() < 0.7
    yaw = random.choice(camera.ways) + random.normal(0, 0.3) if along_way else random.uniform(0, 2 * math.pi)
    target, pose = _posed(assets, person, yaw, (0.0, 0.0), random)
    view, cut = random_view(camera, target.vertices, round(height * _FINER), round(width * _FINER), random)
    scene = _Scene(camera, view, random)
    near = [target]
    for other in others:
        place = (random.choice([-1, 1]) * random.uniform(0.25, 1.0), random.uniform(-2.5, 0.8))
        near.append(_posed(assets, other, random.uniform(0, 2 * math.pi), place, random)[0])
    scene.background(near)
    alone = scene.draw(target, 1)
    for number, other in enumerate(near[1:], 2):
        scene.draw(other, number)
    scene.things_behind()
    if random.random() < _OBSTRUCTED:
        scene.thing_in_front(alone)
    hidden = 1 - scene.shown() / max(1, alone)
    pixels = develop(scene.colour, camera.sensor, height, width, random)
    truth = Truth(
        yaw=round(math.degrees(yaw) % 360, 1),
        elevation=round(math.degrees(view.elevation), 1),
        distance=round(view.distance, 2),
        pose=pose,
        occlusion=round(hidden, 3),
        cut=round(cut, 3),
        sunny=scene.sunny,
    )
    return pixels, truth


def _posed(assets, person, yaw, place, random) -> tuple[_Posed, str]:
    turned, pose = random_pose(assets, person.joints, person.gait, person.holding, random)
    matrices = transforms(assets, person.joints, turned)
    matrices = about_y(yaw).astype(np.float32) @ matrices
    vertices = np.empty_like(person.mesh.vertices)
    carry(person.mesh.vertices, person.mesh.bones, person.mesh.shares, matrices, vertices)
    vertices += np.float32([place[0], -bounds(vertices)[0, 1], place[1]])
    normals = np.empty_like(vertices)
    vertex_normals(vertices, person.mesh.triangles, normals)
    feet = []
    for side in ("l", "r"):
        bone = matrices[assets.bone_index[f"foot_{side}"]]
        ball = bone[:, :3] @ person.joints[f"ball_{side}"].astype(np.float32) + bone[:, 3]
        feet.append((ball[0] + place[0], ball[2] + place[1]))
    return _Posed(person, vertices, normals, np.array(feet, np.float32)), pose


class _Scene:
    """The buffers of one picture, and what has been drawn into them."""

    def __init__(self, camera: Camera, view: View, random: np.random.Generator) -> None:
        self.camera, self.view, self.random = camera, view, random
        shape = (view.height, view.width)
        self.colour = np.zeros((*shape, 3), np.float32)
        self.depth = np.empty(shape, np.float32)
        self.owner = np.zeros(shape, np.int32)
        light = camera.light
        self.sunny = light.sunny and bool(random.random() < 0.85)
        sun = light.sun if self.sunny or not light.sunny else 0.2 * light.sun
        self.light = np.stack([light.towards_sun, sun, light.sky, light.ground, view.towards_camera]).astype(np.float32)
        self.shadows: list[tuple[np.ndarray, np.ndarray]] = []

    def background(self, people: list[_Posed]) -> None:
        """Draw the place, with the shadows of the people."""
        random, place, light = self.random, self.camera.place, self.camera.light
        sun, sky = self.light[1], self.light[2]
        on_ground = sun * light.towards_sun[1] + sky
        lights = np.stack([on_ground, 0.4 * sun * max(0.2, light.towards_sun[2]) + 0.75 * sky]).astype(np.float32)
        behind = self.camera.farthest - self.view.distance * math.cos(self.view.elevation) + place.wall_distance
        spot = np.array(
            [
                *random.uniform(0, 5, 2),
                random.uniform(-0.3, 0.3),
                max(0.4, behind),
                place.wall_slope,
                random.uniform(0, 6),
            ],
            np.float32,
        )
        feet = np.empty((*self.depth.shape, 2), np.float32)
        pale = (sky * random.uniform(0.7, 1.3)).astype(np.float32)
        draw_background(self.view.array, spot, place.ground, place.wall, lights, pale, self.colour, self.depth, feet)
        darken_below(feet, np.concatenate([person.feet for person in people]), self.colour)
        self.shadows = [self._shadow(person) for person in people]
        if self.sunny:
            dark = np.zeros(self.depth.shape, np.float32)
            for shadow, to_shadow in self.shadows:
                cast_on_ground(feet, shadow, to_shadow, dark)
            left_over = (sky / on_ground).astype(np.float32)
            self.colour *= 1 - cv2.blur(dark, (3, 3))[..., None] * (1 - left_over)

    def _shadow(self, posed: _Posed) -> tuple[np.ndarray, np.ndarray]:
        """The sun's view of a person: distances from it, and the matrix (3, 4) that leads there."""
        if not self.sunny:
            return _NO_SHADOW, np.zeros((3, 4), np.float32)
        towards = self.camera.light.towards_sun
        across = np.cross([0, 1, 0], towards)
        across /= np.linalg.norm(across)
        axes = np.stack([across, np.cross(towards, across), -towards]).astype(np.float32)
        matrix = np.zeros((3, 4), np.float32)
        matrix[:, :3] = axes
        low, high = bounds(transformed(posed.vertices, matrix))
        size = round(0.4 * self.view.height)
        scale = np.float32((size - 2) / max(high[0] - low[0], high[1] - low[1]))
        matrix[:2] *= scale
        matrix[:2, 3] = 1 - low[:2] * scale
        points = transformed(posed.vertices, matrix)
        shadow = np.full((size, size), 1e9, np.float32)
        rasterise_depth(points, posed.person.mesh.triangles, shadow)
        return shadow, matrix

    def draw(self, posed: _Posed, number: int) -> int:
        """Draw a person where nothing nearer is; returns how many pixels show it."""
        mesh = posed.person.mesh
        seen = np.full(self.depth.shape, -1, np.int32)
        second, third = np.empty_like(self.depth), np.empty_like(self.depth)
        rasterise(self.view.project(posed.vertices), mesh.triangles, self.depth, seen, second, third)
        shadow, to_shadow = self.shadows[number - 1]
        shade(
            seen,
            second,
            third,
            mesh.triangles,
            mesh.parts,
            mesh.vertices,
            posed.vertices,
            posed.normals,
            posed.person.outfit[0],
            posed.person.materials,
            self.light,
            shadow,
            to_shadow,
            noise_block(),
            self.owner,
            number,
            self.colour,
        )
        return int(np.count_nonzero(seen >= 0))

    def shown(self) -> int:
        """How many pixels show the person who is looked for."""
        return int(np.count_nonzero(self.owner == 1))

    def things_behind(self) -> None:
        """Draw what stands behind the person."""
        random, place = self.random, self.camera.place
        for _ in range(random.poisson(place.busy)):
            thing = place.things[int(random.integers(len(place.things)))]
            self._thing(thing, random.normal(0, 2.0), -random.uniform(0.6, 8.0))

    def thing_in_front(self, alone: int) -> None:
        """Draw something that hides a part of the person, of whom `alone` pixels were to be seen."""
        random = self.random
        thing = random_thing(random)
        nearer = random.uniform(0.3, 0.35 * self.view.distance)
        # What is high hides one side of the person, what is low the legs.
        beside = random.choice([-1, 1]) * (0.5 * thing.width + random.uniform(-0.25, 0.25))
        before = self.colour.copy(), self.depth.copy(), self.owner.copy()
        self._thing(thing, random.normal(0, 0.3) if thing.height < 1.2 else beside, nearer)
        if self.shown() < _LEAST_SHOWN * alone:  # nobody would find this person
            self.colour, self.depth, self.owner = before

    def _thing(self, thing: Thing, x: float, z: float) -> None:
        ends = self.view.project(np.float32([[x, 0, z], [x, thing.height, z]]))
        if (ends[:, 2] < 0.3).any():
            return
        half = 0.5 * thing.width / ends[0, 2] * self.view.width / (self.view.right - self.view.left)
        light = (0.6 * self.light[1] * max(0.3, self.light[0, 2]) + 0.8 * self.light[2]).astype(np.float32)
        draw_thing(
            ends[0, 0] - half,
            ends[0, 0] + half,
            ends[1, 1],
            ends[0, 1],
            ends[0, 2],
            thing.kind,
            thing.colour.astype(np.float32),
            thing.second.astype(np.float32),
            np.float32(self.random.uniform(0, 6)),
            light,
            self.colour,
            self.depth,
            self.owner,
        )

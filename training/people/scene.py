"""The buffers of one picture, and what is drawn into them."""

import math

import cv2
import numpy as np

from .cameras import Camera
from .geometry import bounds, transformed
from .noise import noise_block
from .places import Thing, random_thing
from .posing import Posed
from .rasterising import rasterise, rasterise_depth
from .scenery import cast_on_ground, darken, darken_below, draw_background, draw_thing
from .shading import shade
from .view import View

# The share of a person that something in front leaves to be seen at least.
_LEAST_SHOWN = 0.4

# The sun's view of a person: distances from it, (rows, columns), and the matrix (3, 4) that leads there.
Shadow = tuple[np.ndarray, np.ndarray]
_NO_SHADOW: Shadow = (np.zeros((1, 1), np.float32), np.zeros((3, 4), np.float32))


class Scene:
    """What a camera sees at one moment.

    People are numbered from 1, the one who is looked for; 0 is nobody.

    Args:
        camera: Its light and its place.
        view: What it looks at.
        random: Drawn from.

    Attributes:
        colour: Linear light, (height, width, 3) float32.
        depth: Metres from the camera, (height, width) float32.
        owner: The number of who is seen, (height, width) int32.
        light: (5, 3) float32: direction to the sun, its light, the sky's, the ground's, direction to the camera.
        sunny: Whether the sun casts shadows.
        alone: How many pixels showed the one who is looked for, before anything else was drawn.
    """

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
        self.alone = 0

    def draw(self, people: list[Posed]) -> None:
        """Draw the place and the people, the one who is looked for first."""
        shadows = [self._shadow(person) for person in people]
        self._draw_place(people, shadows)
        for number, (person, shadow) in enumerate(zip(people, shadows, strict=True), 1):
            seen = self._draw_person(person, shadow, number)
            if number == 1:
                self.alone = seen

    def occlusion(self) -> float:
        """Which share of the one who is looked for is hidden, 0 to 1."""
        return 1 - int(np.count_nonzero(self.owner == 1)) / max(1, self.alone)

    def _draw_place(self, people: list[Posed], shadows: list[Shadow]) -> None:
        random, place, light = self.random, self.camera.place, self.camera.light
        sun, sky = self.light[1], self.light[2]
        on_ground = sun * light.towards_sun[1] + sky
        lights = np.stack([on_ground, 0.4 * sun * max(0.2, light.towards_sun[2]) + 0.75 * sky]).astype(np.float32)
        behind = self.camera.farthest - self.view.distance * math.cos(self.view.elevation) + place.wall_distance
        ground_x, ground_z = random.uniform(0, 5, 2)
        turned, along_wall = random.uniform(-0.3, 0.3), random.uniform(0, 6)
        spot = np.float32([ground_x, ground_z, turned, max(0.4, behind), place.wall_slope, along_wall])
        feet = np.empty((*self.depth.shape, 2), np.float32)
        pale = (sky * random.uniform(0.7, 1.3)).astype(np.float32)
        draw_background(self.view.array, spot, place.ground, place.wall, lights, pale, self.colour, self.depth, feet)
        darken_below(feet, np.concatenate([person.feet for person in people]), self.colour)
        if self.sunny:
            dark = np.zeros(self.depth.shape, np.float32)
            for shadow, to_shadow in shadows:
                cast_on_ground(feet, shadow, to_shadow, dark)
            darken(cv2.blur(dark, (3, 3)), (sky / on_ground).astype(np.float32), self.colour)

    def _shadow(self, posed: Posed) -> Shadow:
        if not self.sunny:
            return _NO_SHADOW
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

    def _draw_person(self, posed: Posed, shadow: Shadow, number: int) -> int:
        """Draw a person where nothing nearer is; returns how many pixels show it."""
        mesh = posed.person.mesh
        seen = np.full(self.depth.shape, -1, np.int32)
        second, third = np.empty_like(self.depth), np.empty_like(self.depth)
        rasterise(self.view.project(posed.vertices), mesh.triangles, self.depth, seen, second, third)
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
            *shadow,
            noise_block(),
            self.owner,
            number,
            self.colour,
        )
        return int(np.count_nonzero(seen >= 0))

    def draw_things_behind(self) -> None:
        """Draw what stands behind the person."""
        random, place = self.random, self.camera.place
        for _ in range(random.poisson(place.busy)):
            thing = place.things[int(random.integers(len(place.things)))]
            self._draw_thing(thing, random.normal(0, 2.0), -random.uniform(0.6, 8.0))

    def draw_thing_in_front(self) -> None:
        """Draw something that hides a part of the person, unless nobody would find the person then."""
        random = self.random
        thing = random_thing(random)
        nearer = random.uniform(0.3, 0.35 * self.view.distance)
        # What is high hides one side of the person, what is low the legs.
        beside = random.choice([-1, 1]) * (0.5 * thing.width + random.uniform(-0.25, 0.25))
        before = self.colour.copy(), self.depth.copy(), self.owner.copy()
        self._draw_thing(thing, random.normal(0, 0.3) if thing.height < 1.2 else beside, nearer)
        if self.occlusion() > 1 - _LEAST_SHOWN:
            self.colour, self.depth, self.owner = before

    def _draw_thing(self, thing: Thing, x: float, z: float) -> None:
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

"""One picture: a person in a pose before a camera, with what stands around."""

import math
from dataclasses import dataclass

import numpy as np

from .assets import Assets
from .cameras import Camera
from .person import Person
from .posing import posed
from .scene import Scene
from .sensor import develop
from .view import random_view

# Drawn larger by this than the crop, and then averaged, against jagged edges.
_FINER = 1.5
# How often something stands in front.
_OBSTRUCTED = 0.12


@dataclass(frozen=True)
class Truth:
    """What is known about a picture besides who is in it.

    Attributes:
        yaw: Degrees; 0 the person faces the camera, 90 its right side is seen, 180 its back.
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
        assets: For the bones.
        person: Who is looked for.
        camera: That sees the person.
        others: People who stand or walk beside, behind or in front.
        height, width: Of the crop, pixels.
        random: Drawn from.
    """
    along_way = random.random() < 0.7
    yaw = random.choice(camera.ways) + random.normal(0, 0.3) if along_way else random.uniform(0, 2 * math.pi)
    target = posed(assets, person, yaw, (0.0, 0.0), random)
    view, cut = random_view(camera, target.vertices, round(height * _FINER), round(width * _FINER), random)
    scene = Scene(camera, view, random)
    near = [target]
    for other in others:
        place = (random.choice([-1, 1]) * random.uniform(0.25, 1.0), random.uniform(-2.5, 0.8))
        near.append(posed(assets, other, random.uniform(0, 2 * math.pi), place, random))
    scene.draw(near)
    scene.draw_things_behind()
    if random.random() < _OBSTRUCTED:
        scene.draw_thing_in_front()
    pixels = develop(scene.colour, camera.sensor, height, width, random)
    truth = Truth(
        yaw=round(math.degrees(yaw), 1) % 360,
        elevation=round(math.degrees(view.elevation), 1),
        distance=round(view.distance, 2),
        pose=target.doing,
        occlusion=round(scene.occlusion(), 3),
        cut=round(cut, 3),
        sunny=scene.sunny,
    )
    return pixels, truth

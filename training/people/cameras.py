"""Surveillance cameras: where they hang, the light of their place, and what their sensors make of it."""

import math
from dataclasses import dataclass

import numpy as np

from .places import Place, random_place


@dataclass(frozen=True)
class Light:
    """The light of a place. Colours are linear, (3,); about 1 makes a white sheet white.

    Attributes:
        towards_sun: Unit vector; the camera looks along -z.
        sun: The sun's light, or that of the brightest lamp; it casts shadows if `sunny`.
        sky, ground: Light from above and from below.
    """

    towards_sun: np.ndarray
    sun: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    sunny: bool


@dataclass(frozen=True)
class Sensor:
    """What a camera does to a picture between the lens and the crop of a person.

    Attributes:
        white_balance: Factor of each channel.
        exposure, gamma, contrast, saturation: Factors; 1 changes nothing.
        haze: Share of white over everything, and `tint` of colour.
        lines: Rows of pixels that a person has.
        blur: Standard deviation of the lens' blur, in such rows.
        noise: Standard deviation of the sensor's noise, in 255ths.
        sharpened: Whether edges are overdrawn.
        quality: Of the JPEG files or the video.
    """

    white_balance: np.ndarray
    exposure: float
    gamma: float
    contrast: float
    saturation: float
    haze: float
    tint: np.ndarray
    lines: float
    blur: float
    noise: float
    sharpened: bool
    quality: float


@dataclass(frozen=True)
class Camera:
    """One camera.

    Attributes:
        height: Metres above the ground.
        nearest, farthest: Metres over ground to the people it sees.
        tilt: Standard deviation of how people lean at the sides of its picture, radians.
        ways: Directions in which most people walk past it, radians; 0 comes towards it.
        looseness: How much larger than the person its detector's boxes are; below 0 they cut.
        carelessness: How much the boxes vary.
    """

    height: float
    nearest: float
    farthest: float
    tilt: float
    ways: np.ndarray
    looseness: float
    carelessness: float
    light: Light
    sensor: Sensor
    place: Place


def random_camera(random: np.random.Generator) -> Camera:
    """A camera as they hang in streets, halls, stations and shops."""
    kind = random.random()
    if kind < 0.35:  # at the height of the people
        height, nearest = random.uniform(1.2, 2.4), random.uniform(3, 7)
    elif kind < 0.75:  # above doors
        height, nearest = random.uniform(2.4, 4.5), random.uniform(2.5, 6)
    else:  # on poles and roofs
        height, nearest = random.uniform(4, 9), random.uniform(3, 9)
    farthest = nearest * random.uniform(1.2, 2.6)
    light = _random_light(random)
    steep = math.atan2(height - 0.9, 0.5 * (nearest + farthest))
    return Camera(
        height=height,
        nearest=nearest,
        farthest=farthest,
        tilt=math.radians(random.uniform(0.5, 3)) + 0.08 * max(0.0, steep),
        ways=random.uniform(0, 2 * math.pi, random.integers(2, 5)),
        looseness=random.uniform(-0.01, 0.08),
        carelessness=random.uniform(0.01, 0.05),
        light=light,
        sensor=_random_sensor(random),
        place=random_place(steep, farthest, random),
    )


def _random_light(random: np.random.Generator) -> Light:
    sunny = bool(random.random() < 0.5)
    azimuth, elevation = random.uniform(0, 2 * math.pi), math.radians(random.uniform(28, 75))
    towards = np.array(
        [math.cos(elevation) * math.sin(azimuth), math.sin(elevation), math.cos(elevation) * math.cos(azimuth)]
    )
    sun = random.uniform(0.9, 1.8) if sunny else random.uniform(0.1, 0.6)
    sky = random.uniform(0.22, 0.55) if sunny else random.uniform(0.55, 1.0)
    return Light(
        towards,
        sun * np.array([1.04, 1.0, 0.93]),
        sky * np.array([0.96, 1.0, 1.06]),
        sky * random.uniform(0.25, 0.65) * np.array([1.03, 1.0, 0.95]),
        sunny,
    )


def _random_sensor(random: np.random.Generator) -> Sensor:
    warm = random.uniform(-1, 1)
    return Sensor(
        white_balance=np.array([1 + 0.16 * warm, 1.0, 1 - 0.2 * warm]) * (1 + random.normal(0, 0.03, 3)),
        exposure=math.exp(random.normal(0.22, 0.25)),
        gamma=random.uniform(0.85, 1.2),
        contrast=random.uniform(0.8, 1.15),
        saturation=float(np.clip(random.normal(0.88, 0.22), 0.3, 1.35)),
        haze=max(0.0, random.normal(0.02, 0.07)),
        tint=random.normal(0, 0.025, 3),
        lines=random.uniform(55, 240),
        blur=abs(random.normal(0, 0.7)),
        noise=abs(random.normal(0, 4)),
        sharpened=bool(random.random() < 0.3),
        quality=random.uniform(25, 95),
    )

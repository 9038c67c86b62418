"""Where cameras hang: ground and walls with their textures, and the things that stand about."""

from dataclasses import dataclass

import cv2
import numpy as np

from . import colours

_TEXELS = 256
GROUND_METRES = 5.0  # what one texture of the ground covers before it repeats itself
WALL_METRES = 6.0


@dataclass(frozen=True)
class Thing:
    """Something that stands on the ground, flat as a stage set and facing the camera.

    Attributes:
        width, height: Metres.
        colour, second: Linear, (3,).
        kind: 0 a box with a stripe, 1 a round pillar, 2 a bush, 3 a car: dark below, windows above.
    """

    width: float
    height: float
    colour: np.ndarray
    second: np.ndarray
    kind: int


@dataclass(frozen=True)
class Place:
    """A place.

    Attributes:
        ground: Texture, (256, 256, 3) linear reflectance.
        wall: Likewise.
        wall_distance: Metres from the person farthest from the camera to the wall behind; far away for no wall.
        wall_slope: How much nearer the wall comes to the right, metres a metre.
        things: What stands about.
        busy: How many things there are behind a person, on average.
    """

    ground: np.ndarray
    wall: np.ndarray
    wall_distance: float
    wall_slope: float
    things: tuple[Thing, ...]
    busy: float


def random_place(steep: float, farthest: float, random: np.random.Generator) -> Place:
    """A place; cameras that look down steeply see mostly ground."""
    walled = random.random() < (0.75 if steep < 0.35 else 0.35)
    return Place(
        _ground(random),
        _wall(random),
        random.uniform(0.3, 1.2 * farthest) if walled else 1e4,
        random.uniform(-0.5, 0.5),
        tuple(_thing(random) for _ in range(5)),
        random.uniform(0, 2.5),
    )


def random_thing(random: np.random.Generator) -> Thing:
    """Something to stand in front of people."""
    return _thing(random)


def _thing(random: np.random.Generator) -> Thing:
    kind = int(random.choice(4, p=[0.4, 0.2, 0.2, 0.2]))
    sizes = {
        0: ((0.3, 2.0), (0.4, 2.2)),
        1: ((0.08, 0.5), (1.0, 3.5)),
        2: ((0.5, 2.5), (0.4, 1.6)),
        3: ((2.0, 4.2), (1.3, 1.6)),
    }
    width, height = (random.uniform(*limits) for limits in sizes[kind])
    colour = np.array([0.2, 0.32, 0.12]) * random.uniform(0.5, 1.4) if kind == 2 else colours.of_place(random)
    second = colour * random.uniform(0.3, 0.8) if kind == 2 else colours.of_place(random)
    if kind == 3:
        colour = colours.of_coat(random) if random.random() < 0.5 else colours.of_top(random)
    return Thing(width, height, colours.linear(colour), colours.linear(second), kind)


def _blotches(random: np.random.Generator, cells: int, strength: float) -> np.ndarray:
    """Random unevenness that continues beyond the edges, (256, 256, 1)."""
    values = random.normal(0, strength, (cells, cells)).astype(np.float32)
    values = np.pad(values, 2, mode="wrap")
    size = round(_TEXELS * (cells + 4) / cells)
    grown = cv2.resize(values, (size, size), interpolation=cv2.INTER_CUBIC)
    edge = round(_TEXELS * 2 / cells)
    return grown[edge : edge + _TEXELS, edge : edge + _TEXELS, None]


def _ground(random: np.random.Generator) -> np.ndarray:
    base = colours.of_place(random)
    image = np.empty((_TEXELS, _TEXELS, 3), np.float32)
    image[:] = base
    if random.random() < 0.4:  # slabs, tiles, planks; a whole number of them, so that the texture repeats itself
        across, along = int(random.integers(3, 14)), int(random.integers(3, 14))
        other = np.clip(base * random.uniform(0.6, 1.25), 0, 1)
        for row in range(along):
            for column in range(across):
                shade = 1 + random.normal(0, 0.04)
                place = np.s_[
                    row * _TEXELS // along : (row + 1) * _TEXELS // along,
                    column * _TEXELS // across : (column + 1) * _TEXELS // across,
                ]
                image[place] *= shade
                image[place][0], image[place][:, 0] = other, other
    for _ in range(random.poisson(0.7)):  # kerbs and painted lines
        paint = np.array([0.9, 0.9, 0.88]) if random.random() < 0.6 else colours.of_place(random)
        at, wide = int(random.integers(_TEXELS)), int(random.integers(4, 14))
        if random.random() < 0.5:
            image[at : at + wide] = paint
        else:
            image[:, at : at + wide] = paint
    for _ in range(random.poisson(1.5)):  # stains, manholes, leaves
        centre = tuple(int(number) for number in random.integers(0, _TEXELS, 2))
        axes = tuple(int(number) for number in random.integers(3, 28, 2))
        shade = np.clip(base * random.uniform(0.5, 1.3), 0, 1)
        cv2.ellipse(image, centre, axes, random.uniform(0, 180), 0, 360, shade.tolist(), -1, cv2.LINE_AA)
    image *= 1 + _blotches(random, 4, 0.08) + _blotches(random, 24, 0.06)
    image *= 1 + _blotches(random, 128, random.uniform(0.01, 0.14))  # gravel, asphalt
    return colours.linear(image).astype(np.float32)


def _wall(random: np.random.Generator) -> np.ndarray:
    base = colours.of_place(random)
    image = np.empty((_TEXELS, _TEXELS, 3), np.float32)
    image[:] = base
    if random.random() < 0.3:  # bricks, boards
        step = int(random.choice([4, 8, 16, 32]))
        line = np.clip(base * random.uniform(0.7, 1.2), 0, 1)
        if random.random() < 0.5:
            image[::step] = line
        else:
            image[:, ::step] = line
    image[_TEXELS - int(random.integers(1, 40)) :] *= random.uniform(0.6, 1.1)  # the rows run from the top down
    for _ in range(random.poisson(5)):  # doors, windows, posters, pipes
        width, height = int(random.integers(3, 90)), int(random.integers(8, 180))
        left, top = int(random.integers(-20, _TEXELS)), int(random.integers(0, _TEXELS - 10))
        if random.random() < 0.5:
            top = _TEXELS - height  # reaches the ground
        colour = colours.of_place(random)
        place = np.s_[max(0, top) : top + height, max(0, left) : left + width]
        image[place] = colour
        if random.random() < 0.6 and width > 12:
            inside = np.s_[max(0, top) + 3 : top + height - 3, max(0, left) + 3 : left + width - 3]
            image[inside] = np.clip(colour * random.uniform(0.3, 1.3), 0, 1)
    image *= 1 + _blotches(random, 4, 0.10) + _blotches(random, 32, 0.04)
    return colours.linear(image).astype(np.float32)

"""All pictures of one person, which is the piece of work that processes share out."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import assets
from .cameras import Camera, random_camera
from .person import Person, random_person
from .picture import Truth, random_picture
from .settings import Settings

# What random numbers are for, so that none are used twice. Cameras for tests are others than those to learn from.
_PERSON, _CAMERA, _TEST_CAMERA, _STRANGER, _PLAN, _PICTURE = range(6)
# People who are in nobody's way but stand beside those who are looked for; they are nobody in the data set.
_STRANGERS = 96
_ACCOMPANIED = 0.24


@dataclass(frozen=True)
class Shot:
    """One picture.

    Attributes:
        camera: Its number, from 1.
        frame: Number of the picture among the person's.
        pixels: (height, width, 3) uint8.
        truth: What is known about it.
    """

    camera: int
    frame: int
    pixels: np.ndarray
    truth: Truth


class Generator:
    """Draws people; what it draws follows from the settings and the assets alone."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.assets = assets.load(folder)
        self.camera = functools.cache(self._camera)
        self._stranger = functools.lru_cache(maxsize=_STRANGERS)(self._new_stranger)
        self._last_person = functools.lru_cache(maxsize=1)(self._new_person)

    def person(self, number: int) -> Person:
        """The person of that number, from 0."""
        return self._last_person(number)

    def shots(self, number: int) -> Iterator[Shot]:
        """Draw all pictures of the person of that number, from 0."""
        settings, person = self.settings, self.person(number)
        for frame, camera in enumerate(self.cameras_of(number)):
            random = self._random(_PICTURE, number, frame)
            others = []
            if random.random() < _ACCOMPANIED:
                others = [self._stranger(int(random.integers(_STRANGERS)))]
            pixels, truth = random_picture(
                self.assets, person, self.camera(camera), others, settings.height, settings.width, random
            )
            yield Shot(camera, frame, pixels, truth)

    def cameras_of(self, number: int) -> list[int]:
        """The camera of each of a person's pictures, numbered from 1."""
        settings = self.settings
        test = settings.is_test(number)
        count, before = (settings.test_cameras, settings.cameras) if test else (settings.cameras, 0)
        chosen = self._random(_PLAN, number).choice(count, settings.views, replace=False)
        return [1 + before + int(chosen[frame % settings.views]) for frame in range(settings.images)]

    def _camera(self, number: int) -> Camera:
        settings = self.settings
        if number > settings.cameras:
            return random_camera(self._random(_TEST_CAMERA, number - settings.cameras))
        return random_camera(self._random(_CAMERA, number))

    def _new_person(self, number: int) -> Person:
        return random_person(self.assets, self._random(_PERSON, number))

    def _new_stranger(self, number: int) -> Person:
        return random_person(self.assets, self._random(_STRANGER, number))

    def _random(self, *purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, *purpose])

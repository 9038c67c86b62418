"""What a rendered data set depends on."""

import dataclasses
from dataclasses import dataclass

from keras_reid.errors import ReIDError

# Changes whenever the same settings give other pictures, so that an interrupted data set is not continued with another.
VERSION = 1


@dataclass(frozen=True)
class Settings:
    """Everything that the pictures follow from, besides the assets.

    Attributes:
        identities: People to learn from. Default 3000.
        test_identities: Further people, for query and gallery. Default 100.
        images: Of each person. Default 20.
        views: Cameras that see each person. Default 8.
        cameras: That see the people to learn from. Default 120.
        test_cameras: Further ones, which see the people of query and gallery. Default 40.
        height, width: Of the pictures, pixels. Default 160, 64.
        seed: Default 0.
        quality: Of the JPEG files, 1 to 100. Default 92.

    Raises:
        ReIDError: a value is out of range.
    """

    identities: int = 3000
    test_identities: int = 100
    images: int = 20
    views: int = 8
    cameras: int = 120
    test_cameras: int = 40
    height: int = 160
    width: int = 64
    seed: int = 0
    quality: int = 92

    def __post_init__(self) -> None:
        limits = {
            "identities": (1, 100_000),
            "test_identities": (2, 10_000),
            "images": (2, 1000),
            "cameras": (2, 10_000),
            "test_cameras": (2, 10_000),
            "height": (32, 384),
            "width": (16, 192),
            "seed": (0, 2**31 - 1),
            "quality": (1, 100),
        }
        for name, (low, high) in limits.items():
            self._check(name, low, high)
        most = min(self.cameras, self.test_cameras, self.images)
        self._check("views", 2, most, " (as many as there are images and cameras)")
        # A query needs another camera's pictures of the person in the gallery, and one of its own stays there.
        if self.images < 2 * self.views:
            raise ReIDError(
                f"`images` must be at least twice `views`, so that every query's camera has a picture left for the "
                f"gallery. Received: {self.images} and {self.views}."
            )

    def _check(self, name: str, low: int, high: int, bound: str = "") -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ReIDError(f"`{name}` must be a whole number from {low} to {high}{bound}. Received: {value!r}.")

    @property
    def people(self) -> int:
        """All of them."""
        return self.identities + self.test_identities

    def is_test(self, person: int) -> bool:
        """Whether the person of that number, from 0, is for query and gallery."""
        return person >= self.identities

    def as_dict(self) -> dict[str, int]:
        """By name, with the generator's version."""
        return {"version": VERSION, **dataclasses.asdict(self)}

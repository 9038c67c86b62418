"""How a camera sees the world around one person, and which box of its picture is cut out."""

import math
from dataclasses import dataclass

import numba
import numpy as np

from .cameras import Camera
from .geometry import bounds


@dataclass(frozen=True)
class View:
    """A pinhole camera that looks at a person on the origin, from +z, and the box that is cut out of its picture.

    Attributes:
        distance: Metres from the camera to the point it looks at.
        focus: Height of that point.
        elevation: Radians that it looks down.
        roll: Radians that the picture is turned.
        left, right, top, bottom: Of the box, in units of the distance from the camera; `top` is the larger one.
        height, width: The box in pixels.
    """

    distance: float
    focus: float
    elevation: float
    roll: float
    left: float
    right: float
    top: float
    bottom: float
    height: int
    width: int

    def project(self, points: np.ndarray) -> np.ndarray:
        """Columns, rows and distances, (N, 3) float32, of points in metres."""
        plane = _on_plane(points, self.distance, self.focus, self.elevation, self.roll)
        plane[:, 0] = (plane[:, 0] - self.left) * (self.width / (self.right - self.left))
        plane[:, 1] = (self.top - plane[:, 1]) * (self.height / (self.top - self.bottom))
        return plane

    @property
    def array(self) -> np.ndarray:
        """The same as numbers, for `scenery.draw_background`."""
        return np.array(
            [
                self.left,
                (self.right - self.left) / self.width,
                self.top,
                (self.bottom - self.top) / self.height,
                math.sin(self.elevation),
                math.cos(self.elevation),
                self.distance,
                self.focus,
                math.cos(self.roll),
                math.sin(self.roll),
            ],
            np.float32,
        )

    @property
    def towards_camera(self) -> np.ndarray:
        """Unit vector from the person."""
        return np.array([0, math.sin(self.elevation), math.cos(self.elevation)])


def random_view(
    camera: Camera, body: np.ndarray, height: int, width: int, random: np.random.Generator
) -> tuple[View, float]:
    """A view of somebody, and which share of the person's bounding box the crop cuts off.

    Args:
        camera: That sees the person.
        body: The posed vertices, (V, 3), standing on the origin.
        height, width: Of the crop, pixels.
        random: Drawn from.
    """
    focus = 0.52 * float(bounds(body)[1, 1])
    ahead = random.uniform(camera.nearest, camera.farthest)
    elevation = math.atan2(camera.height - focus, ahead)
    distance = math.hypot(camera.height - focus, ahead)
    roll = random.normal(0, camera.tilt)
    plane = _on_plane(body, distance, focus, elevation, roll)
    (left, bottom, _), (right, top, _) = bounds(plane).tolist()
    tight = (left, right, bottom, top)
    tall, wide = top - bottom, right - left
    edges = camera.looseness + random.normal(0, camera.carelessness, 4)
    top, bottom = top + edges[0] * tall, bottom - edges[1] * tall
    left, right = left - edges[2] * wide, right + edges[3] * wide
    drawn = random.random()
    if drawn < 0.05:  # the detector lost the legs,
        bottom += tall * random.uniform(0.1, 0.35)
    elif drawn < 0.065:  # or the head,
        top -= tall * random.uniform(0.03, 0.1)
    elif drawn < 0.09:  # or took in too much.
        top, bottom = top + tall * random.uniform(0.0, 0.2), bottom - tall * random.uniform(0.0, 0.2)
    # Crops have all widths, but seldom very narrow ones; what is missing is added on both sides.
    missing = random.uniform(0.32, 0.45) * (top - bottom) - (right - left)
    if missing > 0 and (right - left < 0.3 * (top - bottom) or random.random() < 0.6):
        aside = random.uniform(0.3, 0.7)
        left, right = left - aside * missing, right + (1 - aside) * missing
    seen = max(0.0, min(right, tight[1]) - max(left, tight[0])) * max(0.0, min(top, tight[3]) - max(bottom, tight[2]))
    cut = 1 - seen / ((tight[1] - tight[0]) * (tight[3] - tight[2]))
    return View(distance, focus, elevation, roll, left, right, top, bottom, height, width), cut


def _on_plane(points, distance, focus, elevation, roll) -> np.ndarray:
    plane = np.empty((len(points), 3), np.float32)
    numbers = (distance, focus, math.sin(elevation), math.cos(elevation), math.cos(roll), math.sin(roll))
    _project(points, np.array(numbers, np.float32), plane)
    return plane


@numba.njit(cache=True, fastmath=True)
def _project(points, numbers, plane):
    distance, focus, sin, cos, roll_cos, roll_sin = numbers
    for point in range(points.shape[0]):
        up, ahead = points[point, 1] - focus, points[point, 2]
        away = distance - (up * sin + ahead * cos)
        across, above = points[point, 0] / away, (up * cos - ahead * sin) / away
        plane[point, 0] = across * roll_cos + above * roll_sin
        plane[point, 1] = above * roll_cos - across * roll_sin
        plane[point, 2] = away

"""What is behind and in front of a person: ground, wall and things, as the camera sees them. Compiled by Numba."""

import math

import numba
import numpy as np

from .places import GROUND_METRES, WALL_METRES

_MASK = 255  # textures have 256 rows and columns
_NOWHERE = np.float32(1e9)  # no NaN, which `fastmath` does not know


@numba.njit(cache=True, fastmath=True, inline="always")
def _texel(texture, across, down, channel):
    """The texture at a point in texels, interpolated, repeated."""
    column, row = np.int32(math.floor(across)), np.int32(math.floor(down))
    u, v = np.float32(across - column), np.float32(down - row)
    c0, c1, r0, r1 = column & _MASK, (column + 1) & _MASK, row & _MASK, (row + 1) & _MASK
    upper = texture[r0, c0, channel] * (1 - u) + texture[r0, c1, channel] * u
    return upper * (1 - v) + (texture[r1, c0, channel] * (1 - u) + texture[r1, c1, channel] * u) * v


@numba.njit(cache=True, fastmath=True)
def draw_background(view, place, ground, wall, lights, sky, colour, depth, feet):
    """Draw ground, wall and sky.

    Args:
        view: Pixel to ray and the camera's place: see `picture.View.array`.
        place: Where the person stands on the ground's texture (metres, metres, radians), distance to the wall, its
            slope, and where along the wall, metres.
        ground, wall: Textures.
        lights: Light on the ground and on the wall, (2, 3).
        sky: Its colour, (3,).
        colour: Written, (height, width, 3).
        depth: Distance of the wall, written; the ground and the sky are nowhere, since nobody is behind them.
        feet: Where on the ground each pixel looks, (height, width, 2); `_NOWHERE` where not on the ground.
    """
    height, width = depth.shape
    turn_c, turn_s = math.cos(place[2]), math.sin(place[2])
    scale_ground, scale_wall = np.float32(256 / GROUND_METRES), np.float32(256 / WALL_METRES)
    sin, cos, distance, focus = view[4], view[5], view[6], view[7]
    for row in range(height):
        for column in range(width):
            a = view[0] + (column + np.float32(0.5)) * view[1]
            b = view[2] + (row + np.float32(0.5)) * view[3]
            across = a * view[8] - b * view[9]
            up = a * view[9] + b * view[8]
            falling = sin - up * cos
            on_ground = (focus + distance * sin) / falling if falling > 1e-4 else np.float32(1e9)
            towards_wall = up * sin + cos + place[4] * across
            on_wall = (distance * cos + place[3]) / towards_wall if towards_wall > 1e-4 else np.float32(1e9)
            feet[row, column, 0] = _NOWHERE
            depth[row, column] = 1e9
            if on_ground < on_wall and on_ground < 300:
                x, z = across * on_ground, -up * on_ground * sin + (distance - on_ground) * cos
                feet[row, column, 0], feet[row, column, 1] = x, z
                s = (place[0] + x * turn_c - z * turn_s) * scale_ground
                t = (place[1] + x * turn_s + z * turn_c) * scale_ground
                for channel in range(3):
                    colour[row, column, channel] = _texel(ground, s, t, channel) * lights[0, channel]
            elif on_wall < 300:
                x = across * on_wall
                y = focus + up * on_wall * cos + (distance - on_wall) * sin
                s, t = (place[5] + x) * scale_wall, -y * scale_wall
                for channel in range(3):
                    colour[row, column, channel] = _texel(wall, s, t, channel) * lights[1, channel]
                depth[row, column] = on_wall
            else:
                for channel in range(3):
                    colour[row, column, channel] = sky[channel]


@numba.njit(cache=True, fastmath=True)
def cast_on_ground(feet, shadow, to_shadow, dark):
    """Mark in `dark` (height, width) where a person keeps the sun from the ground."""
    height, width = dark.shape
    for row in range(height):
        for column in range(width):
            if feet[row, column, 0] >= _NOWHERE:
                continue
            px, pz = feet[row, column, 0], feet[row, column, 1]
            across = math.floor(to_shadow[0, 0] * px + to_shadow[0, 2] * pz + to_shadow[0, 3])
            down = math.floor(to_shadow[1, 0] * px + to_shadow[1, 2] * pz + to_shadow[1, 3])
            if 0 <= across < shadow.shape[1] and 0 <= down < shadow.shape[0] and shadow[down, across] < 1e8:
                dark[row, column] = 1


@numba.njit(cache=True)
def darken(dark, left_over, colour):
    """Leave the share `left_over` (3,) of the light where `dark` (height, width) is 1, all of it where it is 0."""
    one = np.float32(1)
    for row in range(dark.shape[0]):
        for column in range(dark.shape[1]):
            for channel in range(3):
                colour[row, column, channel] *= one - dark[row, column] * (one - left_over[channel])


@numba.njit(cache=True, fastmath=True)
def darken_below(feet, spots, colour):
    """Darken the ground near `spots` (N, 2), where feet keep the sky's light from it."""
    height, width = colour.shape[:2]
    for row in range(height):
        for column in range(width):
            if feet[row, column, 0] >= _NOWHERE:
                continue
            for spot in range(spots.shape[0]):
                dx, dz = feet[row, column, 0] - spots[spot, 0], feet[row, column, 1] - spots[spot, 1]
                near = dx * dx + dz * dz
                if near < 0.16:
                    gain = 1 - np.float32(0.5) * math.exp(-near / np.float32(0.022))
                    for channel in range(3):
                        colour[row, column, channel] *= gain


@numba.njit(cache=True, fastmath=True)
def draw_thing(left, right, top, bottom, distance, kind, first, second, seed, light, colour, depth, owner):
    """Draw a thing into the rectangle (in pixels) where it is nearer than what is there; `owner` becomes 0 there."""
    height, width = depth.shape
    for row in range(max(0, int(top)), min(height, int(bottom) + 1)):
        up = (bottom - row) / max(np.float32(1), bottom - top)
        for column in range(max(0, int(left)), min(width, int(right) + 1)):
            if distance >= depth[row, column]:
                continue
            along = (column - left) / max(np.float32(1), right - left)
            gain, share = np.float32(1), np.float32(0)
            if kind == 0:
                share = 1.0 if abs(up - 0.75) < 0.12 else 0.0
            elif kind == 1:
                gain = np.float32(0.45) + np.float32(0.75) * math.sin(math.pi * min(1.0, max(0.0, along + 0.1)))
            elif kind == 2:
                grain = math.sin(row * 1.7 + seed) * math.sin(column * 2.1 + seed * 2) + math.sin(
                    row * 0.6 + column * 0.5 + seed
                ) * math.sin(column * 0.7 - row * 0.4 + seed * 3)
                edge = (2 * along - 1) ** 2 + max(0.0, (up - 0.3) / 0.7) ** 2
                if edge + 0.2 * grain > 0.85:
                    continue
                share = np.float32(min(1.0, max(0.0, 0.5 + 0.5 * grain)))
            else:
                if up < 0.15 or (0.55 < up < 0.9 and 0.12 < along < 0.88):
                    gain = np.float32(0.15)
                elif up > 0.55 and (along < 0.1 or along > 0.9):
                    continue
            depth[row, column] = distance
            owner[row, column] = 0
            for channel in range(3):
                mixed = first[channel] * (1 - share) + second[channel] * share
                colour[row, column, channel] = mixed * gain * light[channel]

"""What colour and how much light each pixel of a person gives back. Compiled by Numba.

Patterns, creases and weave are computed at the point's place in the rest pose, so that they move with the clothes.
What calls one another stays in this file: Numba's cache on disk does not notice when another file changes.
"""

import math

import numba
import numpy as np

from .noise import SIZE
from .outfit import Material, Part, Pattern

# The material of parts that show one everywhere; the others are told apart below.
_MATERIAL_OF = np.zeros(len(Part), np.int64)
_MATERIAL_OF[Part.HAIR] = Material.HAIR
_MATERIAL_OF[Part.EYES] = Material.EYES
_MATERIAL_OF[Part.SKIRT] = Material.LEGS
_MATERIAL_OF[Part.HAT] = Material.HAT
_MATERIAL_OF[Part.SCARF] = Material.SCARF
_MATERIAL_OF[Part.BAG] = Material.BAG
_MATERIAL_OF[Part.HANDLE] = Material.STRAP


@numba.njit(cache=True, fastmath=True, inline="always")
def _noise(block, x, y, z, channel):
    """One channel of the block at a point in units of its grid, interpolated."""
    i, j, k = np.int32(math.floor(x)), np.int32(math.floor(y)), np.int32(math.floor(z))
    u, v, w = np.float32(x - i), np.float32(y - j), np.float32(z - k)
    i0, j0, k0 = i & (SIZE - 1), j & (SIZE - 1), k & (SIZE - 1)
    i1, j1, k1 = (i + 1) & (SIZE - 1), (j + 1) & (SIZE - 1), (k + 1) & (SIZE - 1)
    near = (block[i0, j0, k0, channel] * (1 - u) + block[i1, j0, k0, channel] * u) * (1 - v) + (
        block[i0, j1, k0, channel] * (1 - u) + block[i1, j1, k0, channel] * u
    ) * v
    far = (block[i0, j0, k1, channel] * (1 - u) + block[i1, j0, k1, channel] * u) * (1 - v) + (
        block[i0, j1, k1, channel] * (1 - u) + block[i1, j1, k1, channel] * u
    ) * v
    return near * (1 - w) + far * w


@numba.njit(cache=True, fastmath=True)
def _seen_material(part, x, y, z, o):
    """The material at the rest position x, y, z of a part of the mesh, in the outfit `o`."""
    side = abs(x)
    arm = side > o.shoulder_x * 1.02 and y > o.hip_y - 0.1
    along_arm = (side - o.shoulder_x) / (o.wrist_x - o.shoulder_x)
    leg = (o.hip_y - y) / (o.hip_y - o.ankle_y)
    if part == Part.COAT:
        if y < o.coat_hem:
            part = Part.LEGS.value
        elif arm:
            if along_arm > o.coat_sleeve:
                part = Part.TOP.value
        elif z > 0 and o.opening > 0 and side < o.opening + o.opening_slope * (o.shoulder_y - y):
            part = Part.TOP.value
    elif part == Part.SHOES and y > o.boots:
        part = Part.LEGS.value
    if part == Part.TOP and y < o.hem and side < o.shoulder_x * 1.5:
        part = Part.LEGS.value
    elif part == Part.LEGS and y > o.over_legs:
        part = Part.TOP.value
    if part == Part.COAT or part == Part.TOP:
        if not arm:
            if o.strap_half > 0 and y > o.strap_y and z > -0.03 and abs(side - o.strap_x) < o.strap_half:
                return Material.STRAP
            if o.across_half > 0 and abs(y - o.across_y - o.across_slope * x) < o.across_half:
                return Material.STRAP
        if part == Part.COAT:
            return Material.COAT
        if arm:
            if along_arm > o.sleeve:
                return Material.SKIN
            return Material.SLEEVE if o.other_sleeves > 0 else Material.TOP
        if side < o.neck_width:
            # In front as deep as it is cut, a finger's width at the back.
            share = side / o.neck_width
            shape = 1 - share if o.pointed_neck > 0 else math.sqrt(1 - share * share)
            cut = shape * (o.neck_depth if z > 0.02 else min(o.neck_depth, 0.015))
            if y > o.neck_y - 0.015 - cut:
                return Material.SKIN
        if o.tie_half > 0 and z > 0 and side < o.tie_half * (1 + 2 * (o.shoulder_y - y)) and y > o.waist_y:
            return Material.BELT
        return Material.TOP
    if part == Part.LEGS:
        if leg > o.leg_end:
            return Material.SOCKS if o.socks > 0 else Material.SKIN
        if o.belt_half > 0 and abs(y - o.waist_y + 0.02) < o.belt_half:
            return Material.BELT
        return Material.LEGS
    if part == Part.SHOES:
        return Material.SOLE if y < o.sole_y else Material.SHOES
    if part == Part.SKIN:
        return _face(x, y, z, o)
    return _MATERIAL_OF[part]


@numba.njit(cache=True, fastmath=True)
def _face(x, y, z, o):
    """What is painted on the skin of the head."""
    if y < o.neck_y + 0.02:
        return Material.SKIN
    up, ahead, side = y - o.eye_y, z - o.eye_z, abs(x)
    if up > o.hairline + 0.667 * ahead:
        return Material.HAIR
    if ahead > -0.04:
        if o.glasses > 0 and abs(up) < 0.02 and (o.glasses > 1 or abs(up) > 0.013 or side < 0.012):
            return Material.STRAP
        if abs(up - 0.021) < 0.005 and 0.012 < side < 0.05:
            return Material.HAIR
        if abs(up + 0.072) < 0.006 and side < 0.022:
            return Material.LIPS
    if o.beard > 0 and up < -0.052 and ahead > -0.085:
        return Material.HAIR
    return Material.SKIN


@numba.njit(cache=True, fastmath=True)
def _second(m, x, y, z, arm, block):
    """The share of a material's second colour at a point: 0 to 1."""
    p = m.pattern
    if p == Pattern.PLAIN:
        return 0.0
    if p == Pattern.HOOPS:
        return 1.0 if math.sin(y * m.frequency + m.phase) > m.level else 0.0
    if p == Pattern.STRIPES:
        return 1.0 if math.sin(x * m.frequency + m.phase) > m.level else 0.0
    if p == Pattern.CHECKS:
        return 1.0 if (math.sin(x * m.frequency + m.phase) > 0) != (math.sin(y * m.frequency) > 0) else 0.0
    if p == Pattern.TARTAN:
        across = 0.5 if math.sin(x * m.frequency + m.phase) > 0.3 else 0.0
        return across + (0.5 if math.sin(y * m.frequency) > 0.3 else 0.0)
    if p == Pattern.PRINT:
        if z < 0 or arm:
            return 0.0
        across, up = x / m.width, (y - m.centre) / m.height
        if m.level > 0:  # letters, or a picture
            inside = abs(across) < 1 and abs(up) < 1
            return 1.0 if inside and math.sin(across * m.phase * 3 + up * m.frequency * 0.1) > -0.3 else 0.0
        return 1.0 if across * across + up * up < 1 else 0.0
    if p == Pattern.YOKE:
        return 1.0 if y > m.centre else 0.0
    if p == Pattern.BLOTCHES:
        scale = 8 + m.frequency * 0.15
        return 1.0 if _noise(block, x * scale + m.phase, y * scale, z * scale, 0) > m.level else 0.0
    if p == Pattern.PANEL:
        return 1.0 if z > 0 and not arm and abs(x) < m.width else 0.0
    if p == Pattern.BAND:
        return 1.0 if abs(y - m.centre) < m.height else 0.0
    if p == Pattern.DENIM:  # worn pale on the thighs, mostly in front
        worn = math.exp(-(((y - m.centre) / 0.17) ** 2)) * (1.0 if z > 0.02 else 0.45)
        grain = 0.05 * _noise(block, x * 60, y * 25 + m.phase, z * 60, 0)
        return min(1.0, max(0.0, m.level * worn + grain))
    if p == Pattern.MARL:
        return min(1.0, max(0.0, 0.5 + 0.2 * _noise(block, x * 110 + m.phase, y * 45, z * 110, 0)))
    if p == Pattern.DOTS:
        return 1.0 if math.sin(x * m.frequency + m.phase) * math.sin(y * m.frequency) > 0.45 else 0.0
    if p == Pattern.SIDES:
        return 1.0 if abs(abs(x) - m.centre) < m.width and abs(z) < 0.05 else 0.0
    return 0.0


@numba.njit(cache=True, fastmath=True, inline="always")
def _mixed(values, i, j, k, v, w):
    """What lies between the rows i, j and k of `values` (V, 3), at the barycentric coordinates of j and k."""
    u = 1 - v - w
    return (
        values[i, 0] * u + values[j, 0] * v + values[k, 0] * w,
        values[i, 1] * u + values[j, 1] * v + values[k, 1] * w,
        values[i, 2] * u + values[j, 2] * v + values[k, 2] * w,
    )


@numba.njit(cache=True, fastmath=True, inline="always")
def _creased(m, x, y, z, nx, ny, nz, block):
    """A unit normal bent by the slope of the creases, which run along the body: their noise is stretched upwards."""
    scale_x, scale_y = np.float32(16), np.float32(9)
    if m.pattern == Pattern.QUILT:
        ny += np.float32(0.6) * math.cos(y * m.frequency + m.phase)
    bent = m.folds * np.float32(0.75)
    nx -= bent * _noise(block, x * scale_x, y * scale_y + m.phase, z * scale_x, 1)
    ny -= bent * _noise(block, x * scale_x, y * scale_y + m.phase, z * scale_x, 2)
    nz -= bent * _noise(block, x * scale_x, y * scale_y + m.phase, z * scale_x, 3)
    norm = np.float32(1) / math.sqrt(nx * nx + ny * ny + nz * nz)
    return nx * norm, ny * norm, nz * norm


@numba.njit(cache=True, fastmath=True, inline="always")
def _is_shaded(x, y, z, shadow, to_shadow):
    """Whether something is nearer to the sun than a posed point is."""
    across = int(to_shadow[0, 0] * x + to_shadow[0, 1] * y + to_shadow[0, 2] * z + to_shadow[0, 3])
    down = int(to_shadow[1, 0] * x + to_shadow[1, 1] * y + to_shadow[1, 2] * z + to_shadow[1, 3])
    if not (0 <= across < shadow.shape[1] and 0 <= down < shadow.shape[0]):
        return False
    away = to_shadow[2, 0] * x + to_shadow[2, 1] * y + to_shadow[2, 2] * z + to_shadow[2, 3]
    return away > shadow[down, across] + 0.06


@numba.njit(cache=True, fastmath=True)
def shade(
    seen,
    second,
    third,
    triangles,
    parts,
    rest,
    posed,
    normals,
    o,
    materials,
    light,
    shadow,
    to_shadow,
    block,
    owner,
    number,
    colour,
):
    """Light the pixels in which one person is seen, and draw them.

    Args:
        seen, second, third: What `rasterise` wrote; -1 where the person is not seen.
        triangles, parts: The mesh's.
        rest, posed, normals: Of its vertices, (V, 3).
        o: The outfit, a record.
        materials: Records of `outfit.MATERIAL`.
        light: (5, 3): direction to the sun, its light, the sky's, the ground's, direction to the camera.
        shadow: Shadow map, distances from the sun; an empty one for no sun.
        to_shadow: (3, 4): columns, rows and distance there of a posed point.
        block: `noise_block()`.
        owner: Gets `number` where the person is seen, (height, width).
        number: The person's.
        colour: Linear light, (height, width, 3).
    """
    height, width = seen.shape
    for row in range(height):
        for column in range(width):
            triangle = seen[row, column]
            if triangle < 0:
                continue
            i, j, k = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
            v, w = second[row, column], third[row, column]
            x, y, z = _mixed(rest, i, j, k, v, w)
            nx, ny, nz = _mixed(normals, i, j, k, v, w)
            if nx * light[4, 0] + ny * light[4, 1] + nz * light[4, 2] < -0.05:  # the inside of a hem or a sleeve
                nx, ny, nz = -nx, -ny, -nz
            m = materials[_seen_material(parts[triangle], x, y, z, o)]
            arm = abs(x) > o.shoulder_x * 1.02 and y > o.hip_y - 0.1
            share = np.float32(_second(m, x, y, z, arm, block))
            if m.folds > 0:
                nx, ny, nz = _creased(m, x, y, z, nx, ny, nz, block)
            gain = np.float32(1)
            if m.weave > 0:
                gain += m.weave * _noise(block, x * 90, y * 90, z * 90 + m.phase, 0)
                gain = max(gain, np.float32(0.2))
            lit = nx * light[0, 0] + ny * light[0, 1] + nz * light[0, 2]
            if shadow.shape[0] > 1:
                px, py, pz = _mixed(posed, i, j, k, v, w)
                if _is_shaded(px, py, pz, shadow, to_shadow):
                    lit *= np.float32(0.12)
            # Light wraps around somewhat, as it does where there are walls and clouds.
            lit = max(np.float32(0), (lit + np.float32(0.15)) / np.float32(1.15))
            shine = np.float32(0)
            if m.gloss > 0 and lit > 0:
                hx, hy, hz = light[0, 0] + light[4, 0], light[0, 1] + light[4, 1], light[0, 2] + light[4, 2]
                half = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz)
                if half > 0:
                    shine = m.gloss * half**12 * np.float32(0.25)
            up = np.float32(0.5) + np.float32(0.5) * ny
            for channel in range(3):
                base = (m.colour[channel] * (1 - share) + m.second[channel] * share) * gain
                falling = light[2, channel] * up + light[3, channel] * (1 - up)
                colour[row, column, channel] = base * (light[1, channel] * lit + falling) + shine * (
                    light[1, channel] * lit + np.float32(0.3) * light[2, channel]
                )
            owner[row, column] = number

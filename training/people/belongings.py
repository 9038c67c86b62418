"""Bags, scarves and what else people have with them."""

import numpy as np

from . import colours
from .dressing import Dressing
from .meshes import cushion, tube
from .outfit import Material, Part

# Kind -> how often; the rest of the people carry nothing.
_KINDS = {"backpack": 0.17, "shoulder": 0.10, "messenger": 0.08, "tote": 0.05, "case": 0.06, "sack": 0.02}


def add_bag(dressing: Dressing) -> str | None:
    """Give somebody a bag, or none; returns the hand that carries it, "l" or "r", or None."""
    random = dressing.random
    kind = str(random.choice(["none", *_KINDS], p=[1 - sum(_KINDS.values()), *_KINDS.values()]))
    if kind == "none":
        return None
    colour = colours.of_bag(random)
    dressing.leather_or_cloth(Material.BAG, colour)
    strap = colour * 0.8 if random.random() < 0.7 else np.full(3, random.uniform(0.04, 0.2))
    dressing.leather_or_cloth(Material.STRAP, strap)
    holding = _ADD[kind](dressing)
    dressing.facts |= {"bag": kind, "bag_colour": dressing.materials.colour(Material.BAG)}
    return holding


def _backpack(dressing: Dressing) -> str | None:
    random, marks = dressing.random, dressing.marks
    half = np.array([random.uniform(0.11, 0.17), random.uniform(0.15, 0.25), random.uniform(0.05, 0.11)])
    top = marks.shoulder_y + random.uniform(-0.06, 0.02)
    behind = marks.back_z - dressing.bulk
    centre = np.array([0, top - half[1], behind - 0.8 * half[2]])
    dressing.hang(cushion(centre, half, random.uniform(0.35, 0.75)), Part.BAG, "spine_03")
    if random.random() < 0.7:  # a pocket outside
        pocket = half * (random.uniform(0.6, 0.85), random.uniform(0.3, 0.5), 0.5)
        place = centre + np.array([0, -half[1] * 0.4, -half[2] * 0.85])
        dressing.hang(cushion(place, pocket, 0.5), Part.BAG, "spine_03")
    dressing.values |= {
        "strap_half": random.uniform(0.015, 0.03),
        "strap_x": marks.shoulder_x * random.uniform(0.52, 0.68),
        "strap_y": marks.shoulder_y - random.uniform(0.18, 0.28),
    }
    return None


def _shoulder(dressing: Dressing) -> str | None:
    random, marks = dressing.random, dressing.marks
    side = random.choice([-1, 1])
    half = np.array([random.uniform(0.04, 0.08), random.uniform(0.09, 0.17), random.uniform(0.12, 0.20)])
    centre = np.array([side * (marks.shoulder_x * 1.02 + half[0]), marks.waist_y + random.uniform(-0.08, 0.10), 0.0])
    dressing.hang(cushion(centre, half, random.uniform(0.35, 0.8)), Part.BAG, "spine_02")
    top = np.array([side * marks.shoulder_x * 0.8, marks.shoulder_y + 0.035 + dressing.bulk, -0.01])
    for ahead in (-1, 1):
        foot = centre + np.array([0, half[1] * 0.8, ahead * half[2] * 0.6])
        middle = 0.5 * (top + foot) + np.array([side * 0.03, 0, ahead * 0.05])
        path = np.stack([top, middle, foot])
        dressing.hang(tube(path, np.full(3, random.uniform(0.008, 0.016)), sides=4), Part.HANDLE, "spine_02")
    return None


def _messenger(dressing: Dressing) -> str | None:
    random, marks = dressing.random, dressing.marks
    side = random.choice([-1, 1])
    half = np.array([random.uniform(0.03, 0.07), random.uniform(0.08, 0.15), random.uniform(0.10, 0.19)])
    low = marks.hip_y + random.uniform(-0.02, 0.12)
    behind = random.uniform(-0.10, 0.06)
    centre = [side * (marks.shoulder_x * 0.88 + half[0] + dressing.bulk), low, behind]
    dressing.hang(cushion(centre, half, random.uniform(0.3, 0.6)), Part.BAG, "spine_01")
    rise = marks.shoulder_y + 0.02 - low - half[1] * 0.6
    dressing.values |= {
        "across_half": random.uniform(0.015, 0.035),
        "across_y": low + half[1] * 0.6 + 0.5 * rise,
        "across_slope": -side * rise / (marks.shoulder_x * 1.5),
    }
    return None


def _in_hand(dressing: Dressing, half: np.ndarray, handle: float, sharpness: float) -> str:
    """A bag that hangs from a hand; in the rest pose it lies along the forearm, so that it hangs when the arm does."""
    joints = dressing.body.joints
    side = str(dressing.random.choice(["l", "r"]))
    wrist, elbow = joints[f"hand_{side}"], joints[f"lowerarm_{side}"]
    down = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    out = np.array([1.0 if side == "l" else -1.0, 0, 0])
    out -= down * (out @ down)
    out /= np.linalg.norm(out)
    ahead = np.cross(down, out)
    grip = wrist + 0.09 * down
    points, triangles = cushion([0, 0, 0], half, sharpness)
    placed = grip + (handle + half[1]) * down + points @ np.stack([out, -down, ahead])
    hand = f"hand_{side}"
    dressing.hang((placed, triangles), Part.BAG, hand)
    for end in (-1, 1):
        foot = grip + handle * down + end * 0.5 * half[2] * ahead
        dressing.hang(tube(np.stack([grip, foot]), np.full(2, 0.008), sides=4), Part.HANDLE, hand)
    return side


def _tote(dressing: Dressing) -> str | None:
    random = dressing.random
    half = np.array([random.uniform(0.03, 0.07), random.uniform(0.10, 0.17), random.uniform(0.12, 0.19)])
    return _in_hand(dressing, half, random.uniform(0.08, 0.20), random.uniform(0.3, 0.7))


def _case(dressing: Dressing) -> str | None:
    random = dressing.random
    half = np.array([random.uniform(0.03, 0.06), random.uniform(0.12, 0.16), random.uniform(0.17, 0.23)])
    return _in_hand(dressing, half, 0.03, random.uniform(0.15, 0.35))


def _sack(dressing: Dressing) -> str | None:
    random = dressing.random
    half = np.array([random.uniform(0.07, 0.11), random.uniform(0.14, 0.20), random.uniform(0.08, 0.13)])
    return _in_hand(dressing, half, random.uniform(0.03, 0.10), random.uniform(0.8, 1.1))


_ADD = {
    "backpack": _backpack,
    "shoulder": _shoulder,
    "messenger": _messenger,
    "tote": _tote,
    "case": _case,
    "sack": _sack,
}


def add_scarf(dressing: Dressing) -> None:
    """Add a scarf wound around the neck, often with an end hanging in front."""
    random, marks, bulk = dressing.random, dressing.marks, dressing.bulk
    dressing.leather_or_cloth(Material.SCARF, colours.of_top(random))
    centre = dressing.body.joints["neck_01"] + np.array([0, 0.02, 0.015])
    angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    wide, thick = random.uniform(0.075, 0.09) + bulk, random.uniform(0.022, 0.045)
    path = centre + np.stack([wide * np.sin(angle), -0.02 * np.cos(angle), wide * 0.95 * np.cos(angle)], -1)
    radii = np.stack([np.full(18, thick), np.full(18, thick * random.uniform(1.0, 1.6))], -1)
    dressing.hang(tube(path, radii, closed=True), Part.SCARF, "spine_03")
    for side in (-1, 1):
        if random.random() < 0.45:
            long = random.uniform(0.15, 0.5)
            down = np.linspace(0, 1, 5)[:, None]
            front = marks.chest_z + bulk + 0.015
            begins = centre + np.array([side * 0.04, -0.02, wide])
            ends = np.array([side * 0.06, centre[1] - long, front])
            path = begins + down * (ends - begins)
            path[1:, 2] = front
            radii = np.tile([0.045, 0.012], (5, 1)) * random.uniform(0.8, 1.3)
            dressing.hang(tube(path, radii), Part.SCARF, "spine_03")
    dressing.facts["scarf"] = dressing.materials.colour(Material.SCARF)


def add_visor(dressing: Dressing) -> None:
    """Add a cap's visor, a flat disc in front of the forehead."""
    centre = (0, dressing.marks.eye[1] + 0.055, dressing.marks.eye[2] + 0.045)
    disc = cushion(centre, (0.075, 0.006, 0.085), 0.9, rows=5)
    dressing.hang(disc, Part.HAT, "head")

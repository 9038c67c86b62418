"""How people walk, stand, and hold their arms.

A pose says of each bone where it points, not how far it turns, because MakeHuman's body rests with its forearms held
forward.
"""

import math
from dataclasses import dataclass

import numpy as np

from .assets import Assets
from .skeleton import about_x, about_y, about_z, aiming

# Of a leg through a stride, from the heel's strike (0) on: degrees of the thigh forward, the knee bent, the toes down.
# Rounded from the joint angles of normal walking, M. W. Whittle: Gait Analysis, 4th edition, figure 2.6.
_STRIDE = np.array([0.0, 0.1, 0.3, 0.5, 0.6, 0.73, 0.87, 1.0])
_THIGH = np.array([25, 24, 8, -11, -6, 16, 26, 25])
_KNEE = np.array([5, 15, 7, 12, 38, 60, 28, 5])
_TOES = np.array([-16, -3, 0, 14, 48, 34, 2, -16])

# What arms do besides swinging: direction of upper arm and forearm of the left side (+x is outwards), and how often.
_ARMS = {
    "pocket": ((0.30, -1.0, -0.16), (-0.22, -0.85, 0.42), 0.07),
    "telephone": ((0.45, -0.75, 0.45), (-0.30, 0.80, 0.05), 0.05),
    "reading": ((0.14, -1.0, 0.22), (-0.28, 0.30, 0.90), 0.06),
    "strap": ((0.28, -1.0, 0.08), (-0.32, 0.75, 0.50), 0.05),
    "crossed": ((0.08, -1.0, 0.38), (-0.95, 0.12, 0.42), 0.02),
    "bent": ((0.16, -1.0, 0.02), (-0.05, -0.35, 0.85), 0.05),
}


@dataclass(frozen=True)
class Gait:
    """What one person does the same way every time: factors around 1, angles in degrees."""

    stride: float
    swing: float
    elbow: float
    lean: float
    stoop: float
    toes_out: float
    feet_apart: float
    arms_apart: float


def random_gait(random: np.random.Generator, age: float) -> Gait:
    """A gait; the old take shorter steps and stoop."""
    frail = max(0.0, age - 55) / 35
    return Gait(
        stride=random.uniform(0.75, 1.2) * (1 - 0.4 * frail),
        swing=random.uniform(0.4, 1.2),
        elbow=random.uniform(8, 26),
        lean=random.uniform(0, 6) + 6 * frail,
        stoop=random.uniform(0, 8) + 22 * frail * random.random(),
        toes_out=random.uniform(0, 14),
        feet_apart=random.uniform(-0.01, 0.05),
        arms_apart=random.uniform(0.06, 0.16),
    )


def random_pose(
    assets: Assets, joints: dict[str, np.ndarray], gait: Gait, holding: str | None, random: np.random.Generator
) -> tuple[dict[str, np.ndarray], str]:
    """Bone -> rotation relative to rest, for `skeleton.transforms`; and what the pose is called.

    Args:
        assets: For the names of the bones.
        joints: Where each bone begins at rest.
        gait: The person's.
        holding: "l" or "r" if that hand carries something, which then hangs.
        random: Drawn from.
    """
    standing = random.random() < 0.2
    stride = gait.stride * (random.uniform(0, 0.12) if standing else random.uniform(0.7, 1.15))
    phase = random.random()
    turned: dict[str, np.ndarray] = {}
    twist = 7 * stride * math.cos(2 * math.pi * phase)
    lean, stoop = gait.lean * (0.3 if standing else 1) + random.normal(0, 2), gait.stoop
    turned["pelvis"] = _degrees(about_y, -twist) @ _degrees(about_z, random.normal(0, 1.5))
    turned["spine_01"] = _degrees(about_x, lean) @ _degrees(about_z, random.normal(0, 1))
    turned["spine_03"] = _degrees(about_x, lean + stoop) @ _degrees(about_y, twist)
    head_yaw, head_pitch = random.normal(0, 16), random.normal(6, 8)
    arms = _arms(gait, holding, stride, phase, random)
    if "reading" in arms.values():
        head_pitch += 18
    turned["neck_01"] = _degrees(about_x, lean + 0.7 * stoop) @ _degrees(about_y, twist + 0.4 * head_yaw)
    turned["head"] = _degrees(about_y, head_yaw) @ _degrees(about_x, head_pitch)
    for side, out in (("l", 1), ("r", -1)):
        _pose_leg(turned, joints, gait, side, out, stride, phase + (0 if out > 0 else 0.5), random)
        _pose_arm(turned, joints, gait, side, out, stride, phase + (0 if out > 0 else 0.5), arms[side], random)
    kinds = sorted(set(arms.values()) - {"swing"})
    return turned, "+".join(["stand" if standing else "walk", *kinds])


def _degrees(rotation, angle: float) -> np.ndarray:
    return rotation(math.radians(angle))


def _arms(gait, holding, stride, phase, random) -> dict[str, str]:
    """What each arm does."""
    names, odds = list(_ARMS), [entry[2] for entry in _ARMS.values()]
    arms = {}
    for side in ("l", "r"):
        arms[side] = str(random.choice(["swing", *names], p=[1 - sum(odds), *odds]))
    if "crossed" in arms.values():
        arms = dict.fromkeys(arms, "crossed")
    if holding:
        arms[holding] = "swing"
    return arms


def _pose_leg(turned, joints, gait, side, out, stride, phase, random) -> None:
    phase %= 1
    thigh = stride * float(np.interp(phase, _STRIDE, _THIGH)) + random.normal(0, 1)
    knee = (0.3 + 0.7 * min(stride, 1)) * float(np.interp(phase, _STRIDE, _KNEE)) if stride > 0.2 else 4.0
    toes = min(stride, 1) * float(np.interp(phase, _STRIDE, _TOES))
    names = [f"{bone}_{side}" for bone in ("thigh", "calf", "foot")]
    hip, knee_joint, ankle = (joints[name] for name in names)
    apart = out * gait.feet_apart
    upper = aiming(knee_joint - hip, _forward(apart, thigh))
    lower = aiming(upper @ (ankle - knee_joint), _forward(apart, thigh - knee)) @ upper
    turned[names[0]], turned[names[1]] = upper, lower
    turned[names[2]] = _degrees(about_y, out * gait.toes_out) @ _degrees(about_x, toes)


def _pose_arm(turned, joints, gait, side, out, stride, phase, doing, random) -> None:
    shoulder, elbow, wrist = (joints[f"{bone}_{side}"] for bone in ("upperarm", "lowerarm", "hand"))
    if doing == "swing":
        # With the leg of the other side.
        angle = -22 * gait.swing * min(stride, 1.1) * math.cos(2 * math.pi * phase) + random.normal(0, 3)
        bent = gait.elbow * (0.4 + 0.6 * min(stride, 1)) + max(0.0, 0.5 * angle)
        there = _forward(out * gait.arms_apart, angle)
        further = _forward(out * gait.arms_apart * 0.2, angle + bent)
    else:
        there, further, _ = _ARMS[doing]
        there = np.array(there) * (out, 1, 1) + random.normal(0, 0.07, 3)
        further = np.array(further) * (out, 1, 1) + random.normal(0, 0.07, 3)
    upper = aiming(elbow - shoulder, there)
    turned[f"upperarm_{side}"] = upper
    turned[f"lowerarm_{side}"] = aiming(upper @ (wrist - elbow), further) @ upper


def _forward(sideways: float, angle: float) -> np.ndarray:
    """Down, tipped `angle` degrees to the front and somewhat sideways."""
    return np.array([sideways, -math.cos(math.radians(angle)), math.sin(math.radians(angle))])

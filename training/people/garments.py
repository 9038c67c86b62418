"""The shapes of clothes: MakeHuman's proxies where there are some, or shells around the body's own mesh.

MakeHuman's base mesh has helpers around the body, a tight suit, a straight skirt and a head of hair, from which its
artists cut clothes. Moved outwards they are shirts, trousers, coats and skirts of any width and length.
"""

from dataclasses import dataclass

import numpy as np

from .assets import Assets
from .bodies import Body
from .meshes import Builder, normals
from .outfit import Part


@dataclass(frozen=True)
class Landmarks:
    """Places on a body that clothes go by, metres; `eye` is the middle of the left one, (3,)."""

    shoulder_x: float
    shoulder_y: float
    elbow_x: float
    wrist_x: float
    hip_y: float
    waist_y: float
    ankle_y: float
    knee_y: float
    neck_y: float
    chest_z: float
    back_z: float
    eye: np.ndarray


def landmarks(assets: Assets, body: Body) -> Landmarks:
    """Where they are on this body."""
    joints = body.joints
    shoulder, hip = joints["upperarm_l"], joints["thigh_l"][1]
    trunk = body.vertices[assets.corners["body"]]
    trunk = trunk[(np.abs(trunk[:, 0]) < shoulder[0]) & (trunk[:, 1] > hip + 0.2) & (trunk[:, 1] < shoulder[1])]
    return Landmarks(
        shoulder_x=float(shoulder[0]),
        shoulder_y=float(shoulder[1]),
        elbow_x=float(joints["lowerarm_l"][0]),
        wrist_x=float(joints["hand_l"][0]),
        hip_y=float(hip),
        waist_y=float(joints["spine_01"][1]) + 0.02,
        ankle_y=float(joints["foot_l"][1]),
        knee_y=float(joints["calf_l"][1]),
        neck_y=float(joints["neck_01"][1]),
        chest_z=float(trunk[:, 2].max()),
        back_z=float(trunk[:, 2].min()),
        eye=body.vertices[assets.corners["helper-l-eye"]].mean(axis=0),
    )


class Tailor:
    """Cuts shells out of one body's helpers.

    Attributes:
        suit, skirt: Triangles of the helpers.
        outwards: Normals of the base mesh's vertices, (V, 3), of the helpers only.
    """

    def __init__(self, assets: Assets, body: Body, marks: Landmarks) -> None:
        self.assets, self.body, self.marks = assets, body, marks
        self.suit, self.skirt_helper = assets.groups["helper-tights"], assets.groups["helper-skirt"]
        both = np.concatenate([self.suit, self.skirt_helper, assets.groups["helper-hair"]])
        self.outwards = normals(body.vertices, both)
        self._suit_centres = body.vertices[self.suit].mean(axis=1)
        self._skirt_centres = body.vertices[self.skirt_helper].mean(axis=1)

    def _is_arm(self) -> np.ndarray:
        return np.abs(self._suit_centres[:, 0]) > self.marks.shoulder_x * 1.02

    def _add(self, builder: Builder, vertices, triangles, part: int) -> None:
        builder.add(vertices, triangles, part, self.assets.skin_bones, self.assets.skin_shares)

    def upper(self, builder: Builder, part: int, loose: float, hem: float, sleeve: float) -> None:
        """A shirt, sweater or jacket.

        Args:
            part: TOP or COAT.
            loose: How far from the body, metres.
            hem: Height of its lower edge.
            sleeve: Which share of the arm it covers.
        """
        marks, centres = self.marks, self._suit_centres
        arm = self._is_arm() & (centres[:, 1] > marks.hip_y - 0.1)
        along = (np.abs(centres[:, 0]) - marks.shoulder_x) / (marks.wrist_x - marks.shoulder_x)
        kept = np.where(arm, along < min(sleeve, 0.97), (centres[:, 1] > hem) & (centres[:, 1] < marks.neck_y + 0.01))
        vertices = self.body.vertices + loose * self.outwards
        # Cloth hangs straight down from the chest: below it, loose clothes keep away from the waist.
        below = np.clip((marks.shoulder_y - 0.15 - self.body.vertices[:, 1]) / 0.3, 0, 1) * (
            np.abs(self.body.vertices[:, 0]) < marks.shoulder_x * 1.1
        )
        vertices += (0.6 * loose * below)[:, None] * self.outwards * (1, 0, 1)
        self._add(builder, vertices, self.suit[kept], part)

    def trousers(self, builder: Builder, loose: float, flare: float, end: float) -> None:
        """Trousers, `loose` metres from the body and `flare` more at the ankle, down to the share `end` of the leg."""
        marks, centres = self.marks, self._suit_centres
        low = marks.hip_y - min(end, 1.02) * (marks.hip_y - marks.ankle_y)
        kept = (
            (centres[:, 1] < marks.waist_y + 0.04)
            & (centres[:, 1] > low)
            & ~(self._is_arm() & (centres[:, 1] > marks.hip_y - 0.1))
        )
        down = np.clip((marks.hip_y - self.body.vertices[:, 1]) / (marks.hip_y - marks.ankle_y), 0, 1)
        away = (loose * np.clip(down * 4, 0.3, 1) + flare * down)[:, None] * self.outwards * (1, 0.2, 1)
        self._add(builder, self.body.vertices + away, self.suit[kept], Part.LEGS)

    def skirt(self, builder: Builder, part: int, hem: float, width: float, loose: float) -> None:
        """A skirt, or the lower part of a coat, down to the height `hem`; `width` 1 is as the helper has it."""
        kept = self._skirt_centres[:, 1] > hem
        vertices = self.body.vertices.copy()
        down = np.clip((self.marks.hip_y - 0.05 - vertices[:, 1]) / 0.5, 0, 1)
        vertices[:, 0] *= 1 + (width - 1) * down
        vertices[:, 2] *= 1 + (width - 1) * down
        vertices += loose * self.outwards * (1, 0, 1)
        self._add(builder, vertices, self.skirt_helper[kept], part)

    def shoes(self, builder: Builder, high: float) -> None:
        """Shoes or boots around the feet, `high` metres above the ankle."""
        centres = self._suit_centres
        kept = centres[:, 1] < self.marks.ankle_y + high
        vertices = self.body.vertices + 0.010 * self.outwards
        toes = np.clip((vertices[:, 2] - 0.06) / 0.1, 0, 1)
        vertices[:, 2] += 0.012 * toes
        vertices[:, 1] = np.maximum(vertices[:, 1], 0)
        self._add(builder, vertices, self.suit[kept], Part.SHOES)

    def hair(self, builder: Builder, low: float, thick: float) -> None:
        """Hair down to the height `low`, from the helper."""
        triangles = self.assets.groups["helper-hair"]
        centres = self.body.vertices[triangles].mean(axis=1)
        from_eye = centres - self.marks.eye
        face = (from_eye[:, 1] < 0.045) & (from_eye[:, 2] > -0.07) & (np.abs(centres[:, 0]) < 0.085)
        kept = (centres[:, 1] > low) & ~face
        self._add(builder, self.body.vertices + thick * self.outwards, triangles[kept], Part.HAIR)

    def cap(self, builder: Builder, part: int, thick: float, edge: float) -> None:
        """A cap or hood around the skull: what of the head lies above a plane that rises to the front."""
        triangles = self.assets.groups["body"]
        points = self.body.vertices
        eye = self.marks.eye
        above = points[:, 1] - eye[1] > edge + 0.25 * (points[:, 2] - eye[2])
        kept = above[triangles].all(axis=1)
        used = np.unique(triangles[kept])
        centre = points[used].mean(axis=0) - (0, 0.05, 0)
        away = points - centre
        self._add(builder, points + thick * away / np.linalg.norm(away, axis=1, keepdims=True), triangles[kept], part)


def split_suit(assets: Assets, name: str, body: Body, marks: Landmarks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A MakeHuman suit on a body: its vertices, the triangles of its upper half, and those of its lower half."""
    proxy = assets.proxies[name]
    vertices = proxy.fitted(body.vertices)
    labels = proxy.pieces
    lowest, highest = np.full(len(vertices), np.inf), np.full(len(vertices), -np.inf)
    np.minimum.at(lowest, labels, vertices[:, 1])
    np.maximum.at(highest, labels, vertices[:, 1])
    count = np.maximum(np.bincount(labels, minlength=len(vertices)), 1)
    middle = np.bincount(labels, vertices[:, 1], minlength=len(vertices)) / count
    piece = labels[proxy.triangles[:, 0]]
    height = vertices[proxy.triangles][:, :, 1].mean(axis=1)
    whole = (lowest < marks.hip_y - 0.25) & (highest > marks.waist_y + 0.15)
    upper = np.where(whole[piece], height > marks.waist_y - 0.03, middle[piece] > marks.waist_y)
    return vertices, proxy.triangles[upper], proxy.triangles[~upper]

"""A person in the making: what one garment leaves behind for the next."""

import numpy as np

from . import materials
from .assets import Assets
from .bodies import Body
from .garments import Tailor, landmarks
from .materials import Materials
from .meshes import Builder
from .outfit import FAR, Material, Part, outfit

_MARKS = ("shoulder_x", "shoulder_y", "elbow_x", "wrist_x", "hip_y", "waist_y", "ankle_y", "neck_y")


class Dressing:
    """Puts one person together; what one garment is, the next ones depend on.

    Attributes:
        assets, body, random: What the person is made of, and where chance comes from.
        male: The body's sex, which most clothes go by.
        marks: Places on the body that clothes go by.
        tailor: Cuts clothes out of the body's own mesh.
        builder: Collects the mesh.
        materials: What it looks like.
        values: Fields of `outfit.OUTFIT` besides those of the body.
        facts: What the table of truths says about the person.
        bulk: How far the clothes stand off the body, metres.
        painted: What each of the body's vertices shows, (V,) of `Part`: it is painted as the clothes that cover it, so
            that it does not shine through them.
        hidden: Which of the body's vertices are left out, (V,) bool.
    """

    def __init__(self, assets: Assets, body: Body, random: np.random.Generator) -> None:
        self.assets, self.body, self.random = assets, body, random
        self.male = body.facts["sex"] == "male"
        self.marks = landmarks(assets, body)
        self.tailor = Tailor(assets, body, self.marks)
        self.builder = Builder()
        self.materials = Materials()
        self.values: dict[str, float] = {"over_legs": FAR, "leg_end": FAR, "sleeve": 1.0, "boots": FAR}
        self.facts: dict[str, object] = dict(body.facts)
        self.bulk = 0.0
        self.painted = np.full(len(body.vertices), Part.SKIN, np.int32)
        self.hidden = np.zeros(len(body.vertices), bool)

    def leather_or_cloth(self, material: Material, colour) -> None:
        """Make a material something plain of that colour, as displays show it."""
        materials.leather_or_cloth(self.materials, material, colour, self.random)

    def hang(self, shape: tuple[np.ndarray, np.ndarray], part: Part, bone: str) -> None:
        """Add stiff vertices (V, 3) and triangles (F, 3) that move with one bone."""
        self.builder.add(*shape, part, self.assets.bone_index[bone], None)

    def add_proxy(self, name: str, part: Part) -> None:
        """Put on a piece of MakeHuman's as it is."""
        proxy = self.assets.proxies[name]
        self.builder.add(proxy.fitted(self.body.vertices), proxy.triangles, part, *self.assets.proxy_skins[name])

    def covered_by(self, name: str) -> np.ndarray:
        """The body's vertices that a piece of MakeHuman's covers."""
        covers = self.assets.proxies[name].covers
        return covers[covers < len(self.painted)]

    def paint_trunk(self, part: Part) -> None:
        """Paint trunk and arms."""
        points, marks = self.body.vertices, self.marks
        covered = (points[:, 1] > marks.waist_y - 0.04) & (points[:, 1] < marks.neck_y + 0.005)
        self.painted[covered & (np.abs(points[:, 0]) < marks.wrist_x)] = part

    def paint_legs(self) -> None:
        """Paint everything from the waist to the ankles, the hands excepted."""
        points, marks = self.body.vertices, self.marks
        arm = (np.abs(points[:, 0]) > marks.shoulder_x) & (points[:, 1] > marks.hip_y - 0.2)
        self.painted[(points[:, 1] <= marks.waist_y - 0.04) & (points[:, 1] > marks.ankle_y - 0.01) & ~arm] = Part.LEGS

    def add_body(self) -> None:
        """Add the body itself, without what is hidden; no skin shows between top and legs."""
        assets, points, marks, painted = self.assets, self.body.vertices, self.marks, self.painted
        between = (points[:, 1] > marks.hip_y - 0.03) & (points[:, 1] < marks.waist_y + 0.12) & (painted == Part.SKIN)
        between &= np.abs(points[:, 0]) < marks.shoulder_x * 1.2
        painted[between] = np.where(points[between, 1] > marks.waist_y - 0.04, Part.TOP, Part.LEGS)
        triangles = assets.groups["body"]
        kept = triangles[~self.hidden[triangles].any(axis=1)]
        self.builder.add(points, kept, painted[kept].max(axis=1), assets.skin_bones, assets.skin_shares)
        for eye in ("helper-l-eye", "helper-r-eye"):
            self.builder.add(points, assets.groups[eye], Part.EYES, assets.skin_bones, assets.skin_shares)

    def outfit(self) -> np.ndarray:
        """The record of `outfit.OUTFIT`, (1,)."""
        _, eye_y, eye_z = self.marks.eye
        return outfit(**{name: getattr(self.marks, name) for name in _MARKS}, eye_y=eye_y, eye_z=eye_z, **self.values)

"""A whole person: body, clothes, hair, belongings, and the way it walks."""

from dataclasses import dataclass

import numpy as np

from . import belongings, colours, materials
from .assets import Assets
from .bodies import Body, random_body
from .garments import Landmarks, Tailor, landmarks, split_suit
from .materials import Materials
from .meshes import Builder, Mesh
from .outfit import Material, Part, outfit
from .poses import Gait, random_gait

_FAR = 9.0  # metres, beyond everything


@dataclass(frozen=True)
class Person:
    """Somebody to draw.

    Attributes:
        mesh: Body, clothes and belongings at rest.
        joints: Where each bone begins.
        outfit: A record of `outfit.OUTFIT`, (1,).
        materials: Records of `outfit.MATERIAL`.
        gait: How the person walks.
        holding: The hand that carries something, "l" or "r", or None.
        facts: What the table of truths says about the person.
    """

    mesh: Mesh
    joints: dict[str, np.ndarray]
    outfit: np.ndarray
    materials: np.ndarray
    gait: Gait
    holding: str | None
    facts: dict[str, object]


def random_person(assets: Assets, random: np.random.Generator) -> Person:
    """Somebody who does not exist; the same for the same state of `random` and the same assets."""
    body = random_body(assets, random)
    return _Dressing(assets, body, random).person()


class _Dressing:
    """Puts one person together; what one garment is, the next ones depend on."""

    def __init__(self, assets: Assets, body: Body, random: np.random.Generator) -> None:
        self.assets, self.body, self.random = assets, body, random
        self.male = body.facts["sex"] == "male"
        self.marks: Landmarks = landmarks(assets, body)
        self.tailor = Tailor(assets, body, self.marks)
        self.builder = Builder()
        self.materials = Materials()
        self.values: dict[str, float] = {"over_legs": _FAR, "leg_end": _FAR, "sleeve": 1.0, "boots": _FAR}
        self.facts: dict[str, object] = dict(body.facts)
        self.bulk = 0.0  # how far the clothes stand off the body
        # What each of the body's vertices shows: it is painted as the clothes that cover it.
        self.painted = np.full(len(body.vertices), Part.SKIN, np.int32)

    def person(self) -> Person:
        random, marks, body = self.random, self.marks, self.body
        materials.skin_and_hair(self.materials, float(body.facts["age"]), random)
        coat = self._coat_kind()
        self._top_and_legs(coat)
        if coat:
            self._coat(coat)
        self._shoes()
        self._head()
        if random.random() < (0.22 if coat else 0.05):
            materials.leather_or_cloth(self.materials, Material.SCARF, colours.of_top(random), random)
            belongings.add_scarf(self.builder, self.assets, body.joints, marks, self.bulk, random)
            self.facts["scarf"] = self.materials.colour(Material.SCARF)
        holding = self._bag()
        self._body()
        eye = body.vertices[np.unique(self.assets.groups["helper-l-eye"])].mean(axis=0)
        record = outfit(
            **{name: getattr(marks, name) for name in ("shoulder_x", "shoulder_y", "elbow_x", "wrist_x", "hip_y")},
            **{name: getattr(marks, name) for name in ("waist_y", "ankle_y", "neck_y")},
            eye_y=eye[1],
            eye_z=eye[2],
            **self.values,
        )
        gait = random_gait(random, float(body.facts["age"]))
        mesh = self.builder.mesh()
        return Person(mesh, body.joints, record, self.materials.records, gait, holding, self.facts)

    def _coat_kind(self) -> str | None:
        kinds = {"jacket": 0.16, "open jacket": 0.13, "coat": 0.06, "open coat": 0.05, "vest": 0.03}
        drawn = self.random.random()
        for kind, odds in kinds.items():
            if drawn < odds:
                return kind
            drawn -= odds
        return None

    def _top_and_legs(self, coat: str | None) -> None:
        random, marks = self.random, self.marks
        skirt = not self.male and random.random() < 0.24
        suits = [name for name in self.assets.proxies if name.startswith(("male_", "female_")) and "suit" in name]
        own = [name for name in suits if name.startswith("male_") == self.male]
        pool = own if random.random() < 0.8 else suits
        # A suit under a coat would come through it.
        suit_top = None if coat or not pool or random.random() < 0.4 else str(random.choice(pool))
        suit_legs = None if skirt or not pool or random.random() < 0.4 else str(random.choice(pool))
        if suit_top and suit_legs and random.random() < 0.3:
            suit_legs = suit_top
        materials.top(self.materials, Material.TOP, marks.shoulder_y, random)
        materials.legs(self.materials, marks.hip_y, marks.ankle_y, skirt, random)
        if suit_top:
            self._suit(suit_top, upper=True)
        else:
            self._shell_top(coat)
        if skirt:
            self._skirt()
        elif suit_legs:
            self._suit(suit_legs, upper=False)
        else:
            self._shell_legs()
        self._edges(suit_top, suit_legs, skirt)
        self.facts |= {
            "top": suit_top or "shell",
            "top_colour": self.materials.colour(Material.TOP),
            "top_pattern": self.materials.pattern(Material.TOP),
            "legs_colour": self.materials.colour(Material.LEGS),
            "legs_pattern": self.materials.pattern(Material.LEGS),
        }

    def _suit(self, name: str, upper: bool) -> None:
        marks = self.marks
        vertices, above, below = split_suit(self.assets, name, self.body, marks)
        bones, shares = self.assets.proxy_skins[name]
        chosen = above if upper else below
        self.builder.add(vertices, chosen, Part.TOP if upper else Part.LEGS, bones, shares)
        covers = self.assets.proxies[name].covers
        covers = covers[covers < len(self.painted)]
        height = self.body.vertices[covers, 1]
        half = covers[height > marks.waist_y - 0.04] if upper else covers[height <= marks.waist_y - 0.04]
        self.painted[half] = Part.TOP if upper else Part.LEGS
        if upper:
            self.bulk = max(self.bulk, 0.02)
        else:
            self.facts["legs"] = name

    def _shell_top(self, coat: str | None) -> None:
        random, marks = self.random, self.marks
        loose = (
            random.uniform(0.004, 0.010) if coat else random.choice([random.uniform(0.006, 0.02), 0.03], p=[0.85, 0.15])
        )
        self.tailor.upper(self.builder, Part.TOP, loose, marks.hip_y - 0.14, 1.0)
        self.bulk = max(self.bulk, loose)
        self._paint_trunk(Part.TOP)

    def _paint_trunk(self, part: int) -> None:
        points, marks = self.body.vertices, self.marks
        covered = (points[:, 1] > marks.waist_y - 0.04) & (points[:, 1] < marks.neck_y + 0.005)
        covered &= np.abs(points[:, 0]) < marks.wrist_x
        self.painted[covered] = part

    def _paint_legs(self) -> None:
        points, marks = self.body.vertices, self.marks
        arm = (np.abs(points[:, 0]) > marks.shoulder_x) & (points[:, 1] > marks.hip_y - 0.2)
        self.painted[(points[:, 1] <= marks.waist_y - 0.04) & (points[:, 1] > marks.ankle_y - 0.01) & ~arm] = Part.LEGS

    def _shell_legs(self) -> None:
        random = self.random
        kind = str(random.choice(["slim", "straight", "wide"], p=[0.45, 0.4, 0.15]))
        loose, flare = {"slim": (0.004, 0.0), "straight": (0.012, 0.012), "wide": (0.02, 0.05)}[kind]
        end = random.uniform(0.3, 0.6) if random.random() < 0.14 else 1.0
        if end < 1:
            kind = "shorts"
            self.values["leg_end"] = end
        self.tailor.trousers(self.builder, loose, flare * random.random(), end)
        self._paint_legs()
        self.facts["legs"] = kind

    def _skirt(self) -> None:
        random, marks = self.random, self.marks
        end = random.choice([random.uniform(0.25, 0.5), random.uniform(0.5, 0.95)], p=[0.65, 0.35])
        hem = marks.hip_y - end * (marks.hip_y - marks.ankle_y)
        self.tailor.skirt(self.builder, Part.SKIRT, hem, random.uniform(0.72, 1.1), random.uniform(0, 0.01))
        self._paint_legs()
        self.values["leg_end"] = end - 0.06
        self.facts["legs"] = "skirt"
        if random.random() < 0.4:  # a dress
            self.materials.records[Material.LEGS] = self.materials.records[Material.TOP]
            self.materials.shown[Material.LEGS] = self.materials.shown[Material.TOP]
            self.facts["legs"] = "dress"
        if random.random() < 0.55:
            self.values["socks"] = 1
            colour = np.full(3, random.uniform(0.04, 0.15)) if random.random() < 0.75 else colours.of_legs(random)
            materials.leather_or_cloth(self.materials, Material.SOCKS, colour, random)

    def _edges(self, suit_top: str | None, suit_legs: str | None, skirt: bool) -> None:
        """Where the top ends: sleeves, neck, hem."""
        random, marks, values = self.random, self.marks, self.values
        if random.random() < 0.45:
            values["sleeve"] = float(
                random.choice([random.uniform(0.28, 0.5), random.uniform(0.75, 0.9), 0.04], p=[0.84, 0.08, 0.08])
            )
        if random.random() < 0.09:
            values["other_sleeves"] = 1
            materials.top(self.materials, Material.SLEEVE, marks.shoulder_y, random)
        if not suit_top:
            values["neck_depth"] = random.uniform(0.0, 0.03) if random.random() < 0.65 else random.uniform(0.04, 0.12)
            values["neck_width"] = random.uniform(0.05, 0.075)
            values["pointed_neck"] = float(random.random() < 0.5)
        over = random.choice([random.uniform(-0.06, 0.06), -0.12], p=[0.8, 0.2])
        if not skirt and random.random() < 0.45:
            values["over_legs"] = marks.hip_y + over
        if suit_top:
            values["hem"] = marks.hip_y + random.uniform(0.0, 0.12) if random.random() < 0.4 else -_FAR
        else:
            values["hem"] = marks.hip_y + random.uniform(-0.08, 0.10)
        if random.random() < 0.3:
            values["belt_half"] = random.uniform(0.012, 0.022)
        if random.random() < (0.05 if self.male else 0.01):
            values["tie_half"] = random.uniform(0.018, 0.028)
        materials.leather_or_cloth(self.materials, Material.BELT, colours.of_bag(random), random)
        if not suit_legs and not skirt and values["leg_end"] < 1 and random.random() < 0.3:
            values["socks"] = 1
            materials.leather_or_cloth(self.materials, Material.SOCKS, np.full(3, random.uniform(0.05, 0.9)), random)

    def _coat(self, kind: str) -> None:
        random, marks, values = self.random, self.marks, self.values
        materials.coat(self.materials, marks.shoulder_y, random)
        long, opened = "coat" in kind, "open" in kind
        loose = self.bulk + random.uniform(0.008, 0.022 if long else 0.035)
        sleeve = 0.06 if kind == "vest" else 1.0
        values["coat_hem"] = marks.hip_y + random.uniform(-0.08, 0.10)
        self.tailor.upper(self.builder, Part.COAT, loose, values["coat_hem"] - 0.06, sleeve)
        values["coat_sleeve"] = float(random.choice([1.0, random.uniform(0.6, 0.95)], p=[0.8, 0.2]))
        if long:
            hem = marks.hip_y - random.uniform(0.2, 0.75) * (marks.hip_y - marks.ankle_y)
            self.tailor.skirt(self.builder, Part.COAT, hem, random.uniform(0.75, 1.05), loose * 0.5)
            values["coat_hem"] = hem
        if opened or (kind == "vest" and random.random() < 0.5):
            values["opening"] = random.uniform(0.015, 0.07)
            values["opening_slope"] = random.uniform(0.0, 0.12)
        self.bulk = loose
        self.facts |= {
            "coat": kind,
            "coat_colour": self.materials.colour(Material.COAT),
            "coat_pattern": self.materials.pattern(Material.COAT),
        }

    def _shoes(self) -> None:
        random, assets = self.random, self.assets
        materials.leather_or_cloth(self.materials, Material.SHOES, colours.of_shoes(random), random)
        sole = (
            np.full(3, random.uniform(0.75, 0.95)) if random.random() < 0.45 else np.full(3, random.uniform(0.05, 0.3))
        )
        self.materials.set(Material.SOLE, sole, weave=0.03)
        self.values["sole_y"] = random.choice([0.0, random.uniform(0.015, 0.035)], p=[0.3, 0.7])
        shoes = [name for name in assets.proxies if name.startswith("shoes")]
        boots = random.random() < 0.15
        self.hidden = np.zeros(len(self.painted), bool)
        if shoes and not boots:
            name = str(random.choice(shoes))
            proxy = assets.proxies[name]
            self.builder.add(proxy.fitted(self.body.vertices), proxy.triangles, Part.SHOES, *assets.proxy_skins[name])
            self.hidden[proxy.covers[proxy.covers < len(self.hidden)]] = True
        else:
            high = random.uniform(0.10, 0.28) if boots else 0.01
            self.tailor.shoes(self.builder, high + 0.05)
            self.values["boots"] = self.marks.ankle_y + high
            self.hidden |= self.body.vertices[:, 1] < self.marks.ankle_y - 0.02
        self.facts |= {"shoes": "boots" if boots else "shoes", "shoes_colour": self.materials.colour(Material.SHOES)}

    def _head(self) -> None:
        random, assets, values = self.random, self.assets, self.values
        styles = (
            {"bald": 0.05, "cropped": 0.22, "short": 0.63, "long": 0.10}
            if self.male
            else {"cropped": 0.04, "short": 0.28, "long": 0.68}
        )
        style = str(random.choice(list(styles), p=list(styles.values())))
        values["hairline"] = _FAR if style == "bald" else random.uniform(0.05, 0.075)
        proxies = [name for name in assets.proxies if name.startswith(_HAIR.get(style, ()))] if style in _HAIR else []
        hat = str(random.choice(["none", "cap", "beanie", "hood", "hat"], p=[0.86, 0.05, 0.04, 0.03, 0.02]))
        if hat in ("cap", "beanie", "hood"):
            proxies = [name for name in proxies if name in _FLAT_HAIR]
        if proxies:
            name = str(random.choice(proxies))
            proxy = assets.proxies[name]
            self.builder.add(proxy.fitted(self.body.vertices), proxy.triangles, Part.HAIR, *assets.proxy_skins[name])
            style = name
        elif style == "long":
            low = self.marks.neck_y - random.uniform(-0.05, 0.25)
            self.tailor.hair(self.builder, low, random.uniform(0, 0.015))
        elif style == "short":
            self.tailor.cap(self.builder, Part.HAIR, random.uniform(0.008, 0.025), random.uniform(0.035, 0.06))
        self.facts |= {"hair": style, "hair_colour": self.materials.colour(Material.HAIR)}
        if self.male and float(self.body.facts["age"]) > 18:
            values["beard"] = float(random.random() < 0.25)
        values["glasses"] = float(random.choice([0, 1, 2], p=[0.8, 0.13, 0.07]))
        if hat != "none":
            self._hat(hat)

    def _hat(self, hat: str) -> None:
        random, assets = self.random, self.assets
        colour = self.materials.shown.get(Material.COAT) if hat == "hood" else None
        materials.leather_or_cloth(
            self.materials, Material.HAT, colours.of_top(random) if colour is None else colour, random
        )
        hats = [name for name in assets.proxies if name.startswith("fedora")]
        if hat == "hat" and hats:
            name = str(random.choice(hats))
            proxy = assets.proxies[name]
            self.builder.add(proxy.fitted(self.body.vertices), proxy.triangles, Part.HAT, *assets.proxy_skins[name])
        else:
            thick, edge = {"hood": (0.03, -0.09), "beanie": (0.018, 0.035)}.get(hat, (0.014, 0.045))
            self.tailor.cap(self.builder, Part.HAT, thick + random.uniform(0, 0.01), edge)
            if hat == "cap":
                self._visor()
        self.facts |= {"hat": hat, "hat_colour": self.materials.colour(Material.HAT)}

    def _visor(self) -> None:
        eye = self.body.vertices[np.unique(self.assets.groups["helper-l-eye"])].mean(axis=0)
        centre = (0, eye[1] + 0.055, eye[2] + 0.045)
        belongings.add_visor(self.builder, self.assets, centre)

    def _bag(self) -> str | None:
        random = self.random
        kinds = belongings.KINDS
        kind = str(random.choice(["none", *kinds], p=[1 - sum(kinds.values()), *kinds.values()]))
        if kind == "none":
            return None
        colour = colours.of_bag(random)
        materials.leather_or_cloth(self.materials, Material.BAG, colour, random)
        strap = colour * 0.8 if random.random() < 0.7 else np.full(3, random.uniform(0.04, 0.2))
        materials.leather_or_cloth(self.materials, Material.STRAP, strap, random)
        straps, holding = belongings.add_bag(
            self.builder, self.assets, self.body.joints, self.marks, kind, self.bulk, random
        )
        self.values |= straps
        self.facts |= {"bag": kind, "bag_colour": self.materials.colour(Material.BAG)}
        return holding

    def _body(self) -> None:
        """The body itself, painted as the clothes on it, without what shoes hide."""
        assets, points, marks = self.assets, self.body.vertices, self.marks
        between = (
            (points[:, 1] > marks.hip_y - 0.03) & (points[:, 1] < marks.waist_y + 0.12) & (self.painted == Part.SKIN)
        )
        between &= np.abs(points[:, 0]) < marks.shoulder_x * 1.2
        self.painted[between] = np.where(points[between, 1] > marks.waist_y - 0.04, Part.TOP, Part.LEGS)
        triangles = assets.groups["body"]
        kept = triangles[~self.hidden[triangles].any(axis=1)]
        self.builder.add(points, kept, self.painted[kept].max(axis=1), assets.skin_bones, assets.skin_shares)
        for eye in ("helper-l-eye", "helper-r-eye"):
            self.builder.add(points, assets.groups[eye], Part.EYES, assets.skin_bones, assets.skin_shares)


# Style -> how the names of MakeHuman's hair of that kind begin.
_HAIR = {"short": ("short",), "long": ("bob", "long", "ponytail", "braid", "afro")}
# What fits under a cap.
_FLAT_HAIR = {"short03", "short04", "long01", "ponytail01", "bob02"}

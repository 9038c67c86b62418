"""Random fabrics, leather, skin and hair."""

import math

import numpy as np

from . import colours
from .outfit import MATERIAL, Material, Pattern

# Pattern -> how often tops have it.
_ON_TOPS = {
    Pattern.PLAIN: 0.42,
    Pattern.HOOPS: 0.09,
    Pattern.STRIPES: 0.03,
    Pattern.CHECKS: 0.02,
    Pattern.TARTAN: 0.06,
    Pattern.PRINT: 0.14,
    Pattern.YOKE: 0.04,
    Pattern.BLOTCHES: 0.05,
    Pattern.PANEL: 0.02,
    Pattern.BAND: 0.04,
    Pattern.MARL: 0.07,
    Pattern.DOTS: 0.02,
}
_ON_COATS = {Pattern.PLAIN: 0.72, Pattern.QUILT: 0.12, Pattern.YOKE: 0.06, Pattern.TARTAN: 0.04, Pattern.BLOTCHES: 0.03}
_ON_COATS[Pattern.BAND] = 0.03
_ON_LEGS = {Pattern.PLAIN: 0.50, Pattern.DENIM: 0.36, Pattern.SIDES: 0.06, Pattern.BLOTCHES: 0.04, Pattern.MARL: 0.04}
_ON_SKIRTS = {
    Pattern.PLAIN: 0.58,
    Pattern.BLOTCHES: 0.17,
    Pattern.TARTAN: 0.08,
    Pattern.HOOPS: 0.07,
    Pattern.DOTS: 0.10,
}


class Materials:
    """The materials of one person: records of `MATERIAL`, and what they are called for the table of truths."""

    def __init__(self) -> None:
        self.records = np.zeros(len(Material), MATERIAL)
        self.shown: dict[int, np.ndarray] = {}

    def set(self, material: int, colour, second=None, pattern: int = Pattern.PLAIN, **values: float) -> None:
        """Say what a material looks like; colours as displays show them."""
        record = self.records[material]
        self.shown[material] = np.clip(colour, 0, 1)
        record["colour"] = colours.linear(colour)
        record["second"] = colours.linear(colour if second is None else second)
        record["pattern"] = pattern
        for name, value in values.items():
            record[name] = value

    def copy(self, material: int, to: int) -> None:
        """Make the material `to` the same as `material`."""
        self.records[to] = self.records[material]
        self.shown[to] = self.shown[material]

    def colour(self, material: int) -> str:
        """The main colour, as "#rrggbb"."""
        return colours.hexadecimal(self.shown[material])

    def pattern(self, material: int) -> str:
        """The name of its pattern."""
        return Pattern(int(self.records[material]["pattern"])).name.lower()


def _chosen(table: dict[int, float], random: np.random.Generator) -> int:
    odds = np.array(list(table.values()))
    return int(random.choice(list(table), p=odds / odds.sum()))


def top(materials: Materials, which: int, shoulder_y: float, random: np.random.Generator) -> None:
    """A shirt's or sweater's fabric."""
    _patterned(materials, which, _chosen(_ON_TOPS, random), colours.of_top, shoulder_y, random)


def coat(materials: Materials, shoulder_y: float, random: np.random.Generator) -> None:
    """A jacket's or coat's fabric, or leather."""
    _patterned(materials, Material.COAT, _chosen(_ON_COATS, random), colours.of_coat, shoulder_y, random)
    record = materials.records[Material.COAT]
    if record["pattern"] == Pattern.QUILT:
        record["frequency"] = 2 * math.pi / random.uniform(0.05, 0.10)
        record["second"] = record["colour"]
    if random.random() < 0.22:
        record["gloss"], record["weave"] = random.uniform(0.3, 1.0), 0.03


def legs(materials: Materials, hip_y: float, ankle_y: float, skirt: bool, random: np.random.Generator) -> None:
    """The fabric of trousers or a skirt."""
    pattern = _chosen(_ON_SKIRTS if skirt else _ON_LEGS, random)
    draw = colours.of_top if skirt and random.random() < 0.5 else colours.of_legs
    _patterned(materials, Material.LEGS, pattern, draw, hip_y, random)
    record = materials.records[Material.LEGS]
    if pattern == Pattern.DENIM:
        record["centre"] = hip_y - random.uniform(0.25, 0.4) * (hip_y - ankle_y)
        record["level"] = random.uniform(0, 0.8)
        record["second"] = 0.55 * record["colour"] + 0.45 * np.float32([0.55, 0.60, 0.68])
        record["weave"] = random.uniform(0.03, 0.08)
    elif pattern == Pattern.SIDES:
        record["width"] = random.uniform(0.008, 0.022)


def _patterned(materials, which, pattern, draw, shoulder_y, random) -> None:
    first, second = draw(random), colours.of_top(random)
    if pattern in (Pattern.TARTAN, Pattern.MARL) and random.random() < 0.7:
        second = np.clip(first * random.uniform(0.35, 0.75), 0, 1) if first.mean() > 0.3 else first + 0.25
    materials.set(
        which,
        first,
        second,
        pattern,
        frequency=2 * math.pi / random.uniform(0.025, 0.11),
        phase=random.uniform(0, 2 * math.pi),
        level=random.uniform(-0.5, 0.6) if pattern != Pattern.BLOTCHES else random.uniform(-0.3, 0.9),
        centre=shoulder_y - random.uniform(0.08, 0.34),
        width=random.uniform(0.03, 0.11),
        height=random.uniform(0.03, 0.11),
        folds=random.uniform(0.05, 0.35),
        weave=random.uniform(0.01, 0.06),
        gloss=0.1 * random.random(),
    )


def skin_and_hair(materials: Materials, age: float, random: np.random.Generator) -> None:
    """What somebody was born with."""
    skin = colours.of_skin(random)
    hair = colours.of_hair(random, age)
    materials.set(Material.SKIN, skin, weave=0.03, gloss=0.15)
    materials.set(Material.LIPS, np.clip(skin * (0.95, 0.68, 0.68), 0, 1), gloss=0.2)
    materials.set(Material.EYES, (0.45, 0.40, 0.38))
    materials.set(
        Material.HAIR, hair, 0.75 * hair, Pattern.MARL, phase=random.uniform(0, 6), folds=0.3, weave=0.12, gloss=0.4
    )


def leather_or_cloth(materials: Materials, which: int, colour, random: np.random.Generator) -> None:
    """Shoes, bags, straps, hats, scarves."""
    glossy = random.random() < 0.4
    materials.set(
        which,
        colour,
        phase=random.uniform(0, 6),
        folds=random.uniform(0.05, 0.35),
        weave=0.02 if glossy else random.uniform(0.03, 0.12),
        gloss=random.uniform(0.3, 0.9) if glossy else 0.05,
    )

"""What people wear from the neck to the ankles: tops, trousers, skirts, dresses and coats."""

import numpy as np

from . import colours, materials
from .dressing import Dressing
from .garments import split_suit
from .outfit import FAR, Material, Part

# Kind -> how often; the rest of the people wear none.
_COATS = {"jacket": 0.16, "open jacket": 0.13, "coat": 0.06, "open coat": 0.05, "vest": 0.03}


def random_coat_kind(random: np.random.Generator) -> str | None:
    """What somebody wears over the rest, or None."""
    drawn = random.random()
    for kind, odds in _COATS.items():
        if drawn < odds:
            return kind
        drawn -= odds
    return None


def add_top_and_legs(dressing: Dressing, coat: str | None) -> None:
    """Dress somebody in a top, and in trousers, a skirt or a dress, to be worn under that kind of coat."""
    random, marks, cloth = dressing.random, dressing.marks, dressing.materials
    skirt = not dressing.male and random.random() < 0.24
    suit_top, suit_legs = _random_suits(dressing, coat is not None, skirt)
    materials.top(cloth, Material.TOP, marks.shoulder_y, random)
    materials.legs(cloth, marks.hip_y, marks.ankle_y, skirt, random)
    if suit_top:
        _add_upper_suit(dressing, suit_top)
    else:
        _add_shirt(dressing, coat is not None)
    if skirt:
        _add_skirt(dressing)
    elif suit_legs:
        _add_lower_suit(dressing, suit_legs)
    else:
        _add_trousers(dressing)
    _end_top(dressing, suit_top, skirt)
    if not suit_legs and not skirt and dressing.values["leg_end"] < 1 and random.random() < 0.3:
        dressing.values["socks"] = 1
        dressing.leather_or_cloth(Material.SOCKS, np.full(3, random.uniform(0.05, 0.9)))
    dressing.facts |= {
        "top": suit_top or "shell",
        "top_colour": cloth.colour(Material.TOP),
        "top_pattern": cloth.pattern(Material.TOP),
        "legs_colour": cloth.colour(Material.LEGS),
        "legs_pattern": cloth.pattern(Material.LEGS),
    }


def _random_suits(dressing: Dressing, under_coat: bool, skirt: bool) -> tuple[str | None, str | None]:
    """Which of MakeHuman's suits, if any, gives the top and which the legs."""
    random = dressing.random
    suits = [name for name in dressing.assets.proxies if name.startswith(("male_", "female_")) and "suit" in name]
    own = [name for name in suits if name.startswith("male_") == dressing.male]
    pool = own if random.random() < 0.8 else suits
    # A suit under a coat would come through it.
    top = None if under_coat or not pool or random.random() < 0.4 else str(random.choice(pool))
    legs = None if skirt or not pool or random.random() < 0.4 else str(random.choice(pool))
    if top and legs and random.random() < 0.3:
        legs = top
    return top, legs


def _add_upper_suit(dressing: Dressing, name: str) -> None:
    vertices, above, _ = split_suit(dressing.assets, name, dressing.body, dressing.marks)
    dressing.builder.add(vertices, above, Part.TOP, *dressing.assets.proxy_skins[name])
    covers = dressing.covered_by(name)
    dressing.painted[covers[dressing.body.vertices[covers, 1] > dressing.marks.waist_y - 0.04]] = Part.TOP
    dressing.bulk = max(dressing.bulk, 0.02)


def _add_lower_suit(dressing: Dressing, name: str) -> None:
    vertices, _, below = split_suit(dressing.assets, name, dressing.body, dressing.marks)
    dressing.builder.add(vertices, below, Part.LEGS, *dressing.assets.proxy_skins[name])
    covers = dressing.covered_by(name)
    dressing.painted[covers[dressing.body.vertices[covers, 1] <= dressing.marks.waist_y - 0.04]] = Part.LEGS
    dressing.facts["legs"] = name


def _add_shirt(dressing: Dressing, under_coat: bool) -> None:
    random = dressing.random
    if under_coat:
        loose = random.uniform(0.004, 0.010)
    else:
        loose = random.choice([random.uniform(0.006, 0.02), 0.03], p=[0.85, 0.15])
    dressing.tailor.upper(dressing.builder, Part.TOP, loose, dressing.marks.hip_y - 0.14, 1.0)
    dressing.bulk = max(dressing.bulk, loose)
    dressing.paint_trunk(Part.TOP)


def _add_trousers(dressing: Dressing) -> None:
    random = dressing.random
    kind = str(random.choice(["slim", "straight", "wide"], p=[0.45, 0.4, 0.15]))
    loose, flare = {"slim": (0.004, 0.0), "straight": (0.012, 0.012), "wide": (0.02, 0.05)}[kind]
    end = random.uniform(0.3, 0.6) if random.random() < 0.14 else 1.0
    if end < 1:
        kind = "shorts"
        dressing.values["leg_end"] = end
    dressing.tailor.trousers(dressing.builder, loose, flare * random.random(), end)
    dressing.paint_legs()
    dressing.facts["legs"] = kind


def _add_skirt(dressing: Dressing) -> None:
    random, marks, cloth = dressing.random, dressing.marks, dressing.materials
    end = random.choice([random.uniform(0.25, 0.5), random.uniform(0.5, 0.95)], p=[0.65, 0.35])
    hem = marks.hip_y - end * (marks.hip_y - marks.ankle_y)
    dressing.tailor.skirt(dressing.builder, Part.SKIRT, hem, random.uniform(0.72, 1.1), random.uniform(0, 0.01))
    dressing.paint_legs()
    dressing.values["leg_end"] = end - 0.06
    dressing.facts["legs"] = "skirt"
    if random.random() < 0.4:
        cloth.copy(Material.TOP, Material.LEGS)
        dressing.facts["legs"] = "dress"
    if random.random() < 0.55:
        dressing.values["socks"] = 1
        colour = np.full(3, random.uniform(0.04, 0.15)) if random.random() < 0.75 else colours.of_legs(random)
        dressing.leather_or_cloth(Material.SOCKS, colour)


def _end_top(dressing: Dressing, suit: str | None, skirt: bool) -> None:
    """Where the top ends: sleeves, neck and hem; and what is worn there: belt and tie."""
    random, marks, values = dressing.random, dressing.marks, dressing.values
    if random.random() < 0.45:
        values["sleeve"] = float(
            random.choice([random.uniform(0.28, 0.5), random.uniform(0.75, 0.9), 0.04], p=[0.84, 0.08, 0.08])
        )
    if random.random() < 0.09:
        values["other_sleeves"] = 1
        materials.top(dressing.materials, Material.SLEEVE, marks.shoulder_y, random)
    if not suit:
        values["neck_depth"] = random.uniform(0.0, 0.03) if random.random() < 0.65 else random.uniform(0.04, 0.12)
        values["neck_width"] = random.uniform(0.05, 0.075)
        values["pointed_neck"] = float(random.random() < 0.5)
    over = random.choice([random.uniform(-0.06, 0.06), -0.12], p=[0.8, 0.2])
    if not skirt and random.random() < 0.45:
        values["over_legs"] = marks.hip_y + over
    if suit:
        values["hem"] = marks.hip_y + random.uniform(0.0, 0.12) if random.random() < 0.4 else -FAR
    else:
        values["hem"] = marks.hip_y + random.uniform(-0.08, 0.10)
    if random.random() < 0.3:
        values["belt_half"] = random.uniform(0.012, 0.022)
    if random.random() < (0.05 if dressing.male else 0.01):
        values["tie_half"] = random.uniform(0.018, 0.028)
    dressing.leather_or_cloth(Material.BELT, colours.of_bag(random))


def add_coat(dressing: Dressing, kind: str) -> None:
    """Put a jacket, coat or vest over the rest."""
    random, marks, values, cloth = dressing.random, dressing.marks, dressing.values, dressing.materials
    materials.coat(cloth, marks.shoulder_y, random)
    long = "coat" in kind
    loose = dressing.bulk + random.uniform(0.008, 0.022 if long else 0.035)
    values["coat_hem"] = marks.hip_y + random.uniform(-0.08, 0.10)
    sleeve = 0.06 if kind == "vest" else 1.0
    dressing.tailor.upper(dressing.builder, Part.COAT, loose, values["coat_hem"] - 0.06, sleeve)
    values["coat_sleeve"] = float(random.choice([1.0, random.uniform(0.6, 0.95)], p=[0.8, 0.2]))
    if long:
        values["coat_hem"] = marks.hip_y - random.uniform(0.2, 0.75) * (marks.hip_y - marks.ankle_y)
        width = random.uniform(0.75, 1.05)
        dressing.tailor.skirt(dressing.builder, Part.COAT, values["coat_hem"], width, loose * 0.5)
    if "open" in kind or (kind == "vest" and random.random() < 0.5):
        values["opening"] = random.uniform(0.015, 0.07)
        values["opening_slope"] = random.uniform(0.0, 0.12)
    dressing.bulk = loose
    dressing.facts |= {
        "coat": kind,
        "coat_colour": cloth.colour(Material.COAT),
        "coat_pattern": cloth.pattern(Material.COAT),
    }

"""What people wear on their feet and heads, and their hair."""

import numpy as np

from . import colours
from .belongings import add_visor
from .dressing import Dressing
from .outfit import FAR, Material, Part

# How often men and women have which hair.
_STYLES = (
    {"cropped": 0.04, "short": 0.28, "long": 0.68},
    {"bald": 0.05, "cropped": 0.22, "short": 0.63, "long": 0.10},
)
# Style -> how the names of MakeHuman's hair of that kind begin.
_HAIR = {"short": ("short",), "long": ("bob", "long", "ponytail", "braid", "afro")}
# What fits under a cap.
_FLAT_HAIR = {"short03", "short04", "long01", "ponytail01", "bob02"}
_HATS = {"none": 0.86, "cap": 0.05, "beanie": 0.04, "hood": 0.03, "hat": 0.02}


def add_shoes(dressing: Dressing) -> None:
    """Put on shoes or boots."""
    random, marks = dressing.random, dressing.marks
    dressing.leather_or_cloth(Material.SHOES, colours.of_shoes(random))
    sole = random.uniform(0.75, 0.95) if random.random() < 0.45 else random.uniform(0.05, 0.3)
    dressing.materials.set(Material.SOLE, np.full(3, sole), weave=0.03)
    dressing.values["sole_y"] = random.choice([0.0, random.uniform(0.015, 0.035)], p=[0.3, 0.7])
    shoes = [name for name in dressing.assets.proxies if name.startswith("shoes")]
    boots = random.random() < 0.15
    if shoes and not boots:
        name = str(random.choice(shoes))
        dressing.add_proxy(name, Part.SHOES)
        dressing.hidden[dressing.covered_by(name)] = True
    else:
        high = random.uniform(0.10, 0.28) if boots else 0.01
        dressing.tailor.shoes(dressing.builder, high + 0.05)
        dressing.values["boots"] = marks.ankle_y + high
        dressing.hidden |= dressing.body.vertices[:, 1] < marks.ankle_y - 0.02
    dressing.facts |= {
        "shoes": "boots" if boots else "shoes",
        "shoes_colour": dressing.materials.colour(Material.SHOES),
    }


def add_hair_and_hat(dressing: Dressing) -> None:
    """Give somebody hair, perhaps a beard, glasses and something on the head."""
    random, values = dressing.random, dressing.values
    styles = _STYLES[dressing.male]
    style = str(random.choice(list(styles), p=list(styles.values())))
    values["hairline"] = FAR if style == "bald" else random.uniform(0.05, 0.075)
    hat = str(random.choice(list(_HATS), p=list(_HATS.values())))
    hair = [name for name in dressing.assets.proxies if name.startswith(_HAIR.get(style, ()))]
    if hat in ("cap", "beanie", "hood"):
        hair = [name for name in hair if name in _FLAT_HAIR]
    if hair:
        style_or_name = str(random.choice(hair))
        dressing.add_proxy(style_or_name, Part.HAIR)
    else:
        style_or_name = style
        if style == "long":
            low = dressing.marks.neck_y - random.uniform(-0.05, 0.25)
            dressing.tailor.hair(dressing.builder, low, random.uniform(0, 0.015))
        elif style == "short":
            thick = random.uniform(0.008, 0.025)
            dressing.tailor.cap(dressing.builder, Part.HAIR, thick, random.uniform(0.035, 0.06))
    dressing.facts |= {"hair": style_or_name, "hair_colour": dressing.materials.colour(Material.HAIR)}
    if dressing.male and float(dressing.body.facts["age"]) > 18:
        values["beard"] = float(random.random() < 0.25)
    values["glasses"] = float(random.choice([0, 1, 2], p=[0.8, 0.13, 0.07]))
    if hat != "none":
        _add_hat(dressing, hat)


def _add_hat(dressing: Dressing, hat: str) -> None:
    random = dressing.random
    colour = dressing.materials.shown.get(Material.COAT) if hat == "hood" else None
    dressing.leather_or_cloth(Material.HAT, colours.of_top(random) if colour is None else colour)
    hats = [name for name in dressing.assets.proxies if name.startswith("fedora")]
    if hat == "hat" and hats:
        dressing.add_proxy(str(random.choice(hats)), Part.HAT)
    else:
        thick, edge = {"hood": (0.03, -0.09), "beanie": (0.018, 0.035)}.get(hat, (0.014, 0.045))
        dressing.tailor.cap(dressing.builder, Part.HAT, thick + random.uniform(0, 0.01), edge)
        if hat == "cap":
            add_visor(dressing)
    dressing.facts |= {"hat": hat, "hat_colour": dressing.materials.colour(Material.HAT)}

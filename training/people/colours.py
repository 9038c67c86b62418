"""The colours of clothes, skin, hair and things around people: RGB from 0 to 1, as displays show it."""

import colorsys

import numpy as np

Colour = np.ndarray


def linear(colour) -> Colour:
    """Amounts of light, as rendering needs them, of colours as displays show them."""
    return np.clip(np.asarray(colour, np.float64), 0, 1) ** 2.2


def hexadecimal(colour) -> str:
    """A displayed colour as "#rrggbb"."""
    return "#" + "".join(f"{round(255 * float(channel)):02x}" for channel in np.clip(colour, 0, 1))


def _grey(random, low, high, spread=0.015) -> Colour:
    return np.clip(random.uniform(low, high) + random.normal(0, spread, 3), 0.015, 1)


def _hued(random, hues, saturations, values) -> Colour:
    hue, saturation, value = (random.uniform(*limits) for limits in (hues, saturations, values))
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value))


# Odds, then a grey's range, or ranges of hue, saturation and value. Counted by eye on photographs of streets in several
# countries and seasons: black, grey, white and blue are most of what people wear.
_TOPS = (
    (0.21, (0.04, 0.17)),
    (0.12, (0.75, 0.97)),
    (0.15, (0.20, 0.72)),
    (0.11, ((0.58, 0.68), (0.30, 0.75), (0.12, 0.35))),
    (0.11, ((0.53, 0.65), (0.25, 0.85), (0.40, 0.90))),
    (0.08, ((0.95, 1.03), (0.55, 0.95), (0.30, 0.90))),
    (0.08, ((0.05, 0.12), (0.15, 0.60), (0.25, 0.85))),
    (0.06, ((0.20, 0.45), (0.20, 0.70), (0.18, 0.65))),
    (0.08, ((0.00, 1.00), (0.20, 0.90), (0.35, 0.95))),
)
_COATS = (
    (0.34, (0.04, 0.16)),
    (0.14, (0.18, 0.55)),
    (0.16, ((0.58, 0.68), (0.30, 0.75), (0.10, 0.35))),
    (0.14, ((0.05, 0.12), (0.20, 0.60), (0.22, 0.75))),
    (0.08, ((0.20, 0.40), (0.20, 0.60), (0.18, 0.45))),
    (0.05, (0.70, 0.95)),
    (0.09, ((0.00, 1.00), (0.30, 0.90), (0.30, 0.90))),
)
_LEGS = (
    (0.29, (0.04, 0.17)),
    (0.31, ((0.56, 0.65), (0.20, 0.65), (0.20, 0.65))),
    (0.10, ((0.58, 0.68), (0.30, 0.70), (0.12, 0.30))),
    (0.12, (0.20, 0.65)),
    (0.09, ((0.06, 0.13), (0.15, 0.50), (0.35, 0.80))),
    (0.04, (0.75, 0.95)),
    (0.05, ((0.00, 1.00), (0.20, 0.80), (0.20, 0.80))),
)
_SHOES = (
    (0.50, (0.04, 0.18)),
    (0.20, (0.70, 0.97)),
    (0.15, ((0.04, 0.10), (0.35, 0.65), (0.15, 0.50))),
    (0.15, ((0.00, 1.00), (0.10, 0.90), (0.25, 0.90))),
)
_BAGS = (
    (0.52, (0.04, 0.20)),
    (0.18, ((0.04, 0.11), (0.30, 0.65), (0.25, 0.75))),
    (0.12, (0.30, 0.90)),
    (0.18, ((0.00, 1.00), (0.30, 0.90), (0.25, 0.90))),
)
_PLACES = (
    (0.62, (0.20, 0.75)),
    (0.24, ((0.05, 0.14), (0.05, 0.40), (0.30, 0.85))),
    (0.08, ((0.20, 0.40), (0.15, 0.50), (0.20, 0.60))),
    (0.06, ((0.00, 1.00), (0.10, 0.80), (0.20, 0.90))),
)
_SKIN = (((0.93, 0.76, 0.66), (0.80, 0.62, 0.50), 0.66), ((0.78, 0.58, 0.44), (0.58, 0.41, 0.30), 0.21))
_DARK_SKIN = ((0.50, 0.34, 0.25), (0.28, 0.19, 0.14))


def _one_of(table, random: np.random.Generator) -> Colour:
    odds = np.array([entry[0] for entry in table])
    ranges = table[int(random.choice(len(table), p=odds / odds.sum()))][1]
    return _grey(random, *ranges) if np.isscalar(ranges[0]) else _hued(random, *ranges)


def of_top(random: np.random.Generator) -> Colour:
    """A shirt's, or of anything that may be bright."""
    return _one_of(_TOPS, random)


def of_coat(random: np.random.Generator) -> Colour:
    """A jacket's or coat's."""
    return _one_of(_COATS, random)


def of_legs(random: np.random.Generator) -> Colour:
    """That of trousers or a skirt."""
    return _one_of(_LEGS, random)


def of_shoes(random: np.random.Generator) -> Colour:
    """That of shoes."""
    return _one_of(_SHOES, random)


def of_bag(random: np.random.Generator) -> Colour:
    """A bag's."""
    return _one_of(_BAGS, random)


def of_place(random: np.random.Generator) -> Colour:
    """That of ground, walls and things in a street or a hall."""
    return _one_of(_PLACES, random)


def of_skin(random: np.random.Generator) -> Colour:
    """That of skin."""
    choice = random.random()
    light, dark = _DARK_SKIN
    for lightest, darkest, odds in _SKIN:
        if choice < odds:
            light, dark = lightest, darkest
            break
        choice -= odds
    share = random.random()
    return np.clip(share * np.array(light) + (1 - share) * np.array(dark) + random.normal(0, 0.015, 3), 0.02, 1)


def of_hair(random: np.random.Generator, age: float) -> Colour:
    """That of hair; old people's is often grey."""
    if random.random() < np.clip((age - 42) / 35, 0.02, 0.85):
        return np.full(3, random.uniform(0.4, 0.85))
    choice = random.random()
    if choice < 0.48:
        return np.array([1.1, 1.0, 0.95]) * random.uniform(0.04, 0.12)
    if choice < 0.82:
        return np.array([0.32, 0.22, 0.15]) * random.uniform(0.5, 1.3)
    if choice < 0.94:
        return np.array([0.75, 0.60, 0.40]) * random.uniform(0.7, 1.1)
    return np.array([0.45, 0.20, 0.12]) * random.uniform(0.7, 1.2)

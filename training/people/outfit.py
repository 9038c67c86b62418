"""What clothes look like: which part of a mesh shows which material, and what each material shows where.

Both are records of numbers, which the shader (`shading.py`) reads. Heights and widths are in the rest pose, metres.
"""

from enum import IntEnum

import numpy as np

# Metres, beyond everything: where clothes end that do not end on the body.
FAR = 9.0


class Part(IntEnum):
    """What a triangle is a piece of."""

    SKIN = 0
    HAIR = 1
    EYES = 2
    TOP = 3
    COAT = 4
    LEGS = 5
    SKIRT = 6
    SHOES = 7
    HAT = 8
    SCARF = 9
    BAG = 10
    HANDLE = 11


class Material(IntEnum):
    """What is seen at a point: rows of the array of `MATERIAL`."""

    SKIN = 0
    HAIR = 1
    EYES = 2
    LIPS = 3
    TOP = 4
    SLEEVE = 5
    COAT = 6
    LEGS = 7
    SOCKS = 8
    SHOES = 9
    SOLE = 10
    HAT = 11
    SCARF = 12
    BAG = 13
    STRAP = 14
    BELT = 15


class Pattern(IntEnum):
    """How a material's second colour is spread over it."""

    PLAIN = 0
    HOOPS = 1
    STRIPES = 2
    CHECKS = 3
    TARTAN = 4
    PRINT = 5
    YOKE = 6
    BLOTCHES = 7
    PANEL = 8
    BAND = 9
    DENIM = 10
    MARL = 11
    DOTS = 12
    SIDES = 13
    QUILT = 14


MATERIAL = np.dtype(
    [
        ("colour", "f4", 3),  # linear light
        ("second", "f4", 3),
        ("pattern", "i4"),
        ("frequency", "f4"),  # radians a metre
        ("phase", "f4"),
        ("level", "f4"),  # how much of the second colour: the threshold of the pattern
        ("centre", "f4"),  # height of a print, a band, a yoke's edge
        ("width", "f4"),
        ("height", "f4"),
        ("folds", "f4"),  # how deep creases are: 0 smooth, 1 crumpled
        ("weave", "f4"),  # how uneven the colour of the fabric is
        ("gloss", "f4"),  # 0 wool, 1 patent leather
    ]
)

OUTFIT = np.dtype(
    [
        (name, "f4")
        for name in (
            # The body that the clothes are on.
            *("shoulder_x", "shoulder_y", "elbow_x", "wrist_x", "hip_y", "waist_y", "ankle_y", "neck_y"),
            *("eye_y", "eye_z"),
            # Sleeves end at this share of the arm; the neckline reaches so deep and wide; the top's hem.
            *("sleeve", "other_sleeves", "neck_depth", "neck_width", "pointed_neck", "hem"),
            # Half the width of a coat's opening at the chest and how it widens downwards; where it ends.
            *("opening", "opening_slope", "coat_hem", "coat_sleeve"),
            # Shoes end at this height; trousers at this share of the leg, below it socks or skin are seen; above this
            # height the top is worn over them.
            *("boots", "leg_end", "over_legs", "socks"),
            # Straps of a backpack, and one across: half width, place.
            *("strap_half", "strap_x", "strap_y", "across_half", "across_y", "across_slope"),
            *("belt_half", "tie_half", "sole_y"),
            # Head: how far up the hair begins on the scalp (FAR: bald), how dense a beard is, glasses (2: dark ones).
            *("hairline", "beard", "glasses"),
        )
    ]
)


def outfit(**values: float) -> np.ndarray:
    """One record of `OUTFIT`, shape (1,); what is not given is 0."""
    record = np.zeros(1, OUTFIT)
    for name, value in values.items():
        record[name] = value
    return record

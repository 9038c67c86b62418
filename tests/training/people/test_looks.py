"""Colours, fabrics, and what is seen where on a person."""

import numpy as np
import pytest
from people_package import generator, module

colours, materials, noise, outfits, shading = map(module, ("colours", "materials", "noise", "outfit", "shading"))
Material, Part, Pattern = outfits.Material, outfits.Part, outfits.Pattern
BODY = {
    "shoulder_x": 0.2, "shoulder_y": 1.4, "elbow_x": 0.45, "wrist_x": 0.7, "hip_y": 0.9, "waist_y": 1.05,
    "ankle_y": 0.1, "neck_y": 1.5, "eye_y": 1.65, "eye_z": 0.1,
    "sleeve": 1.0, "leg_end": outfits.FAR, "over_legs": outfits.FAR, "boots": outfits.FAR, "hairline": outfits.FAR,
}  # fmt: skip


def seen(part, x, y, z, **values):
    record = outfits.outfit(**{**BODY, **values})[0]
    return Material(shading._seen_material(int(part), x, y, z, record))


def share(pattern, x=0.0, y=0.0, z=0.0, arm=False, **values):
    record = np.zeros(1, outfits.MATERIAL)
    record["pattern"] = pattern
    for name, value in values.items():
        record[name] = value
    return shading._second(record[0], x, y, z, arm, noise.noise_block())


def test_displayed_colours_and_amounts_of_light():
    np.testing.assert_allclose(colours.linear((0, 0.5, 1)), [0, 0.217638, 1], atol=1e-6)
    np.testing.assert_array_equal(colours.linear((-1, 2, 1)), [0, 1, 1])
    assert colours.hexadecimal((1, 0, 0.5)) == "#ff0080"
    assert colours.hexadecimal((1.5, -1, 0.2)) == "#ff0033"


@pytest.mark.parametrize("name", ["top", "coat", "legs", "shoes", "bag", "place", "skin"])
def test_random_colours_can_be_shown(name):
    random = generator()
    drawn = np.array([getattr(colours, f"of_{name}")(random) for _ in range(300)])
    assert drawn.shape == (300, 3)
    assert 0 <= drawn.min() < drawn.max() <= 1
    assert drawn.std(axis=0).min() > 0.05


def test_the_old_are_grey():
    def grey(age):
        random = generator()
        return np.mean([np.ptp(colours.of_hair(random, age)) == 0 for _ in range(500)])

    # Shares of (age - 42) / 35, at least 0.02 and at most 0.85.
    assert [grey(20), grey(59.5), grey(90)] == pytest.approx([0.02, 0.5, 0.85], abs=0.05)


def test_materials_are_recorded_as_light_and_named_as_shown():
    cloth = materials.Materials()
    cloth.set(Material.TOP, (1, 0.5, 0), pattern=Pattern.HOOPS, gloss=0.5)
    assert (cloth.colour(Material.TOP), cloth.pattern(Material.TOP)) == ("#ff8000", "hoops")
    np.testing.assert_allclose(cloth.records[Material.TOP]["colour"], [1, 0.217638, 0], atol=1e-6)
    np.testing.assert_allclose(cloth.records[Material.TOP]["second"], [1, 0.217638, 0], atol=1e-6)
    cloth.copy(Material.TOP, Material.LEGS)
    assert cloth.records[Material.LEGS] == cloth.records[Material.TOP]
    assert cloth.colour(Material.LEGS) == "#ff8000"


@pytest.mark.parametrize(
    ("expected", "part", "place", "values"),
    [
        (Material.TOP, Part.TOP, (0, 1.2, 0.1), {}),
        (Material.LEGS, Part.TOP, (0, 0.95, 0.1), {"hem": 1.0}),
        (Material.TOP, Part.LEGS, (0, 0.95, 0.1), {"over_legs": 0.9}),
        (Material.TOP, Part.TOP, (0.4, 1.2, 0), {"sleeve": 0.5}),  # 40 % along the arm
        (Material.SKIN, Part.TOP, (0.5, 1.2, 0), {"sleeve": 0.5}),
        (Material.SLEEVE, Part.TOP, (0.4, 1.2, 0), {"other_sleeves": 1}),
        (Material.SKIN, Part.TOP, (0, 1.44, 0.1), {"neck_depth": 0.1, "neck_width": 0.06}),
        (Material.TOP, Part.TOP, (0, 1.44, -0.1), {"neck_depth": 0.1, "neck_width": 0.06}),
        (Material.BELT, Part.TOP, (0.01, 1.3, 0.1), {"tie_half": 0.02}),
        (Material.COAT, Part.COAT, (0.1, 1.2, 0.1), {"opening": 0.05}),
        (Material.TOP, Part.COAT, (0.03, 1.2, 0.1), {"opening": 0.05}),
        (Material.COAT, Part.COAT, (0.03, 1.2, -0.1), {"opening": 0.05}),
        (Material.LEGS, Part.COAT, (0, 0.7, 0.1), {"coat_hem": 0.8}),
        (Material.TOP, Part.COAT, (0.6, 1.2, 0), {"coat_sleeve": 0.5}),
        (Material.STRAP, Part.COAT, (0.1, 1.3, 0.1), {"strap_half": 0.02, "strap_x": 0.11, "strap_y": 1.2}),
        (Material.STRAP, Part.TOP, (0.1, 1.3, 0.1), {"across_half": 0.03, "across_y": 1.2, "across_slope": 1}),
        (Material.LEGS, Part.LEGS, (0.1, 0.5, 0), {}),
        (Material.SKIN, Part.LEGS, (0.1, 0.4, 0), {"leg_end": 0.5}),  # 62 % down the leg
        (Material.SOCKS, Part.LEGS, (0.1, 0.4, 0), {"leg_end": 0.5, "socks": 1}),
        (Material.BELT, Part.LEGS, (0, 1.03, 0.1), {"belt_half": 0.02}),
        (Material.LEGS, Part.SKIRT, (0, 0.6, 0.1), {}),
        (Material.SHOES, Part.SHOES, (0.1, 0.05, 0), {"sole_y": 0.02}),
        (Material.SOLE, Part.SHOES, (0.1, 0.01, 0), {"sole_y": 0.02}),
        (Material.LEGS, Part.SHOES, (0.1, 0.4, 0), {"boots": 0.3}),
        (Material.HAIR, Part.HAIR, (0, 1.8, 0), {}),
        (Material.EYES, Part.EYES, (0.03, 1.65, 0.1), {}),
        (Material.HAT, Part.HAT, (0, 1.8, 0), {}),
        (Material.SCARF, Part.SCARF, (0, 1.5, 0), {}),
        (Material.BAG, Part.BAG, (0, 1.2, -0.2), {}),
        (Material.STRAP, Part.HANDLE, (0, 1.2, -0.2), {}),
        (Material.SKIN, Part.SKIN, (0.1, 0.5, 0), {}),
        (Material.HAIR, Part.SKIN, (0, 1.75, 0), {"hairline": 0.06}),
        (Material.SKIN, Part.SKIN, (0, 1.75, 0), {}),  # bald
        (Material.LIPS, Part.SKIN, (0, 1.578, 0.1), {}),
        (Material.HAIR, Part.SKIN, (0.03, 1.671, 0.1), {}),  # eyebrows
        (Material.HAIR, Part.SKIN, (0, 1.55, 0.1), {"beard": 1}),
        (Material.STRAP, Part.SKIN, (0.03, 1.65, 0.1), {"glasses": 2}),
        (Material.SKIN, Part.SKIN, (0.03, 1.65, 0.1), {"glasses": 1}),  # through them
    ],
)
def test_what_is_seen_where(expected, part, place, values):
    assert seen(part, *place, **values) == expected


def test_patterns():
    assert share(Pattern.PLAIN) == 0
    assert [share(Pattern.YOKE, y=y, centre=1.3) for y in (1.2, 1.4)] == [0, 1]
    assert [share(Pattern.BAND, y=y, centre=1.3, height=0.05) for y in (1.2, 1.3)] == [0, 1]
    # One turn a metre: the sine is 1 at a quarter, -1 at three quarters.
    turn = 2 * np.pi
    assert [share(Pattern.HOOPS, y=y, frequency=turn) for y in (0.25, 0.75)] == [1, 0]
    assert [share(Pattern.STRIPES, x=x, frequency=turn) for x in (0.25, 0.75)] == [1, 0]
    assert [share(Pattern.CHECKS, x=0.25, y=y, frequency=turn) for y in (0.25, 0.75)] == [0, 1]
    assert [share(Pattern.TARTAN, x=0.25, y=y, frequency=turn) for y in (0.25, 0.75)] == [1, 0.5]
    assert [share(Pattern.DOTS, x=0.25, y=y, frequency=turn) for y in (0.25, 0.75)] == [1, 0]
    disc = {"width": 0.1, "height": 0.05, "centre": 1.3}
    assert [share(Pattern.PRINT, x=x, y=1.3, z=0.1, **disc) for x in (0, 0.09, 0.11)] == [1, 1, 0]
    assert share(Pattern.PRINT, y=1.3, z=-0.1, **disc) == share(Pattern.PRINT, y=1.3, z=0.1, arm=True, **disc) == 0
    assert [share(Pattern.PANEL, x=x, z=0.1, width=0.1) for x in (0.05, 0.15)] == [1, 0]
    assert [share(Pattern.SIDES, x=x, centre=0.2, width=0.02) for x in (-0.2, 0.15)] == [1, 0]


@pytest.mark.parametrize("pattern", Pattern)
def test_shares_of_the_second_colour(pattern):
    random = generator()
    values = dict(
        zip(("frequency", "phase", "level", "centre", "width", "height"), (90, 1, 0.3, 1, 0.1, 0.1), strict=True)
    )
    shares = [share(pattern, *random.uniform(-0.3, 1.5, 3), **values) for _ in range(200)]
    assert all(0 <= one <= 1 for one in shares)
    if pattern not in (Pattern.PLAIN, Pattern.QUILT):  # whose stitches are creases, not a colour
        assert max(shares) > min(shares)


def test_noise_repeats_itself_and_is_smooth():
    block = noise.noise_block()
    assert block.shape == (32, 32, 32, 4)
    assert block[..., 0].std() == pytest.approx(1, abs=1e-5)
    for x, y, z in generator().uniform(-40, 40, (20, 3)):
        here = shading._noise(block, x, y, z, 0)
        assert here == pytest.approx(shading._noise(block, x + 32, y - 32, z + 64, 0), abs=1e-3)
        assert here == pytest.approx(shading._noise(block, x + 1e-3, y, z, 0), abs=0.01)
    assert shading._noise(block, 3, 4, 5, 0) == block[3, 4, 5, 0]
    assert shading._noise(block, 3.5, 4, 5, 0) == pytest.approx(block[3:5, 4, 5, 0].mean(), abs=1e-6)

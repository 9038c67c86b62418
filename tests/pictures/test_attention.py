"""The picture of attention: heat maps on an honest scale, boxes where they belong, and bad input."""

import os

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from keras_reid import ReIDError
from keras_reid.pictures import draw_attention

GREY = np.full((160, 64, 3), 128, np.uint8)
# The first column is a crop of 80 × 200, each soft column as well; cells are 92 px wide.
FIRST_SOFT_LEFT = 24 + 92 + 34 + 6
ORANGE, BLUE = (230, 159, 0), (0, 114, 178)


def soft_crop(mask, level=1, crops=1):
    """Pixels of the first picture's heat map in a picture that shows soft masks of one level only."""
    picture = np.asarray(draw_attention([GREY] * crops, {f"level{level}.soft": np.asarray(mask, np.float32)}))
    column = picture[:, FIRST_SOFT_LEFT + 40]
    top = np.nonzero((column[86 + 56 - 2 :] != 255).any(axis=-1))[0][0] + 86 + 56 - 2
    return picture[top : top + 200, FIRST_SOFT_LEFT : FIRST_SOFT_LEFT + 80]


def blended(share):
    """Colour of a heat map at a share of its scale over the grey picture."""
    return 0.4 * 128 + 0.6 * np.array(colormaps["inferno"](share, bytes=True)[:3], float)


def test_a_flat_mask_looks_flat():
    crop = soft_crop(np.full((1, 10, 4, 3), 0.7))
    assert (crop == crop[0, 0]).all()
    np.testing.assert_allclose(crop[0, 0], blended(0.5), atol=1)


def test_a_nearly_flat_mask_stays_in_the_middle_of_the_scale():
    mask = np.full((1, 2, 1, 1), 0.70)
    mask[0, 1] = 0.72
    crop = soft_crop(mask)
    # A scale of 0.1 around 0.71: 0.70 lies at 0.4 and 0.72 at 0.6.
    np.testing.assert_allclose(crop[0, 40], blended(0.4), atol=2)
    np.testing.assert_allclose(crop[-1, 40], blended(0.6), atol=2)


def test_a_mask_with_range_uses_the_whole_scale_and_its_place():
    mask = np.full((1, 4, 2, 1), 0.5)
    mask[0, 3, 1] = 0.9
    crop = soft_crop(mask)
    np.testing.assert_allclose(crop[0, 0], blended(0.0), atol=1)
    np.testing.assert_allclose(crop[-1, -1], blended(1.0), atol=2)


def test_the_mask_is_the_mean_over_channels():
    mask = np.zeros((1, 2, 1, 2), np.float32)
    mask[0, :, :, 0] = [[0.2], [0.8]]
    mask[0, :, :, 1] = [[0.8], [0.2]]
    np.testing.assert_array_equal(soft_crop(mask), soft_crop(np.full((1, 2, 1), 0.5)))


def test_all_pictures_share_a_level_s_scale():
    masks = np.stack([np.full((4, 2, 1), 0.5), np.full((4, 2, 1), 0.9)])
    np.testing.assert_allclose(soft_crop(masks, crops=2)[100, 40], blended(0.0), atol=1)


def box_of(picture, colour):
    """Top, left, bottom, right of this colour's longest lines: the box, and not the swatch of the legend."""
    here = (np.asarray(picture) == colour).all(axis=-1)
    rows, columns = np.nonzero(here.sum(axis=1) > 40)[0], np.nonzero(here.sum(axis=0) > 30)[0]
    return rows.min(), columns.min(), rows.max(), columns.max()


def crop_corner(picture):
    """Top and left of the grey crop of the region column, which is the last that holds pure grey."""
    columns = np.nonzero((np.asarray(picture) == 128).all(axis=-1).sum(axis=0) > 100)[0]
    rows = np.nonzero((np.asarray(picture)[:, 60] == 128).all(axis=-1))[0]
    return rows.min(), columns.max() - 79


def test_regions_are_drawn_where_they_are():
    regions = np.array([[[0.1, 0.25, 0.4, 0.75], [0.5, 0.0, 0.9, 1.0]]], np.float32)
    picture = draw_attention([GREY], {"level1.regions": regions})
    # The boxes hide grey columns, but none of the crop's right edge above and below them.
    top, left = crop_corner(picture)
    assert box_of(picture, ORANGE) == (top + 20, left + 20, top + 80, left + 60)
    assert box_of(picture, BLUE) == (top + 100, left, top + 180, left + 80)


def test_regions_that_leave_the_picture_are_drawn_whole():
    regions = np.array([[[-0.2, -0.25, 0.2, 0.5], [0.8, 0.5, 1.2, 1.25]]], np.float32)
    picture = draw_attention([GREY], {"level1.regions": regions})
    top, left = crop_corner(picture)
    assert box_of(picture, ORANGE) == (top - 40, left - 20, top + 40, left + 40)
    assert box_of(picture, BLUE) == (top + 160, left + 40, top + 240, left + 100)


def test_far_regions_end_at_the_margin():
    near = np.array([[[-0.5, 0.0, 0.5, 1.0]]], np.float32)
    far = np.array([[[-9.0, 0.0, 0.5, 1.0]]], np.float32)
    sizes = {draw_attention([GREY], {"level1.regions": regions}).size for regions in (near, far)}
    assert len(sizes) == 1


def test_levels_side_by_side_and_other_entries_ignored():
    attention = {
        "level2.soft": np.full((1, 5, 2, 8), 0.6),
        "level1.soft": np.full((1, 10, 4, 4), 0.6),
        "level1.channel": np.zeros((1, 4)),
        "global": np.zeros((1, 512)),
    }
    both = draw_attention([GREY], attention)
    one = draw_attention([GREY], {"level1.soft": attention["level1.soft"]})
    assert both.height == one.height
    heat = tuple(np.asarray(both)[both.height // 2, FIRST_SOFT_LEFT + 40])
    assert (np.asarray(both) == heat).all(axis=-1).sum() == 2 * (np.asarray(one) == heat).all(axis=-1).sum() >= 32000


def test_the_file_is_what_is_returned(tmp_path):
    path = tmp_path / "attention.png"
    picture = draw_attention([GREY], {"level1.soft": np.zeros((1, 2, 2))}, path, names=["1001_c001"])
    with Image.open(path) as file:
        np.testing.assert_array_equal(np.asarray(file), np.asarray(picture))
    assert os.listdir(tmp_path) == ["attention.png"]


SOFT = {"level1.soft": np.zeros((1, 2, 2))}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], SOFT), "A picture shows 1 to 100 pictures, one a row. Received: 0."),
        (
            ([GREY], {"global": np.zeros((1, 4)), "local": np.zeros((1, 4))}),
            "Expected maps of one of these kinds in `attention`: soft, spatial, relevance, response, regions. "
            "Received: global, local. A network without attention has none: `keras_reid.explanations` draws maps of "
            "any, as --show grad-cam does.",
        ),
        (
            ([GREY, GREY], SOFT),
            "Expected 'level1.soft' of the pictures given, shape (2, h, w) or (2, h, w, c). Received: (1, 2, 2).",
        ),
        (
            ([GREY], {"level3.regions": np.zeros((1, 4, 2))}),
            "Expected 'level3.regions' of the pictures given, shape (1, T, 4). Received: (1, 4, 2).",
        ),
        (
            ([GREY], {"level1.soft": np.full((1, 2, 2), np.nan)}),
            "Expected 'level1.soft' without NaN or infinity; the network has diverged: load good weights.",
        ),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ReIDError) as error:
        draw_attention(*arguments)
    assert str(error.value) == message


def test_bad_names():
    with pytest.raises(ReIDError) as error:
        draw_attention([GREY], SOFT, names=["a", "b"])
    assert str(error.value) == "`names` must have one entry for each of the 1 pictures. Received: 2."

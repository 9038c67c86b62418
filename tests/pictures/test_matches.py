"""The picture of ranked matches: frames, captions, layout, the file, and bad input."""

import os

import numpy as np
import pytest
from PIL import Image

from keras_reid import ReIDError
from keras_reid.pictures import draw_matches
from keras_reid.pictures.matches import HIT, MISS, UNKNOWN

BLUE, YELLOW = (40, 60, 200), (250, 240, 60)


def plain(colour, height=160, width=64):
    return np.full((height, width, 3), colour, np.uint8)


def where(picture, colour):
    """Top, left, bottom, right of the pixels of exactly this colour, inclusive; and how many there are."""
    rows, columns = np.nonzero((np.asarray(picture) == colour).all(axis=-1))
    return rows.min(), columns.min(), rows.max(), columns.max(), len(rows)


def count(picture, colour):
    return int((np.asarray(picture) == colour).all(axis=-1).sum())


def frame_at(picture, match_colour):
    """Colour just outside the block of pixels of `match_colour`."""
    top, left, _, right, _ = where(picture, match_colour)
    middle = (left + right) // 2
    return picture.getpixel((int(middle), int(top) - 2))


@pytest.mark.parametrize(("hit", "colour"), [(True, HIT), (np.True_, HIT), (False, MISS), (None, UNKNOWN)])
def test_frame_says_hit_miss_or_unknown(hit, colour):
    picture = draw_matches([plain(BLUE)], [[plain(YELLOW)]], [[0.25]], hits=[[hit]])
    assert frame_at(picture, YELLOW) == colour
    # A border of 5 px around 80 × 200, and beyond it the swatch and the text in the same colour.
    assert count(picture, colour) >= 90 * 210 - 80 * 200
    assert all(count(picture, other) == 0 for other in {HIT, MISS, UNKNOWN} - {colour})


def test_without_ground_truth_all_is_unknown():
    picture = draw_matches([plain(BLUE)], [[plain(YELLOW)]], [[0.25]])
    assert frame_at(picture, YELLOW) == UNKNOWN


def test_query_left_and_matches_in_order():
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    picture = draw_matches([plain(YELLOW)], [[plain(colour) for colour in colours]], [[0.1, 0.2, 0.3]])
    lefts = [where(picture, colour)[1] for colour in (YELLOW, *colours)]
    assert lefts == sorted(lefts)
    assert len({where(picture, colour)[0] for colour in (YELLOW, *colours)}) == 1
    for colour in (YELLOW, *colours):
        top, left, bottom, right, pixels = where(picture, colour)
        assert (bottom - top + 1, right - left + 1, pixels) == (200, 80, 200 * 80)


def test_every_query_has_its_row():
    picture = draw_matches([plain(BLUE), plain(YELLOW)], [[], [plain((9, 9, 9))]], [[], [0.5]])
    assert where(picture, BLUE)[2] < where(picture, YELLOW)[0]
    assert where(picture, (9, 9, 9))[0] == where(picture, YELLOW)[0]


def ink_below(picture, colour):
    """Whether anything is drawn in the 20 px below the frame of the block of this colour."""
    _, left, bottom, right, _ = where(picture, colour)
    below = np.asarray(picture)[bottom + 7 : bottom + 27, left:right]
    return bool((below < 200).all(axis=-1).any()), below


def test_the_distance_stands_below_each_match():
    near, far = (
        ink_below(draw_matches([plain(BLUE)], [[plain(YELLOW)]], [[distance]]), YELLOW) for distance in (0.123, 0.987)
    )
    assert near[0]
    assert far[0]
    assert (near[1] != far[1]).any()


def test_no_distance_is_minus_zero():
    rounded, exact = (draw_matches([plain(BLUE)], [[plain(YELLOW)]], [[distance]]) for distance in (-1e-7, 0.0))
    np.testing.assert_array_equal(np.asarray(rounded), np.asarray(exact))


def test_long_names_stay_in_their_column():
    arguments = [plain(BLUE)], [[plain(YELLOW), plain((9, 9, 9))]], [[0.1, 0.2]]
    names = [["i" * 500, ""]]
    picture = np.asarray(draw_matches(*arguments, match_names=names))
    left, right = where(picture, (9, 9, 9))[1::2]
    without = np.asarray(draw_matches(*arguments, match_names=[["", ""]]))
    assert (picture != without).any()
    np.testing.assert_array_equal(picture[:, left:right], without[:, left:right])


def test_wide_and_tiny_pictures_keep_their_shape():
    picture = draw_matches([plain(BLUE, 100, 400)], [[plain(YELLOW, 1, 1)]], [[0.1]])
    top, left, bottom, right, _ = where(picture, BLUE)
    assert (bottom - top + 1, right - left + 1) == (50, 200)
    top, left, bottom, right, _ = where(picture, YELLOW)
    assert (bottom - top + 1, right - left + 1) == (200, 200)


def test_the_file_is_what_is_returned(tmp_path):
    path = tmp_path / "new" / "matches.png"
    picture = draw_matches([plain(BLUE)], [[plain(YELLOW)]], [[0.25]], path)
    with Image.open(path) as file:
        assert file.format == "PNG"
        np.testing.assert_array_equal(np.asarray(file), np.asarray(picture))
    assert os.listdir(path.parent) == ["matches.png"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "matches.png"
    path.write_bytes(b"old")

    def disk_full(self, file, **_):
        file.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", disk_full)
    with pytest.raises(OSError, match="No space left"):
        draw_matches([plain(BLUE)], [[plain(YELLOW)]], [[0.25]], path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["matches.png"]


GOOD = {"queries": [plain(BLUE)], "matches": [[plain(YELLOW)]], "distances": [[0.1]]}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"queries": [], "matches": []}, "A picture shows 1 to 100 queries, one a row. Received: 0."),
        ({"queries": [plain(BLUE, 2, 1)] * 101}, "A picture shows 1 to 100 queries, one a row. Received: 101."),
        ({"matches": []}, "`matches` must have one entry for each of the 1 pictures. Received: 0."),
        ({"distances": [[0.1, 0.2]]}, "`distances[0]` must have one entry for each of the 1 pictures. Received: 2."),
        ({"hits": [[]]}, "`hits[0]` must have one entry for each of the 1 pictures. Received: 0."),
        ({"query_names": ["a", "b"]}, "`query_names` must have one entry for each of the 1 pictures. Received: 2."),
        (
            {"queries": [np.zeros((160, 64), np.uint8)]},
            "Expected query 0 as RGB pixels, (height, width, 3) uint8, as keras_reid.data.read_image reads "
            "them from a file. Received: (160, 64), uint8.",
        ),
        (
            {"matches": [[np.zeros((160, 64, 3))]]},
            "Expected match 0 of query 0 as RGB pixels, (height, width, 3) uint8, as keras_reid.data.read_image reads "
            "them from a file. Received: (160, 64, 3), float64.",
        ),
        (
            {"path": "matches.jpg"},
            "Pictures are written as PNG: give a path that ends in .png. Received: 'matches.jpg'.",
        ),
    ],
)
def test_bad_input(bad, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReIDError) as error:
        draw_matches(**{**GOOD, **bad})
    assert str(error.value) == message
    assert os.listdir(tmp_path) == []

"""A picture of ranked matches: one query a row, what the gallery returned beside it."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

from keras_reid.errors import ReIDError
from keras_reid.pictures import canvas

Colour = tuple[int, int, int]

HIT = (0, 140, 70)
MISS = (208, 36, 36)
UNKNOWN = (150, 154, 160)
_MARKS = {True: (HIT, "✓ "), False: (MISS, "✗ "), None: (UNKNOWN, "")}
_LEGEND = {True: (HIT, "same person"), False: (MISS, "another person"), None: (UNKNOWN, "not known who")}

_FRAME = 5  # px
_GAP = 12  # px between frames
_RANKS_HEIGHT = 26
_SMALLEST_CELL = 76  # px, so that "✗ 0.123" and "no match" fit


def draw_matches(
    queries: Any,
    matches: Sequence[Any],
    distances: Sequence[Sequence[float]],
    path: str | os.PathLike | None = None,
    *,
    hits: Sequence[Sequence[bool | None]] | None = None,
    query_names: Sequence[str] | None = None,
    match_names: Sequence[Sequence[str]] | None = None,
    title: str = "Ranked matches",
    distance_name: str = "cosine distance",
) -> Image.Image:
    """Draw queries on the left and their ranked gallery pictures on the right.

    Hits are framed green, misses red, and grey where nobody knows; below each stands its distance from the query.

    Args:
        queries: Q pictures, each (height, width, 3) uint8 of any size; at most 100.
        matches: for each query its gallery pictures, best first; as many as there are, also none.
        distances: for each query the distance of each match.
        path: PNG file to write, replaced if it is there. Defaults to None: the picture is only returned.
        hits: for each query whether each match shows the same person, None where that is not known. Defaults to None:
            nothing is known.
        query_names: text below each query. Defaults to None: no text.
        match_names: for each query the text below each match. Defaults to None: no text.
        title: first line. Defaults to "Ranked matches".
        distance_name: what the numbers are, for the footer. Defaults to "cosine distance".

    Returns:
        The picture, RGB.

    Raises:
        ReIDError: no pictures, too many, other pixels than RGB uint8, lists that do not belong together, or a path that
            does not end in .png.
    """
    asked = canvas.crops(queries, "query {}")
    canvas.check_rows(len(asked), "queries")
    _check_lengths("matches", matches, asked)
    found = [canvas.crops(row, f"match {{}} of query {number}") for number, row in enumerate(matches)]
    known = [[None] * len(row) for row in found] if hits is None else hits
    for name, table in (("distances", distances), ("hits", known), ("match_names", match_names)):
        if table is not None:
            _check_lengths(name, table, asked)
            for number, (entries, crops) in enumerate(zip(table, found, strict=True)):
                _check_lengths(f"{name}[{number}]", entries, crops)
    if query_names is not None:
        _check_lengths("query_names", query_names, asked)

    rows = [
        [_query_cell(crop, None if query_names is None else query_names[number])]
        + [
            _match_cell(
                match,
                distances[number][rank],
                known[number][rank],
                None if match_names is None else match_names[number][rank],
            )
            for rank, match in enumerate(found[number])
        ]
        for number, crop in enumerate(asked)
    ]
    picture = _draw_table(rows, title, [_LEGEND[state] for state in _LEGEND if _any_is(state, known)], distance_name)
    if path is not None:
        canvas.write_png(picture, path)
    return picture


class _Cell(NamedTuple):
    """A crop, the colour of its frame, and the lines below it: text, colour, whether bold."""

    crop: Image.Image
    frame: Colour
    lines: list[tuple[str, Colour, bool]]


def _query_cell(crop: Image.Image, name: str | None) -> _Cell:
    return _Cell(crop, canvas.PAPER, [] if name is None else [(str(name), canvas.INK, False)])


def _match_cell(crop: Image.Image, distance: float, hit: bool | None, name: str | None) -> _Cell:
    frame, mark = _MARKS[None if hit is None else bool(hit)]
    distance = round(float(distance), 3) + 0.0  # + 0.0: rounding must not print the same picture as -0.000 away
    lines = [(f"{mark}{distance:.3f}", frame if mark else canvas.INK, bool(mark))]
    return _Cell(crop, frame, lines if name is None else [*lines, (str(name), canvas.FAINT, False)])


def _any_is(state: bool | None, known: Sequence[Sequence[bool | None]]) -> bool:
    return any(hit == state for row in known for hit in row)


def _draw_table(
    rows: list[list[_Cell]], title: str, legend: list[tuple[Colour, str]], distance_name: str
) -> Image.Image:
    columns = max(2, *(len(row) for row in rows))
    room = max(_SMALLEST_CELL, *(cell.crop.width for row in rows for cell in row)) + 2 * _FRAME
    lines = max(len(cell.lines) for row in rows for cell in row)
    row_height = canvas.CROP_HEIGHT + 2 * _FRAME + 18 * lines + 20
    lefts = [canvas.MARGIN + column * (room + _GAP) + (2 * _GAP if column else 0) for column in range(columns)]
    top = canvas.HEADING_HEIGHT + canvas.MARGIN + _RANKS_HEIGHT
    bottom = top + len(rows) * row_height
    width = max(lefts[-1] + room, canvas.MARGIN + canvas.legend_width(legend) + 400) + canvas.MARGIN

    picture = Image.new("RGB", (width, bottom + 40 + canvas.MARGIN), canvas.PAPER)
    draw = ImageDraw.Draw(picture)
    what = "1 query" if len(rows) == 1 else f"{len(rows)} queries"
    canvas.heading(draw, title, f"{what} on the left, the most similar gallery pictures beside, best first", width)
    for column, left in enumerate(lefts):
        text, face = (str(column), canvas.font(13, bold=True)) if column else ("query", canvas.font(13))
        draw.text((left + room / 2, top - 14), text, fill=canvas.FAINT, font=face, anchor="mm")
    divider = (lefts[0] + room + lefts[1]) / 2
    draw.line((divider, top - _RANKS_HEIGHT + 4, divider, bottom - 12), fill=canvas.LINE, width=2)
    for number, row in enumerate(rows):
        for cell, left in zip(row, lefts, strict=False):
            _draw_cell(picture, draw, left, top + number * row_height, room, cell)
        if len(row) == 1:
            place = lefts[1], top + number * row_height + _FRAME + canvas.CROP_HEIGHT / 2
            draw.text(place, "no match", fill=canvas.FAINT, font=canvas.font(13), anchor="lm")
    canvas.legend(draw, canvas.MARGIN, bottom + 22, legend)
    place = canvas.MARGIN + canvas.legend_width(legend), bottom + 22
    text = f"Below each match: {distance_name} from the query."
    draw.text(place, text, fill=canvas.FAINT, font=canvas.font(13), anchor="lm")
    return picture


def _draw_cell(picture: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int, room: int, cell: _Cell) -> None:
    """A crop in its frame, centred in `room` px and standing on the row's base line, with its lines below."""
    width, height = cell.crop.size
    x, y = left + (room - width) // 2, top + _FRAME + canvas.CROP_HEIGHT - height
    draw.rectangle((x - _FRAME, y - _FRAME, x + width + _FRAME - 1, y + height + _FRAME - 1), fill=cell.frame)
    picture.paste(cell.crop, (x, y))
    for number, (text, colour, bold) in enumerate(cell.lines):
        face = canvas.font(11 if number else 13, bold=bold)
        place = left + room / 2, top + 2 * _FRAME + canvas.CROP_HEIGHT + 12 + 18 * number
        draw.text(place, canvas.shortened(text, face, room + _GAP / 2), fill=colour, font=face, anchor="mm")


def _check_lengths(name: str, values: Any, expected: Sequence[Any]) -> None:
    if len(values) != len(expected):
        raise ReIDError(
            f"`{name}` must have one entry for each of the {len(expected)} pictures. Received: {len(values)}."
        )

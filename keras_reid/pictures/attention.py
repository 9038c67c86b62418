"""A picture of what a network attends to: masks and explanations as heat maps, hard attention's regions as boxes."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from keras_reid.errors import ReIDError
from keras_reid.pictures import canvas

# Okabe and Ito's colours, which colour-blind people can tell apart.
_BOXES = ((230, 159, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0))
_HEAT = "inferno"
_HEAT_SHARE = 0.6  # of the heat map in the blend with the grey crop
# Which maps are drawn, by the end of their name, and what they are called: of a network's, the first kind it has.
_MAPS = {"soft": "Soft masks", "spatial": "Spatial masks", "relevance": "Relevance", "response": "Responses"}
_MEANS = ("soft", "response")  # over channels; the others are one map as they come
_LEAST_SPAN = 0.1  # of a colour scale, so that a mask that is nearly flat also looks so
_MOST_OUTSIDE = 0.5  # of the picture, shown beside it for regions that leave it

_GAP = 14  # px between columns
_GROUP_GAP = 34  # px between the groups of columns
_COLUMNS_HEIGHT = 56
_SMALLEST_CELL = 92  # px, so that "0.512–0.634" fits


class _Frame(NamedTuple):
    """Room around each picture in px, for regions that leave it."""

    left: int
    top: int
    right: int
    bottom: int


_NO_FRAME = _Frame(0, 0, 0, 0)


def draw_attention(
    images: Any,
    attention: Mapping[str, np.ndarray],
    path: str | os.PathLike | None = None,
    *,
    names: Sequence[str] | None = None,
    title: str = "Attention",
) -> Image.Image:
    """Draw pictures with the masks and the regions of each level, or with the maps of an explanation.

    A mask is the mean over its channels, as a heat map over the grey picture. One level has one colour scale, from the
    lowest to the highest mean of all pictures and at least 0.1 wide, so that a nearly flat mask looks flat; the range
    of every mask is printed below it. Regions may leave the picture, and are drawn in the margin then.

    Args:
        images: N pictures, each (height, width, 3) uint8 of any size; at most 100.
        attention: what `model.attention(images)` or a function of `keras_reid.explanations` returns. Of it are used
            "level1.soft" (N, h, w, c) or (N, h, w) and "level1.regions" (N, T, 4), top, left, bottom, right in shares
            of the picture, of any number of levels; where there are no soft masks, maps whose names end in "spatial",
            "relevance" or "response", whichever of these comes first.
        path: PNG file to write, replaced if it is there. Defaults to None: the picture is only returned.
        names: N texts for below the pictures. Defaults to None: no text.
        title: first line. Defaults to "Attention".

    Returns:
        The picture, RGB.

    Raises:
        ReIDError: no pictures, too many, other pixels than RGB uint8, attention of other pictures, no maps of these
            kinds and no regions in it, or a path that does not end in .png.
    """
    crops = canvas.crops(images, "picture {}")
    canvas.check_rows(len(crops), "pictures")
    if names is not None and len(names) != len(crops):
        raise ReIDError(f"`names` must have one entry for each of the {len(crops)} pictures. Received: {len(names)}.")
    for shown in _MAPS:
        if masks := {level: _mean_mask(values) for level, values in _levels(attention, shown, len(crops)).items()}:
            break
    regions = _levels(attention, "regions", len(crops))
    if not masks and not regions:
        raise ReIDError(
            f"Expected maps of one of these kinds in `attention`: {', '.join(_MAPS)}, regions. "
            f"Received: {', '.join(sorted(attention)) or 'nothing'}. A network without attention has none: "
            "`keras_reid.explanations` draws maps of any, as --show grad-cam does."
        )

    crop_width = max(crop.width for crop in crops)
    frame = _frame(regions, crop_width)
    cell = max(crop_width, _SMALLEST_CELL)
    wide_cell = max(crop_width + frame.left + frame.right, _SMALLEST_CELL)
    columns = _columns(cell, wide_cell, list(masks), list(regions))
    boxes = max((values.shape[1] for values in regions.values()), default=0)
    entries = [(_BOXES[box % len(_BOXES)], f"region {box + 1}") for box in range(boxes)]
    width = max(columns[-1][2] + columns[-1][3], canvas.MARGIN + canvas.legend_width(entries), 480) + canvas.MARGIN
    top = canvas.HEADING_HEIGHT + canvas.MARGIN + _COLUMNS_HEIGHT
    row_height = frame.top + canvas.CROP_HEIGHT + max(frame.bottom, 26) + 14
    bottom = top + len(crops) * row_height

    picture = Image.new(
        "RGB", (width, bottom + (44 if masks else 0) + (34 if boxes else 0) + canvas.MARGIN), canvas.PAPER
    )
    draw = ImageDraw.Draw(picture)
    of_channels = "mean over channels, " if shown in _MEANS else ""
    said = [f"{_MAPS[shown]}: {of_channels}range below."] * bool(masks) + ["Boxes: hard attention."] * bool(regions)
    canvas.heading(draw, title, " ".join(said), width)
    _draw_column_titles(draw, columns, top, _MAPS[shown])
    scales = {level: _scale(mask) for level, mask in masks.items()}
    for kind, level, left, column_width in columns:
        room = frame if kind == "regions" else _NO_FRAME
        captions = [] if kind != "picture" or names is None else names
        if kind == "soft":
            captions = [f"{mask.min():.3f}–{mask.max():.3f}" for mask in masks[level]]
            _draw_scale(picture, draw, left, bottom, column_width, scales[level])
        for number, crop in enumerate(crops):
            x = left + (column_width - crop.width - room.left - room.right) // 2 + room.left
            y = top + number * row_height + frame.top + canvas.CROP_HEIGHT - crop.height
            picture.paste(_heated(crop, masks[level][number], scales[level]) if kind == "soft" else crop, (x, y))
            if kind == "regions":
                _draw_boxes(draw, regions[level][number], x, y, crop, frame)
            if captions:
                face = canvas.font(12)
                text = canvas.shortened(str(captions[number]), face, column_width + _GAP)
                place = left + column_width / 2, y + crop.height + 13
                draw.text(place, text, fill=canvas.INK, font=face, anchor="mm")
    canvas.legend(draw, canvas.MARGIN, picture.height - canvas.MARGIN - 10, entries)
    if path is not None:
        canvas.write_png(picture, path)
    return picture


def _levels(attention: Mapping[str, np.ndarray], kind: str, count: int) -> dict[int, np.ndarray]:
    """Arrays named "level<number>.<kind>" by their number, ascending."""
    found = {}
    for name, values in attention.items():
        match = re.fullmatch(rf"level(\d+)\.{kind}", name)
        if match is None:
            continue
        values = np.asarray(values, np.float32)
        shape = f"({count}, T, 4)" if kind == "regions" else f"({count}, h, w) or ({count}, h, w, c)"
        fits = values.ndim == 3 and values.shape[2] == 4 if kind == "regions" else values.ndim in (3, 4)
        if not fits or len(values) != count or not values.size:
            raise ReIDError(f"Expected '{name}' of the pictures given, shape {shape}. Received: {values.shape}.")
        if not np.isfinite(values).all():
            raise ReIDError(f"Expected '{name}' without NaN or infinity; the network has diverged: load good weights.")
        found[int(match[1])] = values
    return dict(sorted(found.items()))


def _mean_mask(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=-1) if values.ndim == 4 else values


def _frame(regions: Mapping[int, np.ndarray], crop_width: int) -> _Frame:
    """As much room as the regions need outside, within `_MOST_OUTSIDE`, and a little for their lines."""
    boxes = np.concatenate([values.reshape(-1, 4) for values in regions.values()] or [np.array([[0.0, 0, 1, 1]])])
    outside = np.clip([-boxes[:, 0].min(), -boxes[:, 1].min(), *(boxes[:, 2:].max(axis=0) - 1)], 0, _MOST_OUTSIDE)
    top, left, bottom, right = np.ceil(outside * np.array([canvas.CROP_HEIGHT, crop_width] * 2)).astype(int) + 3
    return _Frame(int(left), int(top), int(right), int(bottom))


def _columns(cell: int, wide_cell: int, soft: list[int], regions: list[int]) -> list[tuple[str, int, int, int]]:
    """Kind, level, left edge and width of each column."""
    columns, left = [("picture", 0, canvas.MARGIN, cell)], canvas.MARGIN + cell
    for kind, levels, width in (("soft", soft, cell), ("regions", regions, wide_cell)):
        for position, level in enumerate(levels):
            left += _GAP if position else _GROUP_GAP
            columns.append((kind, level, left, width))
            left += width
    return columns


def _draw_column_titles(
    draw: ImageDraw.ImageDraw, columns: list[tuple[str, int, int, int]], top: int, masks: str
) -> None:
    for kind, text in (("soft", masks), ("regions", "Regions")):
        own = [column for column in columns if column[0] == kind]
        if not own:
            continue
        left, right = own[0][2], own[-1][2] + own[-1][3]
        face = canvas.font(13, bold=True)
        draw.text((left, top - 48), text, fill=canvas.INK, font=face, anchor="lm")
        draw.line((left, top - 35, right, top - 35), fill=canvas.LINE, width=2)
        for _, level, edge, width in own:
            place = edge + width / 2, top - 20
            draw.text(place, f"level {level}", fill=canvas.FAINT, font=canvas.font(13), anchor="mm")


def _scale(mask: np.ndarray) -> tuple[float, float]:
    """Lowest and highest value of the colour scale."""
    low, high = float(mask.min()), float(mask.max())
    widen = max(0.0, _LEAST_SPAN - (high - low)) / 2
    return low - widen, high + widen


def _colours(values: np.ndarray, scale: tuple[float, float]) -> Image.Image:
    from matplotlib import colormaps

    shares = (values - scale[0]) / (scale[1] - scale[0])
    return Image.fromarray(colormaps[_HEAT](shares, bytes=True)[..., :3])


def _heated(crop: Image.Image, mask: np.ndarray, scale: tuple[float, float]) -> Image.Image:
    enlarged = Image.fromarray(mask).resize(crop.size, Image.Resampling.BILINEAR)
    return Image.blend(crop.convert("L").convert("RGB"), _colours(np.asarray(enlarged), scale), _HEAT_SHARE)


def _draw_scale(picture, draw, left: int, top: int, width: int, scale: tuple[float, float]) -> None:
    """The colour scale of a level below its column, with its ends."""
    ramp = np.broadcast_to(np.linspace(*scale, width, dtype=np.float32), (10, width))
    picture.paste(_colours(ramp, scale), (left, top))
    face = canvas.font(12)
    draw.text((left, top + 22), f"{scale[0]:.2f}", fill=canvas.FAINT, font=face, anchor="lm")
    draw.text((left + width, top + 22), f"{scale[1]:.2f}", fill=canvas.FAINT, font=face, anchor="rm")


def _draw_boxes(
    draw: ImageDraw.ImageDraw, regions: np.ndarray, x: int, y: int, crop: Image.Image, frame: _Frame
) -> None:
    """The regions of one picture whose upper left corner is at (x, y), numbered."""
    low = np.array([y - frame.top, x - frame.left])
    high = np.array([y + crop.height + frame.bottom - 1, x + crop.width + frame.right - 1])
    for number, box in enumerate(regions):
        corners = box.reshape(2, 2) * (crop.height, crop.width) + (y, x)
        (first, left), (last, right) = np.clip(np.round(corners), low, high).tolist()
        colour = _BOXES[number % len(_BOXES)]
        draw.rectangle((left, first, right, last), outline=colour, width=3)
        draw.rectangle((left, first, left + 13, first + 15), fill=colour)
        draw.text(
            (left + 7, first + 8), str(number + 1), fill=canvas.PAPER, font=canvas.font(11, bold=True), anchor="mm"
        )

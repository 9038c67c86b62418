"""What the pictures have in common: colours, fonts, scaled crops, a heading, and the PNG file."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_reid.errors import ReIDError
from keras_reid.files import atomically

PAPER = (255, 255, 255)
INK = (28, 30, 36)
FAINT = (110, 114, 122)
LINE = (214, 217, 222)

MARGIN = 24  # px around everything
CROP_HEIGHT = 200  # px; the width follows from the picture
HEADING_HEIGHT = 62

_MOST_ROWS = 100


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and has the letters of most names."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def crops(images: Any, what: str) -> list[Image.Image]:
    """Pictures scaled to `CROP_HEIGHT`, or less where they would be wider than that.

    Args:
        images: pictures, each (height, width, 3) uint8.
        what: what an error calls them, with {} where the number goes.

    Raises:
        ReIDError: one is not (height, width, 3) uint8.
    """
    return [_crop(image, what.format(number)) for number, image in enumerate(images)]


def _crop(image: Any, what: str) -> Image.Image:
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ReIDError(
            f"Expected {what} as RGB pixels, (height, width, 3) uint8, as keras_reid.data.read_image reads them from a "
            f"file. Received: {pixels.shape}, {pixels.dtype}."
        )
    height, width = pixels.shape[:2]
    scale = min(CROP_HEIGHT / height, CROP_HEIGHT / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


def check_rows(count: int, what: str) -> None:
    """Raises a ReIDError for a picture without rows, or with more than anybody scrolls through."""
    if not 1 <= count <= _MOST_ROWS:
        raise ReIDError(f"A picture shows 1 to {_MOST_ROWS} {what}, one a row. Received: {count}.")


def shortened(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """`text`, its end replaced by … where it is wider than `width` px."""
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def heading(draw: ImageDraw.ImageDraw, title: str, subtitle: str, width: int) -> None:
    """Title and subtitle at the top of a picture of `width` px."""
    for text, face, top, colour in ((title, font(20, bold=True), 0, INK), (subtitle, font(13), 30, FAINT)):
        draw.text((MARGIN, MARGIN + top), shortened(text, face, width - 2 * MARGIN), fill=colour, font=face)


def legend(draw: ImageDraw.ImageDraw, left: int, middle: int, entries: Sequence[tuple[tuple, str]]) -> None:
    """A framed swatch and its text an entry, side by side around the height `middle`."""
    for colour, text in entries:
        draw.rectangle((left, middle - 7, left + 14, middle + 7), outline=colour, width=4)
        draw.text((left + 22, middle), text, fill=INK, font=font(13), anchor="lm")
        left += legend_width([(colour, text)])


def legend_width(entries: Sequence[tuple[tuple, str]]) -> int:
    """Width in px of `legend`."""
    return sum(22 + round(font(13).getlength(text)) + 24 for _, text in entries)


def check_png(path: str | os.PathLike) -> None:
    """Raises a ReIDError where the file's name does not end in .png."""
    if Path(path).suffix.lower() != ".png":
        raise ReIDError(f"Pictures are written as PNG: give a path that ends in .png. Received: '{path}'.")


def write_png(picture: Image.Image, path: str | os.PathLike) -> None:
    """Write a picture to `path`, whole or not at all.

    Raises:
        ReIDError: the file's name does not end in .png.
    """
    check_png(path)
    with atomically(path) as new:
        picture.save(new, format="PNG", optimize=True)

"""Reading, checking and resizing pictures: whatever a user hands in becomes uint8 RGB, or one clear error."""

import os
import struct
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from keras_reid.errors import ReIDError

# A crop of a person has some 10^4 pixels and a photograph 10^7: more than this is a mistake or an attack, and
# decoding it takes gigabytes.
PIXEL_LIMIT = 50_000_000
# Below this no person can be told from another, and a 1x1 tracking pixel would be embedded as if it were someone.
MINIMUM_SIDE = 8
# Named, because Pillow also opens formats that start other programs (EPS) or hold no picture.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm")

# What Pillow raises on damaged files, found by feeding it some: SyntaxError and ValueError for broken chunks and
# headers, struct.error for broken metadata, and the last three for metadata of another type than they should have.
_DAMAGE = (OSError, SyntaxError, ValueError, struct.error, AttributeError, LookupError, TypeError)

ImageLike = np.ndarray | str | os.PathLike


def read_image(path: str | os.PathLike) -> np.ndarray:
    """The picture in a file as a (height, width, 3) uint8 RGB array.

    Grey, palette and CMYK pictures are converted to RGB, 16-bit grey is scaled to 8 bits (65535 becomes 255),
    transparent parts are laid on white (dropping alpha would show whatever colour is stored under it, mostly
    black), and EXIF orientation is applied.

    Raises:
        ReIDError: the file is missing, a folder, empty, no picture, damaged or truncated, smaller than
            `MINIMUM_SIDE` on a side, or larger than `PIXEL_LIMIT` pixels (found from its header, before anything is
            decoded).
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        raise ReIDError(f"Image '{path}' is a folder: give the image files in it.")
    if not os.path.isfile(path):
        raise ReIDError(f"Image '{path}' does not exist: check the path.")
    if os.path.getsize(path) == 0:
        raise ReIDError(f"Image '{path}' is empty (0 bytes): copy it again or leave it out.")
    try:
        picture = Image.open(path, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # Pillow's limits, which are above ours
        raise ReIDError(_too_large(path)) from None
    except Image.UnidentifiedImageError:
        raise ReIDError(
            f"Image '{path}' is not a picture in a known format ({', '.join(FORMATS)}): convert it or leave it out."
        ) from None
    except PermissionError:
        raise ReIDError(f"Image '{path}' may not be read: change its permissions.") from None
    except _DAMAGE as error:
        raise ReIDError(_damaged(path, error)) from error
    with picture:
        if picture.width * picture.height > PIXEL_LIMIT:
            raise ReIDError(_too_large(path))
        _check_side(picture.height, picture.width, f"Image '{path}'")
        try:
            return _rgb(picture, path)
        except ReIDError:
            raise
        except _DAMAGE as error:
            raise ReIDError(_damaged(path, error)) from error


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """`image` (any height, any width, 3) uint8 at (height, width, 3) uint8, by Pillow's antialiased bilinear filter.

    The camera-side runtime repeats exactly this call, so that a deployed model sees the same pixels.
    """
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def as_list(images: ImageLike | Iterable[ImageLike]) -> Sequence[ImageLike]:
    """What `load_images` accepts as a sequence of single images: paths and (height, width, 3) arrays.

    Args:
        images: one path, one (height, width, 3) array, an (N, height, width, 3) array, or an iterable of paths and
            single arrays.

    Raises:
        ReIDError: neither of these.
    """
    if isinstance(images, (str, os.PathLike)):
        return [images]
    if isinstance(images, np.ndarray) and images.dtype.kind not in "OUS":
        if images.ndim == 3:
            return [images]
        if images.ndim == 4:
            return list(images)
        raise ReIDError(
            "Expected images as a (height, width, 3) or (N, height, width, 3) array, paths, or a list of these. "
            f"Received an array of shape {images.shape}."
        )
    if isinstance(images, Iterable):
        return list(images)
    raise ReIDError(
        f"Expected images as arrays, paths, or a list of these. Received: {images!r} (a {type(images).__name__})."
    )


def load_images(
    images: ImageLike | Iterable[ImageLike],
    size: tuple[int, int],
    on_error: str = "raise",
    workers: int | None = None,
    first: int = 0,
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
    """Images of any kind and size as one array.

    Args:
        images: as `as_list` takes them. Arrays are RGB, uint8 or numbers in 0..255, which are rounded.
        size: (height, width) of the result.
        on_error: "raise" for an error at the first unusable image; "skip" to leave unusable images out and report them.
        workers: threads that decode and resize. Default: one a core, at most 8.
        first: what errors call the first image, where it is an array. Default: 0, as in "images[0]".

    Returns:
        A tuple of the images, uint8 (n, height, width, 3); the indices (n,) of `images` that they are; and for each
        image left out its path (or "images[index]" for an array) with the reason.

    Raises:
        ReIDError: an unusable image and `on_error="raise"`, or another `on_error`.
    """
    if on_error not in ("raise", "skip"):
        raise ReIDError(f"`on_error` must be 'raise' or 'skip'. Received: {on_error!r}.")
    items = as_list(images)
    height, width = size
    result = np.empty((len(items), height, width, 3), np.uint8)

    def load(index: int) -> str | None:
        item = items[index]
        try:
            if isinstance(item, (str, os.PathLike)):
                image = read_image(item)
            else:
                image = check_array(item, f"images[{first + index}]")
        except ReIDError as error:
            if on_error == "raise":
                raise
            return str(error)
        result[index] = resize(image, height, width)
        return None

    workers = workers or min(8, os.cpu_count() or 1)
    if workers == 1 or len(items) == 1:
        reasons = [load(index) for index in range(len(items))]
    else:
        with ThreadPoolExecutor(min(workers, max(1, len(items)))) as pool:
            reasons = list(pool.map(load, range(len(items))))
    kept = np.array([index for index, reason in enumerate(reasons) if reason is None], np.int64)
    left_out = [
        (_label(items[index], first + index), reason) for index, reason in enumerate(reasons) if reason is not None
    ]
    return (result if not left_out else result[kept]), kept, left_out


def check_array(image: Any, label: str) -> np.ndarray:
    """A (height, width, 3) array of RGB as uint8; `label` names it in errors.

    Raises:
        ReIDError: another shape, a side under `MINIMUM_SIDE`, no numbers, numbers outside 0..255, or floats that
            seem to be scaled to 0..1.
    """
    if not isinstance(image, np.ndarray):
        raise ReIDError(
            f"{label} must be a path or a NumPy array. Received: {type(image).__name__}. Convert it with numpy.asarray."
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ReIDError(
            f"{label} must have shape (height, width, 3), RGB. Received shape {image.shape}. "
            "Convert grey and RGBA pictures with Pillow's convert('RGB')."
        )
    _check_side(image.shape[0], image.shape[1], label)
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind not in "iuf":
        raise ReIDError(f"{label} must hold numbers from 0 to 255. Received dtype {image.dtype}.")
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= 255):  # also true when there is a NaN
        raise ReIDError(f"{label} must hold numbers from 0 to 255. Received numbers from {low:g} to {high:g}.")
    if image.dtype.kind == "f" and 0 < high <= 1:
        raise ReIDError(
            f"{label} must hold numbers from 0 to 255. Received numbers from {low:g} to {high:g}, which looks like a "
            "picture scaled to 0..1: multiply it by 255."
        )
    return np.rint(image).astype(np.uint8)


def _rgb(picture: Image.Image, path: str) -> np.ndarray:
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I;16", "I;16L", "I;16B", "I;16N"):
        # Pillow's own conversion of 16 bits to 8 clips instead of scaling, which turns most of a picture white.
        grey = ((np.asarray(picture).astype(np.uint32) + 128) // 257).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.mode in ("I", "F"):
        raise ReIDError(f"Image '{path}' has 32 bits a channel, whose range is not known: save it with 8 or 16 bits.")
    if picture.has_transparency_data:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    return np.array(picture.convert("RGB"))


def _check_side(height: int, width: int, label: str) -> None:
    if min(height, width) < MINIMUM_SIDE:
        raise ReIDError(
            f"{label} is too small: {height}x{width} pixels (height x width), "
            f"at least {MINIMUM_SIDE}x{MINIMUM_SIDE} are needed. Leave it out."
        )


def _too_large(path: str) -> str:
    return (
        f"Image '{path}' has more than {PIXEL_LIMIT:,} pixels by its header and was not decoded: "
        "cut out the person or make it smaller."
    )


def _damaged(path: str, error: BaseException) -> str:
    return f"Image '{path}' is damaged or truncated ({error}): copy it again or leave it out."


def _label(item: Any, index: int) -> str:
    return os.fspath(item) if isinstance(item, (str, os.PathLike)) else f"images[{index}]"

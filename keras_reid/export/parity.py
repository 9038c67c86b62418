"""The comparison that every export has to pass before its file is kept."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.export.network import Network

Images = np.ndarray | str | os.PathLike | Sequence[np.ndarray | str | os.PathLike]


class Parity(NamedTuple):
    """How far an exported file is from the Keras model, over all pictures compared."""

    largest_difference: float
    lowest_cosine: float
    pictures: int


def pictures(network: Network, images: Images | None, split: str = "query") -> np.ndarray:
    """`images` at the network's size, (n, height, width, 3) uint8; None: the bundled people's `split`.

    Raises:
        ReIDError: an image cannot be read, or there are none.
    """
    from keras_reid.data import load, load_images

    pixels, _, _ = load_images(getattr(load("people"), split).paths if images is None else images, network.image_size)
    if not len(pixels):
        raise ReIDError("Expected at least one picture. Received: none")
    return pixels


def compare(
    network: Network, run: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, least_cosine: float, what: str
) -> Parity:
    """Compares an exported file with the Keras model.

    Args:
        network: What was exported.
        run: The exported file: (n, height, width, 3) uint8 -> (n, size) float32.
        pixels: The pictures.
        least_cosine: Below it the export fails.
        what: The export's name in the error.

    Raises:
        ReIDError: a picture's cosine lies below the threshold or is not finite.
    """
    expected, received = network.answers(pixels).astype("float64"), run(pixels).astype("float64")
    if not np.isfinite(expected).all():
        raise ReIDError(
            f"The Keras model {network.name!r} answers with NaN or infinity; load good weights before exporting it."
        )
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(received, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        lowest = float(np.min(np.sum(expected * received, axis=1) / lengths))
    largest = float(np.max(np.abs(expected - received)))
    if not lowest >= least_cosine:  # also when it is NaN
        raise ReIDError(
            f"The {what} export of {network.name!r} is not kept: its lowest cosine against the Keras model over "
            f"{len(pixels)} pictures is {lowest:.6f}, below the threshold {least_cosine:g} "
            f"(largest difference {largest:.3g})."
        )
    return Parity(largest, lowest, len(pixels))

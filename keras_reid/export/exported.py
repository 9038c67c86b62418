"""Exported files, opened again to be measured."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_reid.errors import ReIDError


@dataclass(frozen=True)
class Exported:
    """An exported file as a function from pictures to embeddings.

    Attributes:
        path: The file, or the folder of a SavedModel.
        image_size: Height and width of the pictures it takes.
        run: (n, height, width, 3) uint8 pixels of that size, any n -> (n, size) float32, as the file answers.
    """

    path: Path
    image_size: tuple[int, int]
    run: Callable[[np.ndarray], np.ndarray]

    def embed(self, images, batch_size: int = 64, progress: bool = False) -> np.ndarray:
        """Embeddings of pictures of any size, as `ReIDModel.embed` takes them.

        Args:
            images: Paths or (height, width, 3) uint8 arrays, one or many; or one array of pictures.
            batch_size: Pictures held in memory at a time. Defaults to 64.
            progress: Whether to show a progress bar. Defaults to False.

        Returns:
            (N, size) float32, rows of length 1.

        Raises:
            ReIDError: a picture cannot be read, or there are none.
        """
        from keras_reid.asking import blocks

        rows = [self.run(pixels) for pixels in blocks(self, images, batch_size, "raise", progress)]
        if not rows:
            raise ReIDError("Expected at least one picture. Received: none")
        vectors = np.concatenate(rows)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def open_export(path: str | os.PathLike) -> Exported:
    """Open what `to_tflite`, `to_onnx` or `to_saved_model` wrote; by the name's end, a folder is a SavedModel.

    Raises:
        ReIDError: nothing is there, it is no such file, or it does not take pictures.
    """
    from keras_reid.export import onnx, saved_model, tflite

    path = Path(path).expanduser()
    if not path.exists():
        raise ReIDError(f"No exported file at '{path}'.")
    if path.is_dir():
        return saved_model.opened(path)
    readers = {".tflite": tflite.opened, ".onnx": onnx.opened}
    if path.suffix not in readers:
        raise ReIDError(f"Expected a .tflite or .onnx file or the folder of a SavedModel. Received: '{path}'")
    return readers[path.suffix](path)


def check_pictures(path: Path, shape: tuple[int | None, ...]) -> tuple[int, int]:
    """Height and width out of the shape of an exported file's input.

    Raises:
        ReIDError: the input is no batch of pictures of fixed size.
    """
    sizes = [size for size in shape[1:] if isinstance(size, int) and size > 0]
    if len(shape) != 4 or len(sizes) != 3 or sizes[2] != 3:
        raise ReIDError(f"'{path}' takes an input of shape {shape}. Expected: pictures, (batch, height, width, 3)")
    return sizes[0], sizes[1]

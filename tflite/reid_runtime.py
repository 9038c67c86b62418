"""Person re-identification on a camera: one file that needs numpy, Pillow and ai-edge-litert, and no TensorFlow.

In Python:

    reid = ReID("han_small_int8.tflite", threads=2)
    gallery = Gallery(reid)
    gallery.enrol("anna", reid.embed(["anna_1.jpg", "anna_2.jpg"]))
    for match in gallery.match(reid.embed(crops), threshold=0.7):   # crops: (height, width, 3) uint8 RGB arrays
        print(match.name, match.similarity)                         # name is None below the threshold
    gallery.save("gallery.npz")

On the command line:

    python reid_runtime.py enrol --model han_small_int8.tflite --gallery gallery.npz anna anna_1.jpg anna_2.jpg
    python reid_runtime.py match --model han_small_int8.tflite --gallery gallery.npz --threshold 0.7 crop.jpg
"""

import argparse
import contextlib
import hashlib
import json
import os
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

Crop = np.ndarray | str | os.PathLike

# Decoding more pixels than this would only eat the memory of a small device; below 8 a side nobody can be recognised.
MOST_PIXELS = 50_000_000
LEAST_SIDE = 8
# Named, because Pillow also opens formats that start other programs.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")


class ReIDError(ValueError):
    """What was given cannot be worked with; the message says what was expected, what came and what to do."""


def read_image(path: str | os.PathLike) -> np.ndarray:
    """The image file as (height, width, 3) uint8 RGB, upright, transparency laid on white, 16 bits scaled to 8.

    Raises:
        ReIDError: the file is missing, no image, damaged or absurdly large.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ReIDError(f"{path}: has too many pixels; cut out the person.")
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I;16"):
                grey = ((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8)
                return np.repeat(grey[:, :, None], 3, axis=2)
            if image.mode in ("I", "F"):
                raise ReIDError(f"{path}: has 32 bits a channel; save it with 8 or 16.")
            if image.has_transparency_data:
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image.convert("RGBA"))
            return np.asarray(image.convert("RGB"))
    except ReIDError:
        raise
    except Image.DecompressionBombError as error:
        raise ReIDError(f"{path}: has too many pixels; cut out the person.") from error
    except (OSError, SyntaxError, ValueError, AttributeError, LookupError, TypeError, struct.error) as error:
        raise ReIDError(f"{path}: cannot be read as an image ({error}).") from error


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """`image` at (height, width), exactly as where the network was trained: Pillow's bilinear filter on uint8."""
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


class ReID:
    """An embedding network in a LiteRT file, as `keras_reid.export.to_tflite` writes it.

    Args:
        path: The .tflite file: one image input (batch, height, width, 3), uint8 or float32 pixels 0..255, or int8;
            one output (batch, size). Any quantisation; fixed or dynamic batch.
        threads: Threads for one inference. Defaults to 1.

    An object serves one thread at a time.

    Raises:
        ReIDError: the file is missing, damaged, or no such network.
    """

    def __init__(self, path: str | os.PathLike, threads: int = 1):
        self.path = Path(path)
        if not self.path.is_file():
            raise ReIDError(f"{path}: no such file; expected a .tflite file written by keras_reid.export.to_tflite.")
        # SHA-256 of the file, now, before another takes its place: embeddings of different networks cannot be compared.
        self.fingerprint = hashlib.sha256(self.path.read_bytes()).hexdigest()
        try:  # from the path, so that the weights stay in the file's own memory
            self._interpreter = Interpreter(model_path=str(self.path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ReIDError(f"{path}: LiteRT cannot run this file ({error}).") from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shapes = [tuple(int(n) for n in detail["shape_signature"]) for detail in (*inputs, *outputs)]
        if [len(shape) for shape in shapes] != [4, 2] or shapes[0][3] != 3:
            raise ReIDError(
                f"{path}: expected one image input (batch, height, width, 3) and one output (batch, size). "
                f"Received: {shapes[: len(inputs)]} -> {shapes[len(inputs) :]}"
            )
        self._input, self._output = inputs[0], outputs[0]
        self._batch = shapes[0][0]  # -1: as many as are given
        self.image_size: tuple[int, int] = shapes[0][1:3]
        self.embedding_size: int = shapes[1][1]

    def embed(self, crops: Crop | Sequence[Crop]) -> np.ndarray:
        """One row of length 1 for each crop.

        Args:
            crops: (height, width, 3) uint8 RGB arrays of any size or paths of image files; one or a sequence of them.

        Returns:
            (N, embedding_size) float32.

        Raises:
            ReIDError: a crop is no such array or cannot be read, or the network's answer is not finite.
        """
        if isinstance(crops, str | os.PathLike) or (isinstance(crops, np.ndarray) and crops.ndim == 3):
            crops = [crops]
        rows = np.empty((len(crops), self.embedding_size), "float32")
        step = self._batch if self._batch > 0 else 16  # a dynamic batch is bounded to bound the memory
        for start in range(0, len(crops), step):
            pixels = np.stack([self._prepare(crop) for crop in crops[start : start + step]])
            rows[start : start + step] = self._run(pixels)[: len(pixels)]
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.all(np.isfinite(length)) or not np.all(length > 0):
            raise ReIDError(f"{self.path}: the network's answer is not finite or zero; export the file again.")
        return rows / length

    def _prepare(self, crop: Crop) -> np.ndarray:
        image = crop if isinstance(crop, np.ndarray) else read_image(crop)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < LEAST_SIDE:
            raise ReIDError(
                f"Expected a crop as (height, width, 3) uint8 RGB, at least {LEAST_SIDE}x{LEAST_SIDE}. "
                f"Received: shape={image.shape}, dtype={image.dtype}"
            )
        return resize(image, *self.image_size)

    def _run(self, pixels: np.ndarray) -> np.ndarray:
        """(n, height, width, 3) uint8 -> (at least n, size) float32."""
        if self._batch > len(pixels):
            missing = self._batch - len(pixels)
            pixels = np.concatenate([pixels, np.zeros((missing, *pixels.shape[1:]), pixels.dtype)])
        if self._batch < 0 and self._input["shape"][0] != len(pixels):
            self._interpreter.resize_tensor_input(self._input["index"], pixels.shape)
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]
        self._interpreter.set_tensor(self._input["index"], quantise(pixels, self._input))
        self._interpreter.invoke()
        return dequantise(self._interpreter.get_tensor(self._output["index"]), self._output)


def quantise(pixels: np.ndarray, tensor: dict) -> np.ndarray:
    """uint8 pixels as the values that an input tensor wants."""
    scale, zero = tensor["quantization"]
    dtype = tensor["dtype"]
    if dtype == np.float32 or (dtype == np.uint8 and (scale, zero) in ((1.0, 0), (0.0, 0))):
        return pixels.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    return np.clip(np.round(pixels / scale) + zero, limits.min, limits.max).astype(dtype)


def dequantise(values: np.ndarray, tensor: dict) -> np.ndarray:
    """An output tensor's values as float32."""
    if tensor["dtype"] == np.float32:
        return values
    scale, zero = tensor["quantization"]
    return (values.astype("float32") - zero) * np.float32(scale)


class Match(NamedTuple):
    """Who was recognised (None: nobody), and the cosine similarity to the nearest enrolled crop."""

    name: str | None
    similarity: float


class Gallery:
    """The enrolled people: one or more embeddings for each name.

    Args:
        reid: The network whose embeddings it holds.
    """

    def __init__(self, reid: ReID):
        self.fingerprint = reid.fingerprint
        self.names: list[str] = []
        self.embeddings = np.empty((0, reid.embedding_size), "float32")
        self._file: tuple[Path, tuple | None] | None = None  # which file this is, and what it was when that was so

    def enrol(self, name: str, embeddings: np.ndarray) -> None:
        """Adds rows of `ReID.embed`, (N, size), under `name`; a name can be enrolled again to add more.

        Raises:
            ReIDError: the name is empty, or there are no embeddings, or they have another size.
        """
        embeddings = self._check(embeddings)
        if not name or not len(embeddings):
            raise ReIDError(f"Expected a name and at least one crop of that person. Received: name={name!r}")
        self.names += [name] * len(embeddings)
        self.embeddings = np.concatenate([self.embeddings, embeddings])

    def forget(self, name: str) -> None:
        """Takes a person out of the gallery; `save` takes it out of the file.

        Raises:
            ReIDError: nobody of that name is enrolled.
        """
        if name not in self.names:
            raise ReIDError(f"Nobody is enrolled as {name!r}; enrolled are: {', '.join(sorted(set(self.names)))}.")
        kept = [i for i, other in enumerate(self.names) if other != name]
        self.names = [self.names[i] for i in kept]
        self.embeddings = self.embeddings[kept]

    def match(self, embeddings: np.ndarray, threshold: float) -> list[Match]:
        """The nearest enrolled person of each embedding.

        Args:
            embeddings: (N, size) or (size,), rows of `ReID.embed`.
            threshold: Least cosine similarity that counts as the same person, in [-1, 1]; the model's card says which
                one goes with which rate of false matches.

        Raises:
            ReIDError: the gallery is empty, the embeddings have another size, or `threshold` is out of range.
        """
        embeddings = self._check(embeddings)
        if not self.names:
            raise ReIDError("The gallery is empty; enrol somebody first.")
        if not -1 <= threshold <= 1:
            raise ReIDError(f"Expected `threshold` as a cosine similarity in [-1, 1]. Received: threshold={threshold}")
        similarities = embeddings @ self.embeddings.T
        nearest = similarities.argmax(axis=1)
        return [
            Match(self.names[column] if row[column] >= threshold else None, float(row[column]))
            for row, column in zip(similarities, nearest, strict=True)
        ]

    def save(self, path: str | os.PathLike) -> None:
        """Writes the gallery as an .npz file that only its owner can read; it is the old or the new one, never half.

        Raises:
            ReIDError: its folder does not exist; or it was loaded from that file, or saved there, and another program
                has changed it since: what that has enrolled or forgotten is not undone.
        """
        path = Path(path)
        if self._file is not None and self._file[0] == path.resolve() and self._file[1] != _stamp(path):
            raise ReIDError(f"{path}: another program has changed it since it was loaded here; load it again.")
        if not path.parent.is_dir():
            raise ReIDError(f"{path}: there is no folder '{path.parent}' to write it in.")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(
                    file,
                    names=np.array(self.names, dtype=np.str_),
                    embeddings=self.embeddings,
                    fingerprint=np.array(self.fingerprint),
                )
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        self._file = path.resolve(), _stamp(path)

    @classmethod
    def load(cls, path: str | os.PathLike, reid: ReID) -> "Gallery":
        """The gallery that `save` wrote.

        Raises:
            ReIDError: the file is missing or no gallery, or it was enrolled with another network.
        """
        gallery = cls(reid)
        gallery._file = Path(path).resolve(), _stamp(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                fingerprint = str(file["fingerprint"])
                gallery.names = [str(name) for name in file["names"]]
                gallery.embeddings = file["embeddings"]
        except (OSError, EOFError, AttributeError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise ReIDError(f"{path}: cannot be read as a gallery ({error}).") from error
        if fingerprint != gallery.fingerprint:
            raise ReIDError(f"{path}: was enrolled with another network than {reid.path}; enrol these people again.")
        return gallery

    def _check(self, embeddings: np.ndarray) -> np.ndarray:
        embeddings = np.atleast_2d(np.asarray(embeddings, "float32"))
        if embeddings.ndim != 2 or embeddings.shape[1] != self.embeddings.shape[1]:
            raise ReIDError(
                f"Expected embeddings of shape (N, {self.embeddings.shape[1]}). Received: shape={embeddings.shape}"
            )
        return embeddings


def _stamp(path: str | os.PathLike) -> tuple[int, int, int] | None:
    """What tells a file from the one that replaces it; None where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 0, or 1 when something given cannot be worked with."""
    parser = argparse.ArgumentParser(description="Enrols people and matches crops against them.")
    commands = parser.add_subparsers(dest="command", required=True)
    enrol = commands.add_parser("enrol", help="add crops of a person to the gallery")
    match = commands.add_parser("match", help="find the enrolled person of each crop")
    forget = commands.add_parser("forget", help="take a person out of the gallery")
    for command in (enrol, match, forget):
        command.add_argument("--model", required=True, help=".tflite file")
        command.add_argument("--gallery", required=True, type=Path, help=".npz file; enrol makes a missing one")
    for command in (enrol, match):
        command.add_argument("--threads", type=int, default=1)
    for command in (enrol, forget):
        command.add_argument("name")
    match.add_argument("--threshold", type=float, required=True, help="least similarity; see the model's card")
    match.add_argument("--json", action="store_true", help="one JSON list instead of lines")
    for command in (enrol, match):
        command.add_argument("crops", nargs="+", help="image files, each one person")
    given = parser.parse_args(arguments)
    try:
        _run_command(given)
    except (ReIDError, OSError) as error:  # a full disk, a folder that may not be written to
        print(error, file=sys.stderr)
        return 1
    return 0


def _run_command(given: argparse.Namespace) -> None:
    reid = ReID(given.model, threads=getattr(given, "threads", 1))
    if given.command == "match":
        _print_matches(given, Gallery.load(given.gallery, reid), reid)
        return
    embeddings = reid.embed(given.crops) if given.command == "enrol" else None
    with _changing(given.gallery):
        new = embeddings is not None and not given.gallery.exists()
        gallery = Gallery(reid) if new else Gallery.load(given.gallery, reid)
        if embeddings is None:
            gallery.forget(given.name)
        else:
            gallery.enrol(given.name, embeddings)
        gallery.save(given.gallery)


def _print_matches(given: argparse.Namespace, gallery: Gallery, reid: ReID) -> None:
    matches = gallery.match(reid.embed(given.crops), given.threshold)
    found = [{"crop": str(crop), **match._asdict()} for crop, match in zip(given.crops, matches, strict=True)]
    if given.json:
        print(json.dumps(found))
    else:
        for row in found:
            print(f"{row['crop']}\t{row['name'] or '-'}\t{row['similarity']:.3f}")


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Other commands that would change the same gallery wait, where the system can lock files."""
    if fcntl is None or not path.parent.is_dir():  # `save` says what is wrong with the folder
        yield
        return
    with open(path.with_name(f".{path.name}.lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())

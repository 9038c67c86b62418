"""Weights files: whose they are, reading one into a model, writing one without heads and at half the size."""

import json
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.files import atomically

_GRAPH = "layers"  # Where Keras puts the layers of a functional model; heads and the optimizer's state are beside it.


@dataclass(frozen=True)
class Saved:
    """What a weights file says.

    Attributes:
        path: Of the file.
        name: Of the model that was saved; None if the file does not say.
        options: Of its network, sequences as tuples; None if the file does not say, as Keras' own do not.
        shapes: Of the embedding network's variables, by their path in the file.
    """

    path: Path
    name: str | None
    options: dict[str, Any] | None
    shapes: dict[str, tuple[int, ...]]


def read(path: str | os.PathLike) -> Saved:
    """What a `.weights.h5` file says.

    Raises:
        ReIDError: no file, or no weights file.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.path.isfile(os.path.expanduser(path)):
        raise ReIDError(
            "Expected `weights` to be 'published', 'imagenet', None or the path of a .weights.h5 file. There is no "
            f"file '{path}'."
        )
    path = Path(path).expanduser()
    if not path.name.endswith(".weights.h5"):
        raise ReIDError(
            f"Expected a file whose name ends in .weights.h5, as `model.save_weights` writes it. Received: '{path}'. "
            "A whole model in a .keras file is loaded by keras.models.load_model."
        )
    try:
        with h5py.File(path, "r") as file:
            if "vars" not in file or _GRAPH not in file:
                raise ReIDError(f"'{path}' is an HDF5 file, but not one that `model.save_weights` of Keras 3 wrote.")
            notes = file["vars"].attrs
            return Saved(path, notes.get("name"), _options(notes), _shapes(file))
    except OSError as error:
        raise ReIDError(f"The weights file '{path}' is damaged or no HDF5 file ({error}).") from error


def _options(notes: h5py.AttributeManager) -> dict[str, Any] | None:
    if "image_size" in notes:  # as files before this version said no more
        return {"input_shape": (*map(int, notes["image_size"]), 3)}
    if "options" not in notes:
        return None
    return {option: _tuples(value) for option, value in json.loads(notes["options"]).items()}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _shapes(file: h5py.File) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            shapes[f"{_GRAPH}/{name}"] = item.shape

    file[_GRAPH].visititems(note)
    return shapes


def load_into(model, path: str | os.PathLike, known: list[str]) -> None:
    """Load a `.weights.h5` file into `model`'s embedding network; the model's heads, if it has any, stay as they are.

    Files in float16 load into float32 models. A file of another network is refused even where every shape agrees, as
    between the sizes of HAN: Keras writes the model's name into the file.

    Args:
        model: A `ReIDModel`.
        path: The file.
        known: Names of networks; a file that names one of them which is not the model's is refused.

    Raises:
        ReIDError: no file, no weights file, or the weights of another network; the model is then of no use.
    """
    saved = read(path)
    if saved.name != model.name and saved.name in known:
        raise ReIDError(
            f"The weights in '{path}' are those of '{saved.name}' and do not fit '{model.name}': load '{saved.name}' "
            "instead."
        )
    heads = [getattr(model, f"{branch}_head") for branch in model.branches] if model.identities else []
    expected = {id(variable) for layer in model.layers for variable in layer.variables}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of nested containers; what is missing is said below, once.
            model.load_weights(saved.path, objects_to_skip=heads)
    except ValueError as error:
        raise _misfit(model, saved) from error
    if len(saved.shapes) != len(expected):  # Keras overlooks what the file has too much.
        raise _misfit(model, saved)


def note_options(path: str | os.PathLike, options: dict[str, Any]) -> None:
    """Let a file that `keras.Model.save_weights` wrote say the options of its network, those that JSON can hold."""

    def told(option: str) -> bool:
        try:
            json.dumps(options[option])
        except (TypeError, ValueError):  # of somebody's own network
            return False
        return True

    with h5py.File(path, "r+") as file:
        file["vars"].attrs["options"] = json.dumps({option: options[option] for option in filter(told, options)})


def write(source: str | os.PathLike, path: str | os.PathLike, precision: str = "float32") -> None:
    """Copy the embedding network's weights from `source` to `path`, whole or not at all.

    Heads and optimizer state are left out. With "float16", matrices and kernels are halved; vectors (biases, batch
    normalisation) stay float32: they are few, and variances need the range.

    Args:
        source: A `.weights.h5` file that `ReIDModel.save_weights` wrote.
        path: The new file.
        precision: "float32" (the default) or "float16".

    Raises:
        ReIDError: `source` is no weights file, or `precision` neither of the two.
    """
    if precision not in ("float32", "float16"):
        raise ReIDError(f"`precision` is 'float32' or 'float16'. Received: {precision!r}")
    with atomically(path) as new, h5py.File(read(source).path, "r") as old, h5py.File(new, "w") as file:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                group = file.require_group(name)
                for key, value in item.attrs.items():
                    group.attrs[key] = value
                return
            values = item[()]
            if precision == "float16" and values.ndim > 1 and values.dtype == np.float32:
                values = values.astype(np.float16)
            file[name] = values

        for part in ("vars", _GRAPH):
            copy(part, old[part])
            old[part].visititems(lambda name, item, part=part: copy(f"{part}/{name}", item))


def _misfit(model, saved: Saved) -> ReIDError:
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(Path(folder) / "expected.weights.h5")
        expected = read(Path(folder) / "expected.weights.h5").shapes
    found = saved.shapes
    missing = [name for name in expected if name not in found]
    other = [name for name in expected if name in found and found[name] != expected[name]]
    surplus = [name for name in found if name not in expected]
    counts = (
        f"of {len(expected)} variables {len(missing)} are missing in the file and {len(other)} have another shape, "
        f"and {len(surplus)} of the file's have no place in the network"
    )
    first = [f"{name} should be {expected[name]} and is {found[name]}" for name in other]
    first += [f"{name} {expected[name]} is missing" for name in missing]
    first += [f"{name} {found[name]} has no place" for name in surplus]
    return ReIDError(
        f"The weights in '{saved.path}' do not fit '{model.name}': {counts}. First: {'; '.join(first[:3])}. "
        "Name the network they were saved from, with the same options."
    )

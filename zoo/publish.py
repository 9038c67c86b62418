r"""Publish weights: write `weights/NAME.weights.h5`, measure it, and enter it in `manifest.json` with its card.

    python zoo/publish.py han_small --weights runs/han_small_people/han_small_people.weights.h5 \
        --recipe han_small_people \
        --command "keras-reid train --recipe han_small_people --data people --output runs/han_small_people" \
        --trained-on "480 rendered pictures of 48 people, bundled with the package (CC0)" --data ward:/data/WARD

Every figure is measured here, with the very file that is published; none is typed. The file holds the embedding network
without the identity heads of the training, in float16 where that leaves the embeddings as they are.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_reid
from keras_reid import networks
from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.zoo.card import card
from keras_reid.zoo.checksum import sha256_of
from keras_reid.zoo.exports import measure_exports
from keras_reid.zoo.manifest import Entry, Manifest
from keras_reid.zoo.match_threshold import measure_threshold
from keras_reid.zoo.weights import load_into, write

ZOO = Path(__file__).resolve().parent
SAME_EMBEDDING = 0.9999  # lowest cosine between the embeddings of float16 and float32 weights


def publish(
    name: str,
    weights: str | Path | keras_reid.ReIDModel,
    recipe: str,
    command: str,
    trained_on: str,
    data: Sequence[str] = ("people",),
    network: str | None = None,
    options: Mapping[str, Any] | None = None,
    licence: str = "Apache-2.0",
    exports: bool = True,
    zoo: str | Path = ZOO,
) -> Entry:
    """Publish one set of weights; an entry of the same name is replaced.

    Args:
        name: What `keras_reid.zoo.load` will be asked for.
        weights: A trained model, or the `.weights.h5` file of one; heads are left out.
        recipe: The recipe's name.
        command: The command that trained it.
        trained_on: The pictures it was trained on, as "Trained on …" goes on.
        data: What to measure on, as `keras_reid.data.load` takes it. The threshold is measured on the first.
        network: The network's name. Defaults to `name`.
        options: Of the network.
        licence: Of the weights, an SPDX identifier.
        exports: Whether to export to every format and enter how far each is from the model.
        zoo: The folder with the manifest.

    Returns:
        The manifest's new entry.

    Raises:
        ReIDError: weights that do not fit the network, an unknown network or data set, or an export that differs too
            much.
    """
    network, options, zoo = network or name, dict(options or {}), Path(zoo)
    sets = [keras_reid.data.load(spec) for spec in data]
    (zoo / "weights").mkdir(parents=True, exist_ok=True)
    final = zoo / "weights" / f"{name}.weights.h5"
    with tempfile.TemporaryDirectory(dir=zoo / "weights") as folder:
        source = Path(folder) / "source.weights.h5"
        if isinstance(weights, keras_reid.ReIDModel):
            weights.save_weights(source)
        else:
            source = Path(weights)
        new = Path(folder) / "new.weights.h5"
        precision = _write_smallest(network, options, source, new, sets[0].query.paths)
        model = _model(network, options, new)
        entry = Entry(
            name=name,
            file=final.name,
            size=new.stat().st_size,
            sha256=sha256_of(new),
            licence=licence,
            network=network,
            options=options,
            image_size=list(model.image_size),
            embedding_size=model.embedding_size,
            parameters=sum(layer.count_params() for layer in model.layers),
            precision=precision,
            recipe={"name": recipe, "command": command},
            trained_on=trained_on,
            figures=[_figures(name, model, found) for found in sets],
            threshold=measure_threshold(model, sets[0]),
            exports=measure_exports(model) if exports else None,
            card=f"cards/{name}.md",
            keras=keras.__version__,
            version=keras_reid.__version__,
        )
        os.replace(new, final)
    with atomically(zoo / entry.card) as text:
        text.write_text(card(entry), encoding="utf-8")
    path = zoo / "manifest.json"
    manifest = Manifest.read(path) if path.exists() else Manifest({})
    manifest.with_entry(entry).write(path)
    return entry


def _model(network: str, options: Mapping[str, Any], path: Path) -> keras_reid.ReIDModel:
    model = networks.create(network, **options)
    load_into(model, path, networks.names())
    return model


def _write_smallest(network: str, options: Mapping[str, Any], source: Path, new: Path, images: Sequence[str]) -> str:
    """Write the weights in float16 if every picture's embedding stays what it was, else in float32."""
    before = _model(network, options, source).embed(images)
    write(source, new, "float16")
    after = _model(network, options, new).embed(images)
    if np.sum(before * after, axis=1).min() >= SAME_EMBEDDING:
        return "float16"
    write(source, new, "float32")
    return "float32"


def _figures(name: str, model: keras_reid.ReIDModel, data: Any) -> dict[str, Any]:
    measured = {key: round(float(value), 4) for key, value in model.evaluate_retrieval(data).items()}
    folder = "" if data.name == "people" else f":{data.name.upper()}"
    command = f"keras-reid evaluate --data {data.name}{folder} --model {name}"
    return {"data": data.name, "queries": len(data.query), "gallery": len(data.gallery), **measured, "command": command}


def _option(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        if separator:
            return key, value
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, received '{text}'") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog=(__doc__ or "").partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="what keras_reid.zoo.load will be asked for")
    parser.add_argument("--weights", required=True, help="the .weights.h5 file of the trained model")
    parser.add_argument("--recipe", required=True, help="the recipe's name")
    parser.add_argument("--command", required=True, help="the command that trained it")
    parser.add_argument("--trained-on", required=True, help='the pictures it was trained on, as "Trained on …" goes on')
    parser.add_argument(
        "--data",
        action="append",
        help="what to measure on besides the bundled people, e.g. ward:/data/WARD; may be given several times",
    )
    parser.add_argument("--network", help="the network's name, if it is another one than NAME")
    parser.add_argument("--option", action="append", type=_option, default=[], help="of the network, KEY=VALUE in JSON")
    parser.add_argument(
        "--licence", default="Apache-2.0", help="of the weights, an SPDX identifier (default: %(default)s)"
    )
    parser.add_argument("--no-exports", action="store_true", help="leave out exporting to every format")
    parser.add_argument("--zoo", default=ZOO, help="the folder with the manifest (default: %(default)s)")
    given = parser.parse_args(arguments)
    try:
        entry = publish(
            given.name,
            given.weights,
            recipe=given.recipe,
            command=given.command,
            trained_on=given.trained_on,
            data=["people", *(given.data or [])],
            network=given.network,
            options=dict(given.option),
            licence=given.licence,
            exports=not given.no_exports,
            zoo=given.zoo,
        )
    except ReIDError as error:
        print(error, file=sys.stderr)
        return 1
    for row in entry.figures:
        print(f"{row['data']}: rank-1 {row['rank1']:.3f}, mAP {row['mAP']:.3f}")
    print(f"{entry.file}: {entry.size} bytes, {entry.precision}, SHA-256 {entry.sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

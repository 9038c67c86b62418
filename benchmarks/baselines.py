"""What retrieval figures are worth: simple features beside this package's models, on the same pictures.

    python benchmarks/baselines.py --data ward:/data/WARD
    python benchmarks/baselines.py --data ward:/data/WARD --resnet50 resnet50.weights.h5 --model han_small=my.weights.h5

- Stripe colour histogram: what can be had from colours alone, without learning; and the same of pictures whose every
  channel has been standardised, as HAN does it.
- ResNet-50, ImageNet weights, average-pooled: what a large network knows that has never been asked to tell people
  apart. Keras downloads the weights, or `training/convert_resnet50.py` makes the file for `--resnet50`.
- Any model of the zoo, with its published weights or, as NAME=FILE.weights.h5, with others.
"""

import argparse
import contextlib
import functools
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_reid import data as sets
from keras_reid.asking import retrieval_figures
from keras_reid.errors import ReIDError

# Compared with 8 stripes, 16 and 32 levels, joint histograms, HSV and YCbCr on WARD's training identities, where this
# had the highest mAP. HSV was no better than chance: between cameras of different colour casts, hue tells the camera.
STRIPES, LEVELS = 6, 8
HISTOGRAM_SIZE = (128, 64)
RESNET50_SIZE = (256, 128)  # what most work on re-identification feeds it
COLUMNS = {"rank1": "rank-1", "rank5": "rank-5", "mAP": "mAP", "mINP": "mINP"}

Embed = Callable[[np.ndarray], np.ndarray]


def stripe_histogram(images: np.ndarray, stripes: int = STRIPES, levels: int = LEVELS) -> np.ndarray:
    """Colour histograms of horizontal stripes, from head to feet.

    Of each stripe, the share of pixels at each level of red, of green and of blue; of the shares the square root
    (their inner product is then the Bhattacharyya coefficient).

    Args:
        images: (N, height, width, 3) uint8, RGB, at least one row of pixels a stripe.
        stripes: how many; rows that cannot be shared out equally go to the upper ones.
        levels: equal intervals of 0..255 for each colour.

    Returns:
        (N, stripes * 3 * levels) float32, rows of length 1.
    """
    number, height = len(images), images.shape[1]
    features = np.empty((number, stripes, 3, levels), np.float32)
    level = images.astype(np.int32) * levels // 256
    for stripe, rows in enumerate(np.array_split(np.arange(height), stripes)):
        part = level[:, rows]
        for value in range(levels):
            features[:, stripe, :, value] = (part == value).mean(axis=(1, 2))
    return np.sqrt(features.reshape(number, -1) / (3 * stripes))


def standardised(images: np.ndarray) -> np.ndarray:
    """Every channel of every picture at mean 127.5 and deviation 64; (N, height, width, 3) uint8, as it came."""
    values = images.astype(np.float32)
    centred = values - values.mean(axis=(1, 2), keepdims=True)
    scaled = 127.5 + 64 * centred / np.maximum(centred.std(axis=(1, 2), keepdims=True), 1)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def resnet50(weights: str | os.PathLike | None = None) -> Any:
    """ImageNet's ResNet-50 up to its average pooling, a Keras model of (N, 256, 128, 3) preprocessed pictures.

    Args:
        weights: a `.weights.h5` file of `keras.applications.ResNet50`. Defaults to None: Keras' own download, which is
            kept in Keras' cache.

    Raises:
        ReIDError: the download fails, or the file is missing or holds other weights.
    """
    import keras

    shape = (*RESNET50_SIZE, 3)
    if weights is None:
        try:
            return keras.applications.ResNet50(include_top=False, pooling="avg", input_shape=shape)
        except Exception as error:
            # Keras raises Exception itself where an address cannot be reached, ValueError for a wrong checksum.
            if type(error) is not Exception and not isinstance(error, (OSError, ValueError)):
                raise
            raise ReIDError(
                f"Keras could not download the ImageNet weights ({error}). Make them with "
                "training/convert_resnet50.py and name the file: --resnet50 resnet50.weights.h5"
            ) from error
    if not Path(weights).is_file():
        raise ReIDError(f"There is no file '{weights}'. Make it with training/convert_resnet50.py.")
    model = keras.applications.ResNet50(include_top=False, pooling="avg", input_shape=shape, weights=None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of nested containers; whatever does not fit is an error too.
            model.load_weights(weights)
    except (OSError, ValueError, KeyError) as error:
        raise ReIDError(
            f"'{weights}' does not hold the weights of keras.applications.ResNet50 ({str(error).splitlines()[0]}). "
            "Make the file with training/convert_resnet50.py."
        ) from error
    return model


def measure(data: sets.ReIDData, embed: Embed) -> dict[str, Any]:
    """Search every query of `data` in its gallery by its protocol with `embed`, paths -> (N, D) rows of length 1.

    Returns:
        "dimensions", "seconds" (reading, embedding and searching) and the figures of `evaluate`.
    """
    start = time.perf_counter()
    figures, found = retrieval_figures(data, embed)
    return {"dimensions": found.query.shape[1], "seconds": round(time.perf_counter() - start, 1), **figures}


def in_blocks(features: Callable[[np.ndarray], np.ndarray], size: tuple[int, int], batch_size: int) -> Embed:
    """`features` of uint8 pictures of `size` as a function of their paths that holds few pictures at once."""

    def embed(paths: np.ndarray) -> np.ndarray:
        blocks = []
        for start in range(0, len(paths), batch_size):
            images, _, _ = sets.load_images(paths[start : start + batch_size], size)
            blocks.append(features(images))
        return np.concatenate(blocks)

    return embed


def pooled(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """What `model`, from `resnet50`, makes of uint8 pictures: (N, 2048) float32, rows of length 1."""
    import keras

    def features(images: np.ndarray) -> np.ndarray:
        vectors = model.predict_on_batch(keras.applications.resnet50.preprocess_input(images.astype(np.float32)))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return features


def rows(
    data: sets.ReIDData, resnet50_file: str | None = None, models: Sequence[str] = (), batch_size: int = 64
) -> list[dict[str, Any]]:
    """The table, one dict a method: "method" with what `measure` returns, or with "missing", why it could not be had.

    Args:
        data: with query and gallery.
        resnet50_file: see `resnet50`.
        models: names in the zoo, or "NAME=FILE.weights.h5".
        batch_size: pictures a step.

    Raises:
        ReIDError: no query or gallery; or what was asked for by name, a model or a file, cannot be loaded. Only a
            failed download of ResNet-50 leaves the rest of the table standing.
    """
    from keras_reid import zoo

    if not len(data.query) or not len(data.gallery):
        raise ReIDError(
            f"'{data.root}' has {len(data.query)} query and {len(data.gallery)} gallery images: both are needed."
        )
    methods: list[tuple[str, Embed | str]] = [
        ("stripe colour histogram", in_blocks(stripe_histogram, HISTOGRAM_SIZE, batch_size)),
        (
            "the same, channels standardised",
            in_blocks(lambda images: stripe_histogram(standardised(images)), HISTOGRAM_SIZE, batch_size),
        ),
    ]
    name = "ResNet-50, ImageNet, average-pooled"
    try:
        methods.append((name, in_blocks(pooled(resnet50(resnet50_file)), RESNET50_SIZE, batch_size)))
    except ReIDError as error:
        if resnet50_file is not None:
            raise
        methods.append((name, str(error)))
    for spec in models:
        network, _, weights = spec.partition("=")
        model = zoo.load(network, weights=weights or "published")
        methods.append((spec, functools.partial(model.embed, batch_size=batch_size)))

    table = []
    for method, embed in methods:
        if isinstance(embed, str):
            table.append({"method": method, "missing": embed})
            continue
        print(f"measuring {method} …", file=sys.stderr)
        table.append({"method": method, **measure(data, embed)})
    return table


def text(table: Sequence[dict[str, Any]]) -> str:
    """The table for people; reasons for missing rows stand below it."""
    width = max(len(row["method"]) for row in table)
    lines = [f"{'method':{width}}  dimensions" + "".join(f"{title:>8}" for title in COLUMNS.values())]
    for row in table:
        line = f"{row['method']:{width}}  "
        if "missing" in row:
            lines.append(line + "missing, see below")
        else:
            lines.append(f"{line}{row['dimensions']:>10,}" + "".join(f"{row[key]:>8.3f}" for key in COLUMNS))
    return "\n".join(lines + [f"\n{row['method']}: {row['missing']}" for row in table if "missing" in row])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="SET", help="FORMAT:FOLDER, e.g. ward:/data/WARD, or 'people'")
    parser.add_argument("--resnet50", metavar="FILE", help="ImageNet weights, .weights.h5 (default: Keras' download)")
    parser.add_argument(
        "--model",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME",
        help="a model of the zoo, or NAME=FILE.weights.h5; may be given several times",
    )
    parser.add_argument("--batch-size", type=int, default=64, help="pictures a step (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    if given.batch_size < 1:
        parser.error(f"--batch-size must be at least 1, received {given.batch_size}")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras draws a download's progress on stdout
            data = sets.load(given.data)
            table = rows(data, given.resnet50, given.model, given.batch_size)
    except ReIDError as error:
        print(error, file=sys.stderr)
        return 1
    counts = {"queries": len(data.query), "gallery": len(data.gallery)}
    if given.json:
        print(json.dumps({"data": given.data, **counts, "rows": table}, indent=2))
    else:
        print(f"{given.data}: {counts['queries']:,} queries, {counts['gallery']:,} gallery images\n\n{text(table)}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())

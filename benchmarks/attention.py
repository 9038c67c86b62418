"""What attention is worth on few real people: networks with and without it, each trained from several seeds.

    python benchmarks/attention.py --data ward:/data/WARD --backbone resnet50.weights.h5 --keep runs/attention
    python benchmarks/attention.py --data ward:/data/WARD --keep runs/attention --size 96x48 --precision mixed_bfloat16
    python benchmarks/attention.py --data ward:/data/WARD --keep runs/attention --found benchmarks/attention.jsonl

Seed after seed, every network once, by its recipe: what is finished lies in the folder, and a run that was stopped goes
on there. Measured on the data set's query and gallery, whose people are none of those trained on. The table's last
column sets a network beside the same one without attention, seed by seed.

Two cores take hours for a seed. `--found` is a file of figures, a JSON line a training: what stands there, in the same
precision, is not trained again, and what is trained is added, so that several machines and days can share the work.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_reid import training  # first: the package switches oneDNN on, of which TensorFlow asks when it is imported

# isort: split
import keras
import numpy as np

from keras_reid import data as sets
from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.lock import locked
from keras_reid.training import Recipe

# Name -> recipe, options, and the network without attention to set it beside.
LINES: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "aanet": ("aanet_ward", {}, "aanet without attention"),
    "aanet without attention": ("aanet_ward", {"placement": 0}, None),
    "apnet_c": ("apnet_c_ward", {}, "resnet50"),
    "resnet50": ("resnet50_ward", {}, None),
    "han_small": ("han_small_ward", {}, None),
}
FIGURES = ("rank1", "mAP")

Key = tuple[str, int, str, str]


def adapted(name: str, seed: int, size: tuple[int, int] | None, backbone: str | None, precision: str | None) -> Recipe:
    """The recipe of one line and seed; size, backbone and precision are for those from ImageNet weights."""
    of_line, options, _ = LINES[name]
    recipe = training.recipe(of_line)
    recipe = dataclasses.replace(recipe, seed=seed, options={**recipe.options, **options})
    if recipe.weights != "imagenet":
        return recipe
    stages = recipe.stages
    if size is not None:
        stages = tuple(dataclasses.replace(stage, input_shape=(*size, 3)) for stage in stages)
    return dataclasses.replace(
        recipe, stages=stages, weights=backbone or recipe.weights, precision=precision or recipe.precision
    )


def pictures_of(recipe: Recipe) -> str:
    """The size of the pictures that a training ends with, e.g. "128x64"."""
    height, width, _ = recipe.stages[-1].input_shape
    return f"{height}x{width}"


def trained(recipe: Recipe, data: sets.ReIDData, folder: Path) -> dict[str, Any]:
    """What a training finds, and how long it took."""
    results = training.run(recipe, data, folder, deterministic=False, verbose=0)
    keras.utils.clear_session()
    return {**{name: round(results["figures"][name], 4) for name in FIGURES}, "seconds": round(results["seconds"])}


def key(row: Mapping[str, Any]) -> Key:
    """What tells trainings apart."""
    return row["network"], row["seed"], row["pictures"], row["precision"]


def read(path: Path) -> dict[Key, dict[str, Any]]:
    """The rows of a file, by what `key` says; none where there is no such file."""
    rows = {}
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        try:
            row = json.loads(line)
            rows[key(row)] = row | {name: float(row[name]) for name in FIGURES}
        except (ValueError, TypeError, KeyError) as error:
            expected = "a JSON object with network, seed, pictures, precision, rank1 and mAP"
            raise ReIDError(f"{path}, line {number}: expected {expected}. Received: {line!r}.") from error
    return rows


def add(path: Path, row: Mapping[str, Any]) -> None:
    """Add a line to a file that others may add to at the same time; it is written whole or not at all."""
    with locked(path.with_name(f".{path.name}.lock")):
        rows = read(path) | {key(row): row}
        with atomically(path) as new:
            new.write_text("".join(json.dumps(one) + "\n" for one in rows.values()))


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "")


def text(found: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """The table in Markdown: mean and standard deviation over the seeds."""
    lines = ["| network | seeds | rank-1 | mAP | mAP over that without attention |", "| --- |" + " ---: |" * 4]
    for name, figures in found.items():
        cells = [f"`{name}`", str(len(figures))]
        cells += [_mean([one[key] for one in figures]) for key in FIGURES]
        without = found.get(LINES[name][2] or "")
        cells.append(_mean([a["mAP"] - b["mAP"] for a, b in zip(figures, without, strict=True)]) if without else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _size(given: str) -> tuple[int, int]:
    height, _, width = given.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH, e.g. 96x48, received '{given}'")
    return int(height), int(width)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="SET", help="with train, query and gallery")
    parser.add_argument("--keep", required=True, metavar="FOLDER", help="of the trainings")
    parser.add_argument("--found", type=Path, metavar="FILE", help="figures found before, e.g. attention.jsonl")
    parser.add_argument("--network", action="append", choices=LINES, help="default: all; may be given several times")
    parser.add_argument("--seeds", type=int, default=5, help="default: %(default)s")
    parser.add_argument(
        "--size", type=_size, metavar="HEIGHTxWIDTH", help="of pictures, but for HAN-S' (default: the recipes')"
    )
    parser.add_argument("--backbone", metavar="FILE", help="ImageNet weights, which Keras downloads otherwise")
    parser.add_argument("--precision", metavar="POLICY", help="of the networks from ImageNet weights")
    given = parser.parse_args(arguments)
    if given.seeds < 1:
        parser.error(f"--seeds is at least 1, received {given.seeds}")
    names = given.network or list(LINES)
    table: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    try:
        rows = {}
        if given.found:
            rows = read(given.found)
            given.found.parent.mkdir(parents=True, exist_ok=True)
        data = sets.load(given.data)
        for seed in range(given.seeds):
            for name in names:
                recipe = adapted(name, seed, given.size, given.backbone, given.precision)
                what = {"network": name, "seed": seed, "pictures": pictures_of(recipe), "precision": recipe.precision}
                if (row := rows.get(key(what))) is None:
                    of_size = f"{what['pictures']}_{recipe.precision}"
                    row = what | trained(recipe, data, Path(given.keep) / of_size / name.replace(" ", "_") / str(seed))
                    if given.found:
                        add(given.found, row)
                table[name].append(row)
                print(json.dumps(row), file=sys.stderr, flush=True)
    except (ReIDError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(text(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What each kind of variety in rendered people is worth: the same training without it, on as many people and pictures.

    keras-reid data render --identities 2800 --clothes download --out rendered
    python benchmarks/people.py --rendered rendered --data ward:/data/WARD

Pictures are chosen by the data set's table of the truth (truth.csv): 500 people with 8 pictures each, of those that a
line of the table names. A plain ResNet (`plain_rendered`'s network) learns from them from random weights, with the same
number of steps, and is measured on all of the rendered test people, and on the training people of a real data set, each
of whose pictures is searched in all others.
"""

import argparse
import csv
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_reid import data as sets
from keras_reid import training
from keras_reid.errors import ReIDError
from keras_reid.training import Stage

PEOPLE, PICTURES = 500, 8
# 36,000 pictures of 4,000, nine times.
STAGE = Stage((80, 32, 3), epochs=9, learning_rate=3e-3)

Truth = dict[str, np.ndarray]


def _number(truth: Truth, column: str) -> np.ndarray:
    return truth[column].astype(float)


def _from_the_side(truth: Truth) -> np.ndarray:
    """How far the person is turned away from showing its front or its back, degrees."""
    turned = _number(truth, "yaw") % 180
    return np.minimum(turned, 180 - turned)


# What is left out -> which pictures are left.
WITHOUT: dict[str, Callable[[Truth], np.ndarray]] = {
    "nothing": lambda truth: np.ones(len(truth["path"]), bool),
    "three quarters of the cameras": lambda truth: _number(truth, "camera") <= _number(truth, "camera").max() / 4,
    "views from above 15°": lambda truth: _number(truth, "elevation") < 15,
    "views from the side": lambda truth: _from_the_side(truth) < 30,
    "people and things in front, cut boxes": lambda truth: (
        (_number(truth, "occlusion") < 0.01) & (_number(truth, "cut") < 0.01)
    ),
    "sun and shadows": lambda truth: truth["sunny"] == "False",
    "coats, bags, hats and scarves": lambda truth: np.all(
        [truth[name] == "" for name in ("coat", "bag", "hat", "scarf")], axis=0
    ),
    "patterns": lambda truth: np.all(
        [np.isin(truth[name], ("", "plain")) for name in ("top_pattern", "coat_pattern", "legs_pattern")], axis=0
    ),
}


def chosen(truth: Truth, left: np.ndarray, people: int, pictures: int, seed: int = 0) -> np.ndarray:
    """Rows of `people` people drawn from those with `pictures` pictures that are `left`, and so many pictures of each.

    Raises:
        ReIDError: there are not so many.
    """
    random = np.random.default_rng(seed)
    identities, counts = np.unique(truth["identity"][left], return_counts=True)
    enough = identities[counts >= pictures]
    if len(enough) < people:
        raise ReIDError(f"{people} people with {pictures} such pictures each are needed, there are {len(enough)}.")
    rows = []
    for identity in random.choice(enough, people, replace=False):
        mine = np.flatnonzero(left & (truth["identity"] == identity))
        rows.append(random.choice(mine, pictures, replace=False))
    return np.sort(np.concatenate(rows))


def truth_of(split: sets.Split, folder: str) -> Truth:
    """The columns of truth.csv, in the order of the split's pictures.

    Raises:
        ReIDError: the folder has no such table, or the table lacks a picture.
    """
    path = Path(folder) / "truth.csv"
    if not path.is_file():
        raise ReIDError(f"'{path}' is not there: render the people with `keras-reid data render`.")
    with open(path, encoding="utf-8", newline="") as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    missing = [picture for picture in split.paths if Path(picture).name not in rows]
    if missing:
        raise ReIDError(f"'{path}' has no line for '{missing[0]}'.")
    ordered = [rows[Path(picture).name] for picture in split.paths]
    return {name: np.array([row[name] for row in ordered]) for name in ordered[0]}


def measure(rendered: sets.ReIDData, real: sets.ReIDData, rows: np.ndarray, seed: int) -> dict[str, float]:
    """Train on those rows of the rendered training set; mAP of rendered test people and of real training people."""
    recipe = dataclasses.replace(training.recipe("plain_rendered"), name="people", stages=(STAGE,), seed=seed)
    recipe = dataclasses.replace(recipe, evaluate_every=STAGE.epochs)
    data = dataclasses.replace(rendered, train=rendered.train.take(rows))
    with tempfile.TemporaryDirectory() as folder:
        results = training.run(recipe, data, folder, deterministic=False, verbose=0)
        model = recipe.network(input_shape=STAGE.input_shape)
        model.load_weights(f"{folder}/{results['weights']}")
    found = model.evaluate_retrieval(dataclasses.replace(real, query=real.train, gallery=real.train))
    return {"rendered": results["figures"]["mAP"], "real": found["mAP"]}


def _mean(values: Sequence[float]) -> str:
    spread = f" ± {np.ptp(values) / 2:.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rendered", required=True, metavar="FOLDER", help="of rendered people, with truth.csv")
    parser.add_argument("--data", required=True, metavar="SET", help="real people, e.g. ward:/data/WARD")
    parser.add_argument("--seeds", type=int, default=2, help="trainings a line (default: %(default)s)")
    parser.add_argument("--people", type=int, default=PEOPLE, help="default: %(default)s")
    given = parser.parse_args(arguments)
    try:
        rendered, real = sets.load(f"market1501:{given.rendered}"), sets.load(given.data)
        truth = truth_of(rendered.train, given.rendered)
        subsets = {
            name: [chosen(truth, left(truth), given.people, PICTURES, seed) for seed in range(given.seeds)]
            for name, left in WITHOUT.items()
        }
        table: list[dict[str, Any]] = []
        for name, seeds in subsets.items():
            found = [measure(rendered, real, rows, seed) for seed, rows in enumerate(seeds)]
            table.append({"without": name, **{key: [one[key] for one in found] for key in found[0]}})
            print(json.dumps(table[-1]), file=sys.stderr, flush=True)
    except ReIDError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"| without | mAP, rendered | mAP, {real.name} |\n| --- | ---: | ---: |")
    for row in table:
        cells = [_mean(row[key]) for key in ("rendered", "real")]
        print(f"| {row['without']} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

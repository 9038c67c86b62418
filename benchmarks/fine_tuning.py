"""How many people of one's own are enough: a published network fine-tuned on the first 5, 10, 25 of a training set.

    python benchmarks/fine_tuning.py --data ward:/data/WARD --recipe han_small_ward_tuned --identities 5 10 25
    python benchmarks/fine_tuning.py --data ward:/data/WARD --recipe han_small_ward_tuned --random

All trainings see about as many pictures, in batches of one size, and so take about the same time; how many steps an
epoch has follows from how the pictures are shared among the people. They are measured on the data set's query and
gallery, whose people are none of those trained on; the first line is the network as it is published. `--random` begins
at random weights instead, and says what the published ones are worth.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_reid import data as sets
from keras_reid import training, zoo
from keras_reid.errors import ReIDError

COLUMNS = {"rank1": "rank-1", "rank5": "rank-5", "mAP": "mAP", "mINP": "mINP"}


def first_people(data: sets.ReIDData, number: int) -> sets.ReIDData:
    """`data` with the pictures of the first `number` people to train on; query and gallery as they were.

    Raises:
        ReIDError: there are not so many people.
    """
    people = np.unique(data.train.identities)
    if not 2 <= number <= len(people):
        raise ReIDError(f"The training set has {len(people)} people, of whom 2 or more are taken. Received: {number}.")
    return dataclasses.replace(data, train=data.train.take(np.isin(data.train.identities, people[:number])))


def seeing_as_many(recipe: training.Recipe, few: int, all_of_them: int, people: int) -> training.Recipe:
    """`recipe` for fewer pictures: batches of at most `people` identities, and so many epochs that as many are seen.

    Args:
        recipe: Of one or more stages, with P×K batches.
        few: Pictures that are trained on.
        all_of_them: Pictures that the recipe was made for.
        people: Identities that are trained on.
    """
    longer = all_of_them / few
    stages = tuple(dataclasses.replace(stage, epochs=round(stage.epochs * longer)) for stage in recipe.stages)
    smaller = people / recipe.identities if recipe.identities and people < recipe.identities else 1
    images = recipe.images and round(recipe.images / smaller)  # the batch keeps its size
    return dataclasses.replace(
        recipe,
        name=f"{recipe.name}_{people}",
        stages=stages,
        identities=recipe.identities and min(recipe.identities, people),
        images=images,
        evaluate_every=sum(stage.epochs for stage in stages),
    )


def at_rate(recipe: training.Recipe, rate: float) -> training.Recipe:
    """`recipe` with one learning rate in all stages."""
    return dataclasses.replace(
        recipe, stages=tuple(dataclasses.replace(stage, learning_rate=rate) for stage in recipe.stages)
    )


def measure(recipe: training.Recipe, data: sets.ReIDData, numbers: Sequence[int], start: bool) -> list[dict[str, Any]]:
    """One row before any training, if `start`, and one for each number of people."""
    rows: list[dict[str, Any]] = []
    if start:
        model = zoo.load(recipe.network, input_shape=recipe.stages[-1].input_shape, **recipe.options)
        rows.append({"identities": 0, "pictures": 0, "minutes": 0.0, **model.evaluate_retrieval(data)})
    for number in numbers:
        fewer = first_people(data, number)
        adapted = seeing_as_many(recipe, len(fewer.train), len(data.train), number)
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            figures = training.run(adapted, fewer, folder, deterministic=False, verbose=0)["figures"]
        minutes = (time.perf_counter() - began) / 60
        rows.append({"identities": number, "pictures": len(fewer.train), "minutes": round(minutes, 1), **figures})
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog=(__doc__ or "").partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", required=True, help="FORMAT:FOLDER, with train, query and gallery")
    parser.add_argument("--recipe", default="han_small_ward_tuned", help="default: %(default)s")
    parser.add_argument("--identities", type=int, nargs="+", default=[5, 10, 25], help="default: 5 10 25")
    parser.add_argument("--rate", type=float, help="learning rate of every stage (default: the recipe's)")
    parser.add_argument("--random", action="store_true", help="begin at random weights")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    try:
        recipe = training.recipe(given.recipe)
        recipe = dataclasses.replace(recipe, weights=None) if given.random else recipe
        recipe = recipe if given.rate is None else at_rate(recipe, given.rate)
        rows = measure(recipe, sets.load(given.data), given.identities, start=not given.random)
    except ReIDError as error:
        print(error, file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps(rows))
        return 0
    print(f"| identities | pictures | minutes | {' | '.join(COLUMNS.values())} |")
    print("| " + " | ".join(["---:"] * (3 + len(COLUMNS))) + " |")
    for row in rows:
        figures = " | ".join(f"{row[key]:.3f}" for key in COLUMNS)
        print(f"| {row['identities']} | {row['pictures']} | {row['minutes']:.1f} | {figures} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

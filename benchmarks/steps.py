r"""How long trainings take beside each other, from the time of a step of each.

    python benchmarks/steps.py han_small_people plain_rendered
    python benchmarks/steps.py --data market1501:rendered plain_rendered+plain_robust \
        han_rendered+han_small_rendered+han_medium_rendered+han_large_rendered+han_large_robust+han_medium_robust+han_small_robust

Each argument is a recipe, or several that go on from one another. Every network at every size of picture trains for a
few steps, all in turns, several times; the first step of each turn, which compiles, does not count. A training's time
is the median step by the number of its steps, without the measuring of retrieval. Compare within one run only.
"""

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Sequence

from keras_reid import training  # first: the package switches oneDNN on, of which TensorFlow asks when it is imported

# isort: split
import keras
import numpy as np

from keras_reid import data as sets
from keras_reid.errors import ReIDError
from keras_reid.training import Recipe, Stage


class Stopwatch(keras.callbacks.Callback):
    """Seconds of each of the first steps, whereafter the training stops."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps
        self.seconds: list[float] = []

    def on_train_batch_begin(self, batch, logs=None):
        self._begin = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.perf_counter() - self._begin)
        self.model.stop_training = len(self.seconds) == self.steps


def alike(recipe: Recipe, stage: Stage) -> Recipe:
    """The recipe for one epoch of one stage, from random weights; the same for stages whose steps are alike."""
    stage = dataclasses.replace(stage, epochs=1, learning_rate=1e-3)
    return dataclasses.replace(recipe, name="steps", stages=(stage,), weights=None, imprints=False, evaluate_every=1)


def seconds_of(recipe: Recipe, data: sets.ReIDData, steps: int) -> list[float]:
    """Seconds of a few steps, but for the first."""
    stopwatch = Stopwatch(steps)
    nobody = data.query.take([])
    with tempfile.TemporaryDirectory() as folder:
        training.run(
            recipe,
            dataclasses.replace(data, query=nobody, gallery=nobody),
            folder,
            deterministic=False,
            callbacks=[stopwatch],
            verbose=0,
        )
    return stopwatch.seconds[1:]


def measure(stages: Sequence[tuple[Recipe, Stage]], data: sets.ReIDData, steps: int, rounds: int) -> list[float]:
    """Median seconds of a step of every stage; stages whose steps are alike are measured once."""
    trainings = [alike(recipe, stage) for recipe, stage in stages]
    keys = [str(one.describe()) for one in trainings]
    seconds: dict[str, list[float]] = {key: [] for key in keys}
    for _ in range(rounds):
        for key, one in dict(zip(keys, trainings, strict=True)).items():
            seconds[key] += seconds_of(one, data, steps)
    return [float(np.median(seconds[key])) for key in keys]


def epoch_steps(recipe: Recipe, data: sets.ReIDData) -> int:
    """How many batches an epoch has."""
    frames = recipe.options.get("frames", 1)
    batches = data.train.batches(
        recipe.identities,
        recipe.images,
        frames=frames,
        batch_size=recipe.batch_size,
        batch_cameras=recipe.batch_cameras,
    )
    return len(batches)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chains", nargs="+", metavar="RECIPE[+RECIPE…]")
    parser.add_argument("--data", default="people", metavar="SET", help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=12, help="in a turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns (default: %(default)s)")
    given = parser.parse_args(arguments)
    try:
        data = sets.load(given.data)
        chains = [
            [(recipe, stage) for recipe in map(training.recipe, names.split("+")) for stage in recipe.stages]
            for names in given.chains
        ]
        medians = iter(measure([each for chain in chains for each in chain], data, given.steps, given.rounds))
    except ReIDError as error:
        print(error, file=sys.stderr)
        return 1
    print("| recipe | pictures | epochs | steps | seconds a step | minutes |\n| --- | --- |" + " ---: |" * 4)
    totals = []
    for chain in chains:
        total = 0.0
        for recipe, stage in chain:
            step = next(medians)
            steps = stage.epochs * epoch_steps(recipe, data)
            total += steps * step
            size = "×".join(map(str, stage.input_shape[:2]))
            print(f"| `{recipe.name}` | {size} | {stage.epochs} | {steps:,} | {step:.3f} | {steps * step / 60:.1f} |")
        totals.append(total)
    for names, total in zip(given.chains, totals, strict=True):
        print(f"{names}: {total / 60:.1f} min, {total / totals[0]:.2f} × the first")
    return 0


if __name__ == "__main__":
    sys.exit(main())

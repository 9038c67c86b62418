"""Which steps are alike, when the stopwatch stops, and what comes out of a step's time."""

import dataclasses
import importlib.util
from pathlib import Path

import keras
import numpy as np
from strips import Strips

from keras_reid import training

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "steps.py"
specification = importlib.util.spec_from_file_location("steps_benchmark", PATH)
steps = importlib.util.module_from_spec(specification)
specification.loader.exec_module(steps)


def test_the_stopwatch_stops_the_training():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    stopwatch = steps.Stopwatch(4)
    model.fit(np.zeros((20, 3)), np.zeros((20, 1)), batch_size=2, epochs=2, verbose=0, callbacks=[stopwatch])
    assert len(stopwatch.seconds) == 4
    assert min(stopwatch.seconds) > 0


def test_a_step_of_a_recipe():
    recipe = training.recipe("plain_rendered").miniature()
    stage = dataclasses.replace(recipe.stages[0], input_shape=(16, 8, 3))
    recipe = dataclasses.replace(steps.alike(recipe, stage), network=Strips, options={}, precision="float32")
    seconds = steps.seconds_of(recipe, steps.sets.load("people"), 2)
    assert len(seconds) == 1
    assert 0 < seconds[0] < 60


def test_stages_that_are_alike_are_measured_once(monkeypatch, capsys):
    """`plain_rendered` trains on 480 pictures at two sizes, in 3 batches of 128; `plain_robust` in 7 of 64."""
    asked = []

    def seconds_of(recipe, data, steps):
        asked.append(recipe.stages[0].input_shape)
        return [1.0, 9.0, 2.0] if recipe.stages[0].input_shape[0] == 80 else [4.0]

    monkeypatch.setattr(steps, "seconds_of", seconds_of)
    assert steps.main(["plain_rendered", "plain_rendered+plain_rendered", "--rounds", "2"]) == 0
    assert asked == [(80, 32, 3), (112, 45, 3)] * 2
    lines = capsys.readouterr().out.splitlines()
    first, second = training.recipe("plain_rendered").stages
    batches = steps.epoch_steps(training.recipe("plain_rendered"), steps.sets.load("people"))
    minutes = batches * first.epochs * 2.0 / 60, batches * second.epochs * 4.0 / 60
    assert lines[2] == f"| `plain_rendered` | 80×32 | 16 | {16 * batches} | 2.000 | {minutes[0]:.1f} |"
    assert lines[-2] == f"plain_rendered: {sum(minutes):.1f} min, 1.00 × the first"
    assert lines[-1] == f"plain_rendered+plain_rendered: {2 * sum(minutes):.1f} min, 2.00 × the first"


def test_a_recipe_that_is_not_there(capsys):
    assert steps.main(["plain_rendered+nothing"]) == 1
    assert "nothing" in capsys.readouterr().err

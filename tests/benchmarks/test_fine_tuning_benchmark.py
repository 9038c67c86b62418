"""Fewer people, the same number of steps; and the table."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import keras_reid
from keras_reid import ReIDError, training

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "fine_tuning.py"
specification = importlib.util.spec_from_file_location(PATH.stem, PATH)
fine_tuning = importlib.util.module_from_spec(specification)
specification.loader.exec_module(fine_tuning)


@pytest.fixture(scope="module")
def people():
    return keras_reid.data.load("people")


def test_first_people(people):
    fewer = fine_tuning.first_people(people, 5)
    assert np.array_equal(np.unique(fewer.train.identities), np.unique(people.train.identities)[:5])
    assert (len(fewer.query), len(fewer.gallery)) == (len(people.query), len(people.gallery))
    with pytest.raises(ReIDError, match=r"has 48 people, of whom 2 or more are taken. Received: 49."):
        fine_tuning.first_people(people, 49)


def test_as_many_pictures_are_seen():
    recipe = training.recipe("han_small_ward_tuned")
    adapted = fine_tuning.seeing_as_many(recipe, few=400, all_of_them=1600, people=8)
    assert (adapted.identities, adapted.images) == (8, 8)  # batches of 64, as before
    assert adapted.epochs == 4 * recipe.epochs
    assert fine_tuning.seeing_as_many(recipe, 1600, 1600, 25).epochs == recipe.epochs


def test_one_rate_in_all_stages():
    recipe = training.recipe("han_small_people")
    assert {stage.learning_rate for stage in fine_tuning.at_rate(recipe, 1e-4).stages} == {1e-4}


def test_table(people, monkeypatch, capsys):
    trained = []

    def run(recipe, data, folder, **_):
        trained.append((recipe.name, recipe.weights, data.train.number_of_identities))
        return {"figures": {"rank1": 0.5, "rank5": 0.75, "mAP": 0.25, "mINP": 0.125, "loss": 1.0}}

    monkeypatch.setattr(fine_tuning.training, "run", run)
    arguments = ["--data", "people", "--random", "--rate", "1e-4", "--identities", "2", "48"]
    assert fine_tuning.main(arguments) == 0
    assert trained == [("han_small_ward_tuned_2", None, 2), ("han_small_ward_tuned_48", None, 48)]
    assert capsys.readouterr().out.splitlines() == [
        "| identities | pictures | minutes | rank-1 | rank-5 | mAP | mINP |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| 2 | 20 | 0.0 | 0.500 | 0.750 | 0.250 | 0.125 |",
        "| 48 | 480 | 0.0 | 0.500 | 0.750 | 0.250 | 0.125 |",
    ]
    assert fine_tuning.main(["--data", "people", "--identities", "1", "--random"]) == 1
    assert "Received: 1." in capsys.readouterr().err

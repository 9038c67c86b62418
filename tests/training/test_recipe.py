import functools
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import small_training as small
from hypothesis import given
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.training import Falling, Recipe, Stage


def staged(*epochs, **changes):
    return small.recipe(stages=tuple(Stage((160, 64, 3), number, 0.1) for number in epochs), **changes)


def test_epochs_are_those_of_all_stages():
    assert staged(120, 20).epochs == 140


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4), st.integers(0, 400))
def test_other_numbers_of_epochs_are_shared_out(stages, more):
    epochs = len(stages) + more
    changed = staged(*stages).with_epochs(epochs)
    assert changed.epochs == epochs
    assert all(stage.epochs >= 1 for stage in changed.stages)
    if epochs == sum(stages):
        assert changed == staged(*stages)


def test_stages_keep_their_share():
    assert [stage.epochs for stage in staged(120, 20).with_epochs(7).stages] == [6, 1]


def test_too_few_epochs():
    with pytest.raises(ReIDError) as error:
        staged(120, 20).with_epochs(1)
    assert str(error.value) == "The recipe 'small' has 2 stages of at least one epoch each. Received: epochs=1"


def test_miniature():
    miniature = staged(120, 20, identities=16, images=4, batch_size=64).miniature()
    assert miniature.name == "small_miniature"
    assert miniature.stages == (Stage((64, 32, 3), 1, 0.1), Stage((64, 32, 3), 1, 0.1))
    assert (miniature.identities, miniature.images, miniature.batch_size, miniature.people) == (4, 2, 8, 8)


@pytest.mark.parametrize(
    ("weights", "of_miniature"),
    [("runs/a/a.weights.h5", None), ("imagenet", None), ("published", "published"), (None, None)],
)
def test_a_miniature_needs_no_other_run(weights, of_miniature):
    assert staged(1, weights=weights, network="han_small").miniature().weights == of_miniature


def test_a_miniature_is_never_larger():
    recipe = small.recipe(identities=None, images=None, batch_size=4, people=3)
    miniature = recipe.miniature()
    assert [stage.input_shape for stage in miniature.stages] == [(16, 8, 3), (24, 12, 3)]
    assert (miniature.identities, miniature.images, miniature.batch_size, miniature.people) == (None, None, 4, 3)


def test_a_stage_keeps_what_it_has_of_its_own():
    erased = Stage((160, 64, 3), 200, 0.1, augmentation={"erasing": 0.5}, schedule=Falling(at=(0.5,)))
    recipe = small.recipe(stages=(Stage((160, 64, 3), 50, 0.1), erased))
    for changed in (recipe.miniature(), recipe.with_epochs(5)):
        assert [(stage.augmentation, stage.schedule) for stage in changed.stages] == [
            (None, None),
            ({"erasing": 0.5}, Falling(at=(0.5,))),
        ]
    plain, other = recipe.describe()["stages"]
    assert set(plain) == {"input_shape", "epochs", "learning_rate"}
    assert other == {
        "input_shape": [160, 64, 3],
        "epochs": 200,
        "learning_rate": 0.1,
        "augmentation": {"erasing": 0.5},
        "schedule": {"class": "Falling", "at": [0.5], "factor": 0.1},
    }


def test_no_stage():
    with pytest.raises(ReIDError) as error:
        Recipe("empty", "han_small", stages=(), optimizer=small.adam)
    assert str(error.value) == "The recipe 'empty' needs stages of at least one epoch. Received: ()"


def test_identities_without_images():
    with pytest.raises(ReIDError) as error:
        small.recipe(images=None)
    assert str(error.value) == (
        "The recipe 'small' needs both `identities` and `images`, or neither. Received: identities=4, images=None"
    )


def test_published_weights_are_of_a_name():
    with pytest.raises(ReIDError, match="makes its network by a function, and published weights belong to a name"):
        small.recipe(weights="published")


def test_description_is_json_and_tells_recipes_apart():
    described = small.recipe(network=functools.partial(small.Small, synchronized=True)).describe()
    assert json.loads(json.dumps(described)) == described
    assert described["network"] == {"function": "Small", "arguments": [{"synchronized": True}]}
    assert described["stages"][0] == {"input_shape": [16, 8, 3], "epochs": 2, "learning_rate": 0.02}
    assert described["schedule"] == {"class": "Cosine", "warm_up": 0.2, "end": 0.0}
    assert described["optimizer"]["class"] == "AdamW"
    assert described["optimizer"]["ema_momentum"] == 0.8
    assert small.recipe().describe() == small.recipe().describe()
    assert small.recipe(seed=1).describe() != small.recipe().describe()


@pytest.mark.parametrize("seed", [-1, 1 << 32, 0.5, True, "0"])
def test_bad_seed(seed):
    with pytest.raises(ReIDError) as error:
        small.recipe(seed=seed)
    assert str(error.value) == (
        f"The recipe 'small' needs a whole number from 0 below 2³² as seed. Received: seed={seed!r}"
    )


def test_numbers_and_paths_of_other_kinds():
    recipe = small.recipe(seed=np.int64(3), weights=Path("start.weights.h5"))
    assert (type(recipe.seed), recipe.weights) == (int, "start.weights.h5")
    assert json.loads(json.dumps(recipe.describe()))["weights"] == "start.weights.h5"


def test_an_optimizer_within_another_is_described_alike_each_time():
    recipe = small.recipe(optimizer=lambda rate: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(rate)))
    described = recipe.describe()["optimizer"]
    assert described == recipe.describe()["optimizer"]
    assert (described["class"], described["inner_optimizer"]["class"]) == ("LossScaleOptimizer", "Adam")

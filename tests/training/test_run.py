import json
import signal
from pathlib import Path

import keras
import numpy as np
import processes
import pytest
import small_training as small
import tensorflow as tf

from keras_reid import ReIDError, networks, training
from keras_reid.data.augmentation import Augmentation
from keras_reid.training import Constant, Falling, Stage
from keras_reid.training.epoch_log import read_log
from keras_reid.training.run import _losses

SCRIPT = Path(__file__).with_name("interrupted.py")
ONE_STAGE = (Stage((16, 8, 3), 2, 0.01),)


@pytest.fixture(autouse=True, scope="module")
def _without_graphs():
    """Three steps take less time than tracing one; trainings that are killed, processes of their own, trace theirs."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def train(tmp_path, output="run", people=None, **changes):
    options = {name: changes.pop(name) for name in ("resume", "epochs", "callbacks", "tensorboard") if name in changes}
    recipe = small.recipe(**{"stages": ONE_STAGE, "augmentation": None, "people": people, **changes})
    # Deterministic operations, once switched on, would stay so for all tests of this process.
    data = small.data(tmp_path / "pictures")
    return training.run(recipe, data, tmp_path / output, deterministic=False, verbose=0, **options)


class Stop(keras.callbacks.Callback):
    """Ends a training as Ctrl-C does, in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            raise KeyboardInterrupt


def test_what_a_training_leaves(tmp_path):
    results = train(tmp_path)
    folder = tmp_path / "run"
    assert sorted(path.name for path in folder.iterdir()) == [
        "curve.png",
        "log.csv",
        "recipe.json",
        "run.json",
        "small.weights.h5",
    ]
    assert json.loads((folder / "run.json").read_text()) == results
    assert set(results) == {"recipe", "data", "weights", "figures", "seconds", "devices", "versions"}
    assert set(results["figures"]) == {"loss", "rank1", "rank5", "rank10", "mAP", "mINP"}
    assert results["data"]["splits"][0] == {"split": "train", "images": 24, "identities": 4, "cameras": 3}
    rows = read_log(folder / "log.csv")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert results["figures"]["loss"] == rows[1]["loss"]

    # The figures are those of the weights that are left, without heads.
    model = small.Small()
    model.load_weights(folder / results["weights"])
    found = model.evaluate_retrieval(small.data(tmp_path / "pictures"))
    assert found == pytest.approx({name: results["figures"][name] for name in found})


def test_a_finished_training_is_not_repeated(tmp_path):
    results = train(tmp_path)
    assert train(tmp_path, callbacks=[Stop(0)]) == results
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Stop(0)], resume=False)
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left <= {"log.csv", "recipe.json", "state"}  # or others would go on from the weights of the old one


def test_starting_anew_keeps_the_weights_it_starts_from(tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Stop(0)])
    weights = tmp_path / "run" / "small.weights.h5"
    small.Small().save_weights(weights)
    with pytest.raises(ReIDError, match=r"would start from .* which it replaces"):
        train(tmp_path, name="other", weights=str(weights), resume=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ReIDError, match=r"would start from .* which it replaces"):
        train(tmp_path, name="other", weights="~/run/small.weights.h5", resume=False)
    assert weights.is_file()


def test_other_pictures_of_the_same_names(tmp_path):
    """As two sets of rendered people are, which differ in nothing but their seed."""
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Stop(0)])
    picture = tmp_path / "pictures" / "00.png"
    picture.write_bytes(picture.read_bytes() + b"more")
    with pytest.raises(ReIDError, match=r"holds another training; it differs in data\.digest \("):
        train(tmp_path)


def test_another_training_in_the_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Stop(0)])
    with pytest.raises(ReIDError) as error:
        train(tmp_path, images=3, seed=5)
    assert str(error.value) == (
        f"The folder '{tmp_path / 'run'}' holds another training; it differs in recipe.images (2, now 3), recipe.seed "
        "(0, now 5). Give another folder, or resume=False to discard it."
    )


def test_files_that_no_training_has_left(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.csv").write_text("mine")
    with pytest.raises(ReIDError) as error:
        train(tmp_path)
    assert str(error.value) == (
        f"The folder '{tmp_path / 'run'}' holds log.csv without the recipe.json of a training. Give another folder, or "
        "resume=False to replace them."
    )
    assert (tmp_path / "run" / "log.csv").read_text() == "mine"
    (tmp_path / "run" / "log.csv").rename(tmp_path / "run" / "small.weights.h5")
    with pytest.raises(ReIDError, match=r"holds small\.weights\.h5 without the recipe\.json of a training"):
        train(tmp_path)


def test_every_stage_has_its_own_schedule(tmp_path):
    """Cosines from 0.02 and 0.01, each after a rise of 20 % of the stage's steps."""
    train(tmp_path, stages=(Stage((16, 8, 3), 2, 0.02), Stage((24, 12, 3), 3, 0.01)), evaluate_every=9)
    expected = []
    for rate, steps in ((0.02, 6), (0.01, 9)):
        rise = round(0.2 * steps)
        expected += [rate * (1 + np.cos(np.pi * (step - rise) / (steps - rise))) / 2 for step in range(3, steps + 1, 3)]
    rows = read_log(tmp_path / "run" / "log.csv")
    assert [row["learning_rate"] for row in rows] == pytest.approx(expected, abs=1e-7)
    # Measured at the end of every stage at least.
    assert ["val_mAP" in row for row in rows] == [False, True, False, False, True]


def test_a_stage_with_its_own_schedule_and_augmentation(tmp_path, monkeypatch):
    """As in recipes that begin to erase parts of the pictures after some epochs."""
    made = []

    def augment(**options):
        made.append(options)
        return Augmentation(**options)

    monkeypatch.setattr("keras_reid.data.augment", augment, raising=False)
    falling = Stage((16, 8, 3), 2, 0.01, {"erasing": 0.5, "colour": 0.0}, Falling(at=(0.5,)))
    plain = {"crop": 0.0, "erasing": 0.0, "colour": 0.0}
    train(tmp_path, stages=(Stage((16, 8, 3), 2, 0.01), falling), augmentation=plain, schedule=Constant())
    assert made == [{**plain, "seed": 0}, {"erasing": 0.5, "colour": 0.0, "seed": 0}]
    rows = read_log(tmp_path / "run" / "log.csv")
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.01, 0.01, 0.001, 0.001])  # of the step to come


def test_stages_hand_their_weights_over(tmp_path):
    """A second stage that cannot change anything leaves what the first has learnt."""
    first = train(tmp_path, "first", stages=(Stage((16, 8, 3), 1, 0.02),))
    frozen = (Stage((16, 8, 3), 1, 0.02), Stage((16, 8, 3), 1, 0.0))
    train(tmp_path, "both", stages=frozen)
    one, both = small.Small(), small.Small()
    one.load_weights(tmp_path / "first" / first["weights"])
    both.load_weights(tmp_path / "both" / first["weights"])
    for weight, other in zip(one.trainable_variables, both.trainable_variables, strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-6)


def test_initial_weights(tmp_path):
    """They come from a file where `weights` names one."""
    random = small.Small()
    random.save_weights(tmp_path / "random.weights.h5")
    still = {"stages": (Stage((16, 8, 3), 1, 0.0),), "optimizer": keras.optimizers.SGD, "loss_weights": None}
    results = train(tmp_path, **still, weights=str(tmp_path / "random.weights.h5"), epochs=1)
    trained = small.Small()
    trained.load_weights(tmp_path / "run" / results["weights"])
    for weight, other in zip(random.trainable_variables, trained.trainable_variables, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_the_network_is_the_recipes_whatever_the_weights_were_saved_with(tmp_path):
    path = tmp_path / "other.weights.h5"
    networks.create("han_small", input_shape=(64, 32, 3), branches=("global",)).save_weights(path)
    with pytest.raises(ReIDError, match="do not fit 'han_small'"):
        train(tmp_path, network="han_small", options={}, stages=(Stage((64, 32, 3), 1, 0.1),), weights=str(path))


def test_imagenet_is_for_networks_with_a_backbone(tmp_path):
    with pytest.raises(ReIDError, match="There are no ImageNet weights for 'small'"):
        train(tmp_path, weights="imagenet")


def test_only_some_people(tmp_path):
    results = train(tmp_path, people=3, identities=3)
    assert [(it["split"], it["identities"]) for it in results["data"]["splits"]] == [
        ("train", 3),
        ("query", 3),
        ("gallery", 3),
    ]


def test_other_number_of_epochs(tmp_path):
    results = train(tmp_path, epochs=1)
    assert results["recipe"]["stages"][0]["epochs"] == 1
    assert len(read_log(tmp_path / "run" / "log.csv")) == 1


def test_the_networks_own_loss():
    """AANet's recipes name none: its paper's, the parts' and those that only training has an output for."""
    recipe = training.recipe("aanet_market1501")
    model = networks.create("aanet", identities=2, input_shape=(32, 32, 3), width=4, placement=0)
    losses, weights = _losses(recipe, model)
    assert list(losses) == [*model.branches, "global_features", "alignment"]
    assert set(weights.values()) == {1.0}


def test_unknown_loss_weight(tmp_path):
    with pytest.raises(ReIDError) as error:
        train(tmp_path, loss_weights={"local": 0.5})
    assert str(error.value) == (
        "The recipe 'small' weighs the loss 'local', which there is not. Its losses: global, global_features."
    )


def test_unknown_precision(tmp_path):
    with pytest.raises(ReIDError, match=r"^Expected a dtype policy of Keras, e\.g\. 'mixed_bfloat16'\. "):
        train(tmp_path, precision="half")
    assert keras.config.dtype_policy().name == "float32"


def test_unknown_recipe(tmp_path):
    with pytest.raises(ReIDError, match=r"^There is no recipe 'small'\. "):
        training.run("small", "people", tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("devices", "epochs", "kills"),
    # When it is killed, in which epoch, and which is the last one whole. Epoch 3 is the second stage's first.
    [(1, 5, [("saving", 2, 1), ("batch", 3, 2), ("log", 5, 4)]), (2, 3, [("batch", 3, 2)])],
    ids=["one device", "two devices"],
)
def test_killed_at_any_moment(tmp_path, devices, epochs, kills):
    """With augmentation, moving averages and a schedule; each run is a process of its own.

    One device computes the same to the last bit; of two, the first to be done is added first.
    """

    def start(output, *kill):
        return processes.run(SCRIPT, tmp_path / "pictures", tmp_path / output, devices, *kill)

    whole = start("whole")
    assert whole.returncode == 0, whole.stderr[-3000:]
    state = tmp_path / "cut" / "state"
    for moment, epoch, latest in kills:
        killed = start("cut", moment, epoch)
        assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
        assert [path.name for path in state.glob("epoch-*")] == [f"epoch-{latest:05}.weights.h5"]
        assert not (tmp_path / "cut" / "small.weights.h5").exists()
    resumed = start("cut")
    assert resumed.returncode == 0, resumed.stderr[-3000:]

    expected, found = (read_log(tmp_path / output / "log.csv") for output in ("whole", "cut"))
    assert len(expected) == epochs
    for row, other in zip(expected, found, strict=True):
        del row["seconds"], other["seconds"]
        assert other == (row if devices == 1 else pytest.approx(row, abs=1e-6))
    one, other = small.Small(), small.Small()
    one.load_weights(tmp_path / "whole" / "small.weights.h5")
    other.load_weights(tmp_path / "cut" / "small.weights.h5")
    for weight, value in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(weight, value, rtol=0, atol=0 if devices == 1 else 1e-6)


def test_two_at_once_in_one_folder(tmp_path):
    class Another(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            for options in ({}, {"resume": False}):
                with pytest.raises(ReIDError, match="Another process trains in the folder"):
                    train(tmp_path, **options)

    results = train(tmp_path, callbacks=[Another()])
    assert train(tmp_path) == results


def test_damaged_notes(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Stop(0)])
    damages = [("log.csv", "epoch,loss\n1,much\n"), ("run.json", '{"figures"'), ("recipe.json", '["small"]')]
    for name, damage in damages:
        (tmp_path / "run" / name).write_text(damage)
        with pytest.raises(ReIDError, match=f"{name}' is .*damaged"):
            train(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Stop(0)], resume=False)
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["recipe"]["name"] == "small"


def test_a_training_that_goes_on_needs_no_weights_to_start_from(tmp_path):
    weights = tmp_path / "first.weights.h5"
    small.Small().save_weights(weights)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Stop(1)], weights=str(weights))
    weights.unlink()
    assert train(tmp_path, weights=str(weights))["figures"]["loss"] > 0


def test_numpys_numbers_as_options(tmp_path):
    assert small.recipe(options={"synchronized": np.bool_(False)}).describe()["options"] == {"synchronized": False}

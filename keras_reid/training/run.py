"""A recipe from beginning to end, in runs that can be killed and started again."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.precision import precision
from keras_reid.training.catalogue import recipe as named_recipe
from keras_reid.training.devices import Devices, use_devices
from keras_reid.training.epoch_log import EpochLog, read_log
from keras_reid.training.handing_over import hand_over
from keras_reid.training.imprinting import imprint
from keras_reid.training.recipe import Recipe, Stage
from keras_reid.training.replicas import check_divisible, synchronise
from keras_reid.training.run_folder import RunFolder

if TYPE_CHECKING:
    from keras_reid.data import ReIDData, Split


def run(
    recipe: Recipe | str,
    data: ReIDData | str | None = None,
    output: str | os.PathLike = "run",
    *,
    devices: int = 1,
    epochs: int | None = None,
    resume: bool = True,
    deterministic: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    tensorboard: bool = False,
    verbose: str | int = "auto",
) -> dict[str, Any]:
    """Train by a recipe, and go on with the training if it was begun before.

    The folder `output` gets: `NAME.weights.h5`, the embedding network without heads, as `keras_reid.zoo.load` takes it;
    `run.json`, the recipe, the figures and what they were computed with; `log.csv` with the figures of every epoch;
    `curve.png`, where Matplotlib is installed. All are written whole. While it trains, `state/` holds the last whole
    epoch: killed at any moment and started again with the same arguments, the training repeats the interrupted epoch
    and ends as it would have ended (on the CPU, with `deterministic`, to the last bit). A finished training is not
    repeated.

    Args:
        recipe: A `Recipe`, or one of `recipes()`.
        data: What `keras_reid.data.load` returns, or takes, e.g. "market1501:/data/Market-1501". Defaults to the
            recipe's.
        output: The folder; made if needed. Defaults to "run".
        devices: How many GPUs to train on, or CPU devices for tests. A batch is shared among them, and batch
            normalisation synchronised. Where TF_CONFIG names several workers, this is one of them; see
            `training/README.md`. Defaults to 1.
        epochs: Instead of the recipe's; stages and schedule shrink or grow in proportion. Defaults to None.
        resume: False discards what is in `output` from a training before. Defaults to True.
        deterministic: Whether TensorFlow's operations always add up in the same order; for the whole process, from here
            on. Defaults to True.
        callbacks: Of Keras, for every stage. Their own state is not resumed; weights that one restores when the
            training ends are those that are written, while the figures are of the last epoch.
        tensorboard: Whether to write logs for TensorBoard, too. Defaults to False.
        verbose: As in Keras' `fit`.

    Returns:
        What is in `run.json`: "recipe", "data", "figures" of the last epoch ("loss", and, where the data have queries,
        "rank1", "mAP", …), "weights" (the file's name), "seconds", "devices", "versions".

    Raises:
        ReIDError: no such recipe or data; batches that the devices cannot share; `output` holds the training of
            another recipe or other data, or another process trains there; the training diverged.
    """
    from keras_reid.data import load

    recipe = named_recipe(recipe) if isinstance(recipe, str) else recipe
    recipe = recipe if epochs is None else recipe.with_epochs(epochs)
    with use_devices(devices) as used, precision(recipe.precision):
        check_divisible(*_shared(recipe), used.replicas)
        data = load(data or recipe.data) if data is None or isinstance(data, str) else data
        data = data if recipe.people is None else _first_people(data, recipe.people)
        what = {
            "recipe": recipe.describe(),
            "data": {"name": data.name, "splits": data.summary(), "digest": data.digest()},
        }
        folder = RunFolder(output, used.writes)
        with folder.held():
            results = folder.begin(what, resume)
            if results is not None:
                return results
            keras.utils.set_random_seed(recipe.seed)
            if deterministic and keras.backend.backend() == "tensorflow":
                import tensorflow as tf

                tf.config.experimental.enable_op_determinism()
            if tensorboard and used.writes:
                if importlib.util.find_spec("tensorboard") is None:
                    raise ReIDError("`tensorboard=True` needs TensorBoard: pip install tensorboard")
                callbacks = [*callbacks, keras.callbacks.TensorBoard(folder.path / "tensorboard")]
            model, rows = _train(recipe, data, folder, used, callbacks, verbose if used.writes else 0)
            return folder.finish(model, recipe.name, what, rows, used.replicas)


def _train(
    recipe: Recipe,
    data: ReIDData,
    folder: RunFolder,
    used: Devices,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: str | int,
):
    """All stages that are still to be done; returns the last one's model, and the log."""
    used.check_same("the number of training images", len(data.train))  # waits for the worker that clears the folder
    done = folder.backup.epochs()
    used.check_same("the number of epochs behind them", done)
    rows = read_log(folder.log)
    model, end = None, 0
    for stage in recipe.stages:
        begin, end = end, end + stage.epochs
        if done > end:  # the state is a later stage's, which has had these weights
            continue
        batches = data.train.batches(
            recipe.identities,
            recipe.images,
            batch_cameras=recipe.batch_cameras,
            frames=recipe.options.get("frames", 1),
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            augmentation=_augmentation(recipe, stage),
        )
        # A stage that goes on with something needs no weights to start from, which may be gone by then.
        weights = recipe.weights if model is None and not done else None
        before, model = model, _build(recipe, stage, weights, data.train, len(batches), used)
        if before is not None:
            hand_over(before, model)
        # A state with just the earlier stages behind it is theirs, and its optimizer with it.
        first = folder.backup.restore(model) if folder.backup.epochs() > begin else begin
        if first == 0 and recipe.imprints:
            imprint(model, data.train)
        if first == end:  # killed between two stages: only what `fit` does at its end is missing
            model.optimizer.finalize_variable_values(model.trainable_variables)
            continue
        log = EpochLog(folder.log, first, used.writes)
        rows = log.rows
        model.fit(
            batches,
            initial_epoch=first,
            epochs=end,
            validation_data=data if len(data.query) and len(data.gallery) else None,
            validation_freq=recipe.evaluate_every,
            callbacks=[*callbacks, log, folder.backup],
            verbose=verbose,
        )
    return model, rows


def _build(recipe: Recipe, stage: Stage, weights: str | None, train: Split, steps: int, used: Devices):
    """The compiled model of one stage, which starts from `weights` as `zoo.load` takes them."""
    from keras_reid import networks, zoo
    from keras_reid.zoo.loading import start

    options = {**recipe.options, "input_shape": stage.input_shape, "identities": train.number_of_identities}
    with used.scope():
        if callable(recipe.network):
            model = recipe.network(**options)
            start(model, weights)
        else:
            known = zoo.info(recipe.network)
            # All of them, or `load` would take up those that the weights were saved with.
            options = {**networks.options(known["network"]), **known["options"], **options}
            model = zoo.load(recipe.network, weights=weights, **options)
        if used.replicas > 1:
            synchronise(model)
        rate = (stage.schedule or recipe.schedule)(stage.learning_rate, steps, stage.epochs)
        loss, shares = _losses(recipe, model)
        model.compile(recipe.optimizer(rate), loss, loss_weights=shares)
    return model


def _losses(recipe: Recipe, model) -> tuple[dict[str, Any], dict[str, float]]:
    """The losses and the weight of each, by name."""
    from keras_reid.losses import branch_losses

    if callable(recipe.loss):
        losses = recipe.loss(model.branches)
    else:
        named = model.default_loss() if recipe.loss is None else recipe.loss
        losses = branch_losses(named, model.branches, model.training_outputs)
    weights = dict(recipe.loss_weights or {})
    unknown = sorted(set(weights) - set(losses))
    if unknown:
        raise ReIDError(
            f"The recipe '{recipe.name}' weighs the loss '{unknown[0]}', which there is not. Its losses: "
            f"{', '.join(losses)}."
        )
    return losses, {name: weights.get(name, 1.0) for name in losses}


def _augmentation(recipe: Recipe, stage: Stage) -> keras.layers.Layer | None:
    from keras_reid.data import augment

    chosen = recipe.augmentation if stage.augmentation is None else stage.augmentation
    return None if chosen is None else augment(**chosen, seed=recipe.seed)


def _shared(recipe: Recipe) -> tuple[int, str]:
    """How many of what the devices share equally."""
    return (recipe.batch_size, "images") if recipe.identities is None else (recipe.identities, "identities")


def _first_people(data: ReIDData, number: int) -> ReIDData:
    """The data with the first so many people to train on and to look for, and nothing else."""

    def first(split: Split) -> np.ndarray:
        return np.unique(split.identities[split.identities > 0])[:number]

    def of(split: Split, people: np.ndarray) -> Split:
        return split.take(np.isin(split.identities, people))

    train, asked = first(data.train), first(data.query)
    return dataclasses.replace(
        data, train=of(data.train, train), query=of(data.query, asked), gallery=of(data.gallery, asked)
    )

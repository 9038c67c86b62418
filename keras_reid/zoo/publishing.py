"""Publishing weights: the file, its entry in the manifest and its card, measured and put in place together."""

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_reid
from keras_reid import networks
from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.report import draw_ranked
from keras_reid.zoo import commands
from keras_reid.zoo.card import card
from keras_reid.zoo.checksum import sha256_of
from keras_reid.zoo.exports import write_exports
from keras_reid.zoo.finished_run import FinishedRun, check_chain, draw_course, retrieval_after
from keras_reid.zoo.int8_retrieval import measure_int8
from keras_reid.zoo.latency import measure_latency
from keras_reid.zoo.loading import noted
from keras_reid.zoo.manifest import Entry, Manifest
from keras_reid.zoo.match_threshold import match_rates, measure_thresholds
from keras_reid.zoo.weights import load_into, write

SAME_EMBEDDING = 0.9999  # lowest cosine between the embeddings of float16 and float32 weights


def publish(
    name: str,
    weights: str | Path | keras_reid.ReIDModel | None = None,
    *,
    zoo: str | Path,
    command: str,
    trained_on: str,
    recipe: str | None = None,
    runs: Sequence[str | Path] = (),
    tuned: Sequence[str | Path] = (),
    beside: Sequence[str | Path] = (),
    data: Sequence[str] = ("people",),
    calibrate: str | None = None,
    network: str | None = None,
    options: Mapping[str, Any] | None = None,
    licence: str = "Apache-2.0",
    exports: bool = True,
) -> Entry:
    """Publish one set of weights; an entry of the same name is replaced.

    Args:
        name: What `keras_reid.zoo.load` will be asked for.
        weights: A trained model, or the `.weights.h5` file of one; heads are left out. Or None, with `runs`.
        zoo: The folder with the manifest.
        command: The command that trained it.
        trained_on: The pictures it was trained on, as "Trained on …" goes on.
        recipe: The recipe's name, with `weights`.
        runs: Instead of `weights` and `recipe`, the folders of the finished trainings that it went through, in order.
        tuned: Folders of finished trainings that started from these weights.
        beside: Folders of the finished trainings that another network went through on the same pictures, in order; the
            card compares it.
        data: What to measure on, as `keras_reid.data.load` takes it.
        calibrate: The data set on whose training people the thresholds are chosen; the model must have seen none of
            them. Defaults to None: they are chosen on query and gallery of the first of `data`.
        network: The network's name. Defaults to `name`.
        options: Of the network, instead of those that the weights' file notes and the last run's recipe has.
        licence: Of the weights, an SPDX identifier.
        exports: Whether to export to every format and enter how far each is from the model, what int8 costs in
            retrieval, and the latency.

    Returns:
        The manifest's new entry.

    Raises:
        ReIDError: neither `runs` nor `weights` and `recipe`, or both; a run that is not finished or did not start from
            the one before; weights that do not fit the network, an unknown network or data set, too few people to
            choose thresholds on, or an export that differs too much. Nothing is changed then.
    """
    network, zoo = network or name, Path(zoo)
    trained = [FinishedRun.read(folder) for folder in runs]
    weights, recipe, made_with = _what(weights, recipe, trained)
    tunings = [FinishedRun.read(folder).tuned(name) for folder in tuned]
    others = _other(beside)
    sets = [keras_reid.data.load(spec) for spec in data]
    chosen_on = keras_reid.data.load(calibrate) if calibrate else sets[0]
    for part in ("weights", "cards"):
        (zoo / part).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=zoo / "weights") as scratch:
        folder = Path(scratch)
        source = folder / "source.weights.h5"
        if isinstance(weights, keras_reid.ReIDModel):
            weights.save_weights(source)
        else:
            source = Path(weights)
        given = options or {}
        made_with = {**made_with, **_noted(network, source, given), **given}
        new = folder / "new.weights.h5"
        precision = _write_smallest(network, made_with, source, new, sets[0].query.paths)
        model = _model(network, made_with, new)
        entry = Entry(
            name=name,
            file=f"{name}.weights.h5",
            size=new.stat().st_size,
            sha256=sha256_of(new),
            licence=licence,
            network=network,
            options=made_with,
            image_size=list(model.image_size),
            embedding_size=model.embedding_size,
            parameters=sum(layer.count_params() for layer in model.layers),
            precision=precision,
            recipe={"name": recipe, "command": command},
            trained_on=trained_on,
            runs=[{"recipe": run.recipe, **run.effort} for run in trained],
            curve=_curve(name, trained, folder),
            tuned=tunings,
            beside=others,
            card=f"cards/{name}.md",
            **_measured(name, model, sets, chosen_on, calibrate, folder, exports),
        )
        _put_in_place(entry, folder, zoo, new)
    return entry


def measure_again(
    name: str,
    *,
    zoo: str | Path,
    beside: Sequence[str | Path] = (),
    data: Sequence[str] = ("people",),
    calibrate: str | None = None,
    exports: bool = True,
) -> Entry:
    """Measure published weights anew, when what measures or exports them has changed.

    The weights stay, and so does what the entry says of their training and fine-tuning.

    Args:
        name: What is published.
        zoo: The folder with the manifest.
        beside: As `publish` takes it. Defaults to none: those that the entry has stay.
        data: As `publish` takes it.
        calibrate: As `publish` takes it.
        exports: As `publish` takes it.

    Returns:
        The manifest's new entry.

    Raises:
        ReIDError: nothing of this name is published, its file is not the one that was published, or as `publish`.
            Nothing is changed then.
    """
    zoo = Path(zoo)
    entries = Manifest.read(zoo / "manifest.json").entries
    if name not in entries:
        raise ReIDError(f"Nothing is published as '{name}' in '{zoo}'. Published are: {', '.join(entries) or 'none'}.")
    before = entries[name]
    path = zoo / "weights" / before.file
    if not path.is_file() or sha256_of(path) != before.sha256:
        raise ReIDError(f"'{path}' is missing, or is not the file that was published: SHA-256 {before.sha256}.")
    others = _other(beside) or before.beside
    sets = [keras_reid.data.load(spec) for spec in data]
    chosen_on = keras_reid.data.load(calibrate) if calibrate else sets[0]
    model = _model(before.network, before.options, path)
    with tempfile.TemporaryDirectory(dir=zoo / "weights") as scratch:
        folder = Path(scratch)
        measured = _measured(name, model, sets, chosen_on, calibrate, folder, exports)
        entry = dataclasses.replace(before, beside=others, **measured)
        _put_in_place(entry, folder, zoo, None)
    return entry


def _measured(
    name: str,
    model: keras_reid.ReIDModel,
    sets: Sequence[Any],
    chosen_on: Any,
    calibrate: str | None,
    folder: Path,
    exports: bool,
) -> dict[str, Any]:
    """What of an entry is measured, with the versions that measure it; pictures are drawn into `folder`."""
    thresholds = measure_thresholds(model, chosen_on, training=calibrate is not None)
    nothing: dict[str, Any] = {"exports": None, "int8": [], "latency": []}
    return {
        "figures": [_figures(name, model, found) for found in sets],
        "thresholds": thresholds,
        "match_rates": [row for found in sets for row in match_rates(model, found, thresholds)],
        "matches": _matches(name, model, folder),
        "keras": keras.__version__,
        "version": keras_reid.__version__,
        **(_exported(name, model, sets, folder) if exports else nothing),
    }


def _put_in_place(entry: Entry, folder: Path, zoo: Path, weights: Path | None) -> None:
    """Moves what is new to where it belongs, and writes the card and the manifest."""
    text = card(entry)
    # Read not before now: others may have been published while this one was measured.
    path = zoo / "manifest.json"
    manifest = Manifest.read(path) if path.exists() else Manifest({})
    for picture in entry.pictures:
        if (folder / Path(picture).name).exists():
            os.replace(folder / Path(picture).name, zoo / picture)
    if weights:
        os.replace(weights, zoo / "weights" / entry.file)
    with atomically(zoo / entry.card) as file:
        file.write_text(text, encoding="utf-8")
    manifest.with_entry(entry).write(path)
    before = manifest.entries.get(entry.name)
    for picture in set(before.pictures if before else ()) - set(entry.pictures):
        (zoo / picture).unlink(missing_ok=True)


def _what(weights: Any, recipe: str | None, trained: Sequence[FinishedRun]) -> tuple:
    """The weights, the recipe's name and its options, given or as the last run has them."""
    if bool(trained) == bool(weights or recipe) or bool(weights) != bool(recipe):
        given = {"run": trained, "weights": weights, "recipe": recipe}
        received = ", ".join(key for key, value in given.items() if value) or "none of them"
        raise ReIDError(
            f"Expected the folders of finished trainings (run), or else both weights and recipe. Received: {received}."
        )
    if not trained:
        return weights, recipe, {}
    check_chain(trained)
    last = trained[-1]
    return last.weights, last.recipe, last.options


def _noted(network: str, source: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a weights file notes, where they are not those that the network has by itself."""
    if network not in networks.names():
        return {}  # as `create` will say
    usual = networks.options(network)
    own = {option: value for option, value in noted(source, network, given).items() if value != usual[option]}
    return json.loads(json.dumps(own))  # as the manifest holds them, lists for tuples


def _other(beside: Sequence[str | Path]) -> list[dict[str, Any]]:
    """What the network beside has come to, if there is one."""
    return [retrieval_after([FinishedRun.read(folder) for folder in beside])] if beside else []


def _curve(name: str, trained: Sequence[FinishedRun], folder: Path) -> str | None:
    """Draw the trainings' curve, if there are any."""
    if not trained:
        return None
    draw_course(trained, folder / f"{name}_curve.png")
    return f"cards/{name}_curve.png"


def _matches(name: str, model: keras_reid.ReIDModel, folder: Path) -> str:
    """Draw ranked matches, of bundled people whatever else is measured: they may be shown, as none of them exists."""
    people, title = keras_reid.data.load("people"), f"{name}: ranked matches of rendered people"
    picture = draw_ranked(model, people, queries=5, matches=6, title=title)
    picture.save(folder / f"{name}_matches.jpg", quality=80, optimize=True)
    return f"cards/{name}_matches.jpg"


def _exported(name: str, model: keras_reid.ReIDModel, sets: Sequence[Any], folder: Path) -> dict[str, Any]:
    """What the exported files are worth."""
    return {
        "exports": write_exports(model, folder),
        "int8": [measure_int8(name, model, folder / "int8.tflite", found) for found in sets],
        "latency": measure_latency(folder),
    }


def _model(network: str, options: Mapping[str, Any], path: Path) -> keras_reid.ReIDModel:
    model = networks.create(network, **options)
    load_into(model, path, networks.names())
    return model


def _write_smallest(network: str, options: Mapping[str, Any], source: Path, new: Path, images: Any) -> str:
    """Write the weights in float16 if every picture's embedding stays what it was, else in float32."""
    before = _model(network, options, source).embed(images)
    write(source, new, "float16")
    after = _model(network, options, new).embed(images)
    if np.sum(before * after, axis=1).min() >= SAME_EMBEDDING:
        return "float16"
    write(source, new, "float32")
    return "float32"


def _figures(name: str, model: keras_reid.ReIDModel, data: Any) -> dict[str, Any]:
    measured = {key: round(float(value), 4) for key, value in model.evaluate_retrieval(data).items()}
    counts = {"queries": len(data.query), "gallery": len(data.gallery)}
    return {"data": data.name, **counts, **measured, "command": commands.retrieval(name, data.name)}

"""The main job from end to end, on the bundled people: load, measure, fine-tune, measure, export, draw.

python -m keras_reid.demo            # writes the folder demo/; `make demo` runs it in a checkout
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_reid.cli import console
from keras_reid.errors import ReIDError


@dataclass(frozen=True)
class Settings:
    """What the demo does; about three minutes on two cores, of which the training takes one or two."""

    model: str = "han_small"
    weights: str | None = "published"
    data: str = "people"
    # Half of the pixels that the published weights learnt from, in half of the time. They lose by it, and learn to do
    # with less.
    input_shape: tuple[int, int, int] = (80, 32, 3)
    identities: int = 16
    images: int = 4
    epochs: int = 20
    learning_rate: float = 5e-4
    # Of the weights' moving average, which is what is kept: the last steps on so few people are half chance.
    average: float = 0.95
    loss: str = "cross_entropy+triplet"
    seed: int = 1
    queries_shown: int = 6
    matches_shown: int = 8


def run(folder: Path, settings: Settings) -> dict[str, Any]:
    """Do everything, write the files into `folder`, and return what stands in its report.json.

    Raises:
        ReIDError: a step fails; report.json of an earlier run stays.
    """
    import keras

    import keras_reid

    _check_packages()
    folder.mkdir(parents=True, exist_ok=True)  # what cannot be written is said before minutes of training
    keras.utils.set_random_seed(settings.seed)
    clock = Clock()
    size = "×".join(map(str, settings.input_shape[:2]))
    with clock.step(f"Load {settings.model} for pictures of {size}, read data '{settings.data}'"):
        data = keras_reid.data.load(settings.data)
        people = data.train.number_of_identities
        model = keras_reid.zoo.load(
            settings.model, settings.weights, identities=people, input_shape=settings.input_shape
        )
    with clock.step("Measure before", f"{len(data.query)} queries in a gallery of {len(data.gallery)}"):
        before = model.evaluate_retrieval(data)
    _say_figures(before)
    with clock.step("Fine-tune", f"{settings.epochs} epochs on {len(data.train)} pictures of {people} people"):
        losses = _fine_tune(model, data, settings)
    with clock.step("Measure after"):
        after = model.evaluate_retrieval(data)
    _say_figures(after)
    exports = []
    for what, export in _exports(folder, settings.model, data).items():
        with clock.step(f"Export {what}"):
            exports.append(export(model))
        report = exports[-1]
        console.say(f"    {report.size / 1e6:.2f} MB, lowest cosine to the Keras model {report.lowest_cosine:.6f}")
    with clock.step("Draw matches and attention"):
        pictures = _draw(folder, model, data, settings)

    result = {
        "model": settings.model,
        "data": {"name": data.name, "splits": data.summary()},
        "before": before,
        "after": after,
        "training": {**dataclasses.asdict(settings), "loss_by_epoch": losses},
        "exports": [report.to_dict() for report in exports],
        "pictures": pictures,
        "seconds": clock.seconds,
        "versions": _versions(),
    }
    _write_report(folder / "report.json", result)
    return result


class Clock:
    """Announces steps and keeps how long each took, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        console.say(f"{name}: {detail}" if detail else name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 2)
        console.say(f"    {self.seconds[name]:.1f} s")


def _check_packages() -> None:
    """Say at once what the last export would miss."""
    missing = [name for name in ("onnx", "onnxruntime", "tf2onnx") if importlib.util.find_spec(name) is None]
    if missing:
        raise ReIDError(
            f"The demo exports to ONNX, too, and misses {', '.join(missing)}: pip install 'keras-reid[onnx]'."
        )


def _fine_tune(model, data, settings: Settings) -> list[float]:
    """Train all weights a little; the loss of each epoch."""
    import keras

    from keras_reid.data import augment
    from keras_reid.training import imprint

    batches = data.train.batches(
        identities=settings.identities,
        images=settings.images,
        seed=settings.seed,
        augmentation=augment(seed=settings.seed),
    )
    imprint(model, data.train)
    # Down to nothing at the end, so that the last steps settle what the first ones stirred.
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * len(batches))
    optimizer = keras.optimizers.AdamW(rate, weight_decay=5e-4, use_ema=True, ema_momentum=settings.average)
    model.compile(optimizer=optimizer, loss=settings.loss)
    history = model.fit(batches, epochs=settings.epochs, verbose="auto" if console.for_people() else 2)
    return [float(loss) for loss in history.history["loss"]]


def _exports(folder: Path, name: str, data) -> dict[str, Callable]:
    from keras_reid.export import to_onnx, to_saved_model, to_tflite

    representative = data.train.paths[::2]  # some hundred are enough
    return {
        "SavedModel": lambda model: to_saved_model(model, folder / f"{name}_saved_model"),
        "LiteRT float32": lambda model: to_tflite(model, folder / f"{name}.tflite"),
        "LiteRT float16": lambda model: to_tflite(model, folder / f"{name}_float16.tflite", quantize="float16"),
        "LiteRT int8": lambda model: to_tflite(
            model, folder / f"{name}_int8.tflite", quantize="int8", representative=representative
        ),
        "ONNX": lambda model: to_onnx(model, folder / f"{name}.onnx"),
    }


def _draw(folder: Path, model, data, settings: Settings) -> dict[str, str]:
    """Ranked matches and attention of some queries, spread over the people."""
    from keras_reid.data import read_image
    from keras_reid.pictures import draw_attention
    from keras_reid.report import draw_ranked, spread

    matches, attention = folder / "matches.png", folder / "attention.png"
    after = f"{settings.model} after fine-tuning"
    shown = {"queries": settings.queries_shown, "matches": settings.matches_shown}
    draw_ranked(model, data, matches, **shown, title=f"{after}: ranked matches")
    query = spread(data.query, settings.queries_shown)
    draw_attention(
        [read_image(path) for path in query.paths],
        model.attention(query.paths),
        attention,
        names=[f"person {identity}" for identity in query.identities],
        title=f"{after}: attention",
    )
    return {"matches": str(matches), "attention": str(attention)}


def _say_figures(figures: dict[str, float]) -> None:
    console.say("    " + "  ".join(f"{console.FIGURES[name]} {value:.3f}" for name, value in figures.items()))


def _versions() -> dict[str, str]:
    import keras
    import tensorflow as tf

    import keras_reid

    own = {"keras_reid": keras_reid.__version__, "keras": keras.__version__, "tensorflow": tf.__version__}
    return {**own, "python": platform.python_version(), "machine": platform.machine()}


def _write_report(path: Path, result: dict[str, Any]) -> None:
    from keras_reid.files import atomically

    with atomically(path) as new:
        new.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _say_where(folder: Path, result: dict[str, Any]) -> None:
    rows = [(console.FIGURES[name], result["before"][name], result["after"][name]) for name in result["before"]]
    console.show_table(("", "before", "after"), rows, title=f"{result['model']} on '{result['data']['name']}'")
    files = [export["path"] for export in result["exports"]] + list(result["pictures"].values())
    print(f"Done in {sum(result['seconds'].values()):.0f} s. Everything is in {folder.resolve()}:")
    for file in [*files, str(folder / "report.json")]:
        print(f"  {file}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo and exit: 0, or 1 with one message if a step failed."""
    parser = argparse.ArgumentParser(prog="python -m keras_reid.demo", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", default="demo", type=Path, help="where to write (default: demo)")
    folder = parser.parse_args(arguments).folder
    try:
        with console.working():
            result = run(folder, Settings())
    except (ReIDError, OSError) as error:
        console.say(f"Error: {error}")
        sys.exit(1)
    _say_where(folder, result)


if __name__ == "__main__":
    main()

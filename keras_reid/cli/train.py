"""`keras-reid train`."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from keras_reid.cli import console, options


def train(
    recipe: Annotated[
        str, typer.Option(metavar="NAME", help="What to train and how: see 'keras-reid list --recipes'.")
    ],
    data: Annotated[
        str | None,
        typer.Option(metavar="SET", help="FORMAT:FOLDER, e.g. market1501:/data/Market-1501. Default: the recipe's."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write. Default: runs/NAME.")
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="How many GPUs share every batch.")] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's; its schedule follows.")] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="Where to start instead of the recipe's: a .weights.h5 file, such as of ImageNet's where there is no "
            "Internet, or 'none' for random ones.",
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="Of the computations, in place of the recipe's: 'float32'; 'mixed_bfloat16', which is faster on GPUs "
            "and on processors that have bfloat16; 'mixed_float16'.",
        ),
    ] = None,
    miniature: Annotated[
        bool,
        typer.Option(
            "--miniature", help="Cut down to a minute or two: small pictures, eight people, one epoch a stage."
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume/--restart", help="Go on with what was begun in the folder, or discard it.")
    ] = True,
    deterministic: Annotated[
        bool,
        typer.Option("--deterministic/--fast", help="Repeatable to the last bit on a CPU; or, on a GPU, faster."),
    ] = True,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write logs for TensorBoard.")] = False,
    json: options.Json = False,
) -> None:
    """Train a network by a recipe, and measure it.

    Interrupted or killed, it goes on where it was when it is started again with the same arguments. The folder gets the
    weights (for --weights of the other commands), run.json, log.csv and curve.png. On several machines, start it on
    each with TF_CONFIG set.
    """
    with console.working():
        from keras_reid import training

        chosen = training.recipe(recipe)
        if miniature:
            chosen = chosen.miniature()
        if weights is not None:
            chosen = dataclasses.replace(chosen, weights=None if weights == "none" else weights)
        if precision is not None:
            chosen = dataclasses.replace(chosen, precision=precision)
        folder = output or Path("runs", chosen.name)
        found = training.run(
            chosen,
            data,
            folder,
            devices=devices,
            epochs=epochs,
            resume=resume,
            deterministic=deterministic,
            tensorboard=tensorboard,
            verbose="auto" if console.for_people() else 2,
        )
    if json:
        console.show_json({"folder": folder, **found})
        return
    names = [console.FIGURES.get(name, name) for name in found["figures"]]
    console.show_table(("recipe", "data", *names), [(chosen.name, found["data"]["name"], *found["figures"].values())])
    print(f"Weights: {folder / found['weights']}")

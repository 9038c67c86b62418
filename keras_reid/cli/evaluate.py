"""`keras-reid evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_reid.cli import console, options


def evaluate(
    data: options.Data,
    model: options.ModelName = "han_small",
    weights: options.Weights = "published",
    rerank: Annotated[bool, typer.Option("--rerank", help="Re-rank by k-reciprocal encoding.")] = False,
    flip: options.Flip = False,
    export: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="An exported file of the same model, to be measured beside it. May be given several times.",
            show_default=False,
        ),
    ] = None,
    batch_size: options.BatchSize = 64,
    json: options.Json = False,
) -> None:
    """Measure how well a model finds people again.

    Every query of the data set is searched in its gallery: rank-1, rank-5, rank-10, mAP and mINP, from 0 to 1. With
    --export also for how many queries the nearest picture that the file finds shows the same person as the model's, and
    for how many it is the same picture.
    """
    if export and (rerank or flip):
        raise typer.BadParameter("goes without --rerank and --flip.", param_hint="'--export'")
    with console.working():
        from keras_reid import data as sets

        found = sets.load(data)
        network = options.load_model(model, weights)
        if export:
            from keras_reid.export import compare_retrieval

            rows = compare_retrieval(network, export, found, batch_size=batch_size, progress=True)
        else:
            rows = [network.evaluate_retrieval(found, batch_size=batch_size, flip=flip, rerank=rerank, progress=True)]
    rows[0]["model"] = model
    counts = {"queries": len(found.query), "gallery": len(found.gallery)}
    if json:
        exports = {"exports": rows[1:]} if export else {}
        shown = {"data": data, "model": model, "rerank": rerank, "flip": flip, **counts}
        console.show_json({**shown, **rows[0], **exports})
        return
    names = [name for name in console.FIGURES if name in rows[0]]
    console.show_table(
        ("model", "data", *counts, *(console.FIGURES[name] for name in names)),
        [(row["model"], data, *counts.values(), *(row[name] for name in names)) for row in rows],
    )

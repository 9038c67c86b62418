"""`keras-reid evaluate`."""

from typing import Annotated

import typer

from keras_reid.cli import console, options


def evaluate(
    data: options.Data,
    model: options.ModelName = "han_small",
    weights: options.Weights = "published",
    rerank: Annotated[bool, typer.Option("--rerank", help="Re-rank by k-reciprocal encoding.")] = False,
    flip: options.Flip = False,
    batch_size: options.BatchSize = 64,
    json: options.Json = False,
) -> None:
    """Measure how well a model finds people again.

    Every query of the data set is searched in its gallery: rank-1, rank-5, rank-10, mAP and mINP, from 0 to 1.
    """
    with console.working():
        from keras_reid import data as sets

        found = sets.load(data)
        network = options.load_model(model, weights)
        figures = network.evaluate_retrieval(found, batch_size=batch_size, flip=flip, rerank=rerank, progress=True)
    counts = {"queries": len(found.query), "gallery": len(found.gallery)}
    if json:
        console.show_json({"data": data, "model": model, "rerank": rerank, "flip": flip, **counts, **figures})
        return
    columns = ("model", "data", *counts, *(console.FIGURES[name] for name in figures))
    console.show_table(columns, [(model, data, *counts.values(), *figures.values())])

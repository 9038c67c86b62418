"""`keras-reid evaluate`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from keras_reid.cli import console, options


def evaluate(
    data: options.Data,
    model: options.ModelName = "han_small",
    weights: options.Weights = "published",
    rerank: Annotated[bool, typer.Option("--rerank", help="Re-rank by k-reciprocal encoding.")] = False,
    protocol: Annotated[
        Literal["standard", "multi_query", "tracklets", "single_shot"] | None,
        typer.Option(help="How to measure.", show_default="the data set's own"),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            help="Also write a report: curves, worst queries, camera pairs, thresholds.",
        ),
    ] = None,
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
    if export and (protocol or report):
        raise typer.BadParameter("goes without --protocol and --report.", param_hint="'--export'")
    with console.working():
        from keras_reid import data as sets

        found = sets.load(data)
        network = options.load_model(model, weights)
        files: dict[str, Path] = {}
        if export:
            from keras_reid.export import compare_retrieval

            rows = compare_retrieval(network, export, found, batch_size=batch_size, progress=True)
        elif report is not None:
            rows, files = _reported(network, found, f"{model} on {data}", rerank, protocol, flip, batch_size, report)
        else:
            rows = [
                network.evaluate_retrieval(
                    found, batch_size=batch_size, flip=flip, rerank=rerank, progress=True, protocol=protocol
                )
            ]
    rows[0]["model"] = model
    by = protocol or found.protocol
    counts = {
        name: len(split) if by != "tracklets" or split.tracklets is None else len(set(split.tracklets.tolist()))
        for name, split in (("queries", found.query), ("gallery", found.gallery))
    }
    if json:
        more = {"exports": rows[1:]} if export else {"report": files} if files else {}
        shown = {"data": data, "model": model, "rerank": rerank, "flip": flip, "protocol": by}
        console.show_json({**shown, **counts, **rows[0], **more})
        return
    names = [name for name in console.FIGURES if name in rows[0]]
    console.show_table(
        ("model", "data", *counts, *(console.FIGURES[name] for name in names)),
        [(row["model"], data, *counts.values(), *(row[name] for name in names)) for row in rows],
    )
    if files:
        print(f"Report: {files['html']}, {files['markdown']}")


def _reported(network, data, title, rerank, protocol, flip, batch_size, folder) -> tuple[list[dict], dict[str, Path]]:
    from keras_reid.report import measure, write_report

    def embed(paths: Any) -> Any:
        return network.embed(paths, batch_size=batch_size, flip=flip, progress=True)

    measured = measure(data, embed, title + ", re-ranked" * rerank, rerank, protocol)
    return [dict(measured.figures)], write_report(measured, folder)

"""`keras-reid match`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_reid.cli import console, options


def match(
    query: Annotated[
        list[Path], typer.Option(metavar="PATH", help="Who to look for: a picture or a folder; can be given again.")
    ],
    gallery: Annotated[
        list[Path], typer.Option(metavar="PATH", help="Where to look: a picture or a folder; can be given again.")
    ],
    model: options.ModelName = "han_small",
    weights: options.Weights = "published",
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="How many gallery pictures a query.")] = 5,
    threshold: Annotated[
        float | None,
        typer.Option(min=-1, max=1, help="Least cosine similarity of a match: see 'keras-reid info MODEL'."),
    ] = None,
    picture: options.MatchesPicture = None,
    rows: options.Rows = 8,
    flip: options.Flip = False,
    batch_size: options.BatchSize = 64,
    on_error: options.OnError = "raise",
    json: options.Json = False,
) -> None:
    """Find the people of the query pictures in the gallery.

    Prints for each query the most similar gallery pictures, best first.
    Where all files are named as Market-1501's or WARD's (0001_c1…: identity and camera), right and wrong matches are
    told apart, and gallery pictures of the query's own identity and camera are left out, as in evaluation.
    """
    with console.working():
        found = _search(query, gallery, options.load_model(model, weights), top, threshold, batch_size, flip, on_error)
    if json:
        console.show_json({"model": model, **found, "picture": picture})
    else:
        _show(found)
    if picture is None:
        return
    with console.working():  # after what was found is told, which took longer
        from keras_reid.cli.crops import draw_found

        draw_found(found["queries"][:rows], picture)
    if not json:
        print(f"Picture: {picture}")


def _show(found) -> None:
    console.say_skipped([(item["path"], item["reason"]) for item in found["skipped"]])
    if any(item["right"] is not None for asked in found["queries"] for item in asked["matches"]):
        console.say("Identity and camera are read from the names; a query's own person in its own camera is left out.")
    marks = {True: "right", False: "wrong", None: ""}
    lines = [
        (asked["query"] if rank == 1 else "", rank, item["path"], item["similarity"], marks[item["right"]])
        for asked in found["queries"]
        for rank, item in enumerate(asked["matches"] or [_NOBODY], start=1)
    ]
    console.show_table(("query", "rank", "gallery", "similarity", ""), lines, floats=".4f")
    firsts = [asked["matches"][0]["right"] for asked in found["queries"] if asked["matches"]]
    if firsts and None not in firsts:
        print(f"The first match is right for {sum(firsts)} of {len(found['queries'])} queries.")


_NOBODY = {"path": "nobody", "similarity": None, "right": None}


def _search(query, gallery, network, top, threshold, batch_size, flip, on_error):
    from keras_reid.cli.crops import embed_pictures, find_pictures, identities_and_cameras, printed
    from keras_reid.data.table import DISTRACTOR
    from keras_reid.evaluation import top_matches

    asked = embed_pictures(network, find_pictures(query), batch_size, flip, on_error, "Query")
    searched = embed_pictures(network, find_pictures(gallery), batch_size, flip, on_error, "Gallery")
    labels = identities_and_cameras([*asked.paths, *searched.paths])
    known = {}
    if labels is not None:
        border = len(asked.paths)
        known = {"query_ids": labels[0][:border], "query_cams": labels[1][:border]}
        known |= {"gallery_ids": labels[0][border:], "gallery_cams": labels[1][border:]}
    ranked = top_matches(asked.vectors, searched.vectors, top, **known)
    similarities = printed(ranked.similarities)
    queries = []
    for number, path in enumerate(asked.paths):
        person = known["query_ids"][number] if known else DISTRACTOR
        matches = [
            {
                "path": searched.paths[index],
                "similarity": similarity,
                "right": bool(person == known["gallery_ids"][index]) if known and person > DISTRACTOR else None,
            }
            for index, similarity in zip(ranked.indices[number], similarities[number].tolist(), strict=True)
            if index >= 0 and (threshold is None or similarity >= threshold)
        ]
        queries.append({"query": path, "matches": matches})
    skipped = console.skipped_json([*asked.skipped, *searched.skipped])
    return {"threshold": threshold, "queries": queries, "skipped": skipped}

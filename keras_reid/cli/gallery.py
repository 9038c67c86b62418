"""`keras-reid gallery`: crops that are kept, and searched later."""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_reid.cli import console, options
from keras_reid.errors import ReIDError

_DRAWN = ("none", "imagenet")  # weights of which some are drawn at random each time

Folder = Annotated[
    Path, typer.Argument(metavar="GALLERY", callback=lambda path: path.expanduser(), help="The gallery's folder.")
]


def add(
    folder: Folder,
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE", help="Pictures, or folders of pictures.", show_default=False)
    ],
    model: options.ModelName = "han_small",
    weights: options.Weights = "published",
    camera: Annotated[
        int | None, typer.Option(min=0, help="Camera of all of them. Without it, what names like 0001_c2… say.")
    ] = None,
    file_times: Annotated[
        bool, typer.Option("--file-times", help="Take the files' times as the times of the pictures.")
    ] = False,
    flip: options.Flip = False,
    batch_size: options.BatchSize = 64,
    on_error: options.OnError = "raise",
    json: options.Json = False,
) -> None:
    """Add pictures to a gallery; it is made where it does not exist.

    Pictures that it has already, by their paths, stay as they are: stopped, the same command goes on; given a folder
    that grows, it adds what is new.
    """
    with console.working():
        from keras_reid.cli.crops import cameras_by_name, check_some_read, embedded_blocks, find_pictures
        from keras_reid.gallery import Gallery
        from keras_reid.gallery.store import holds_gallery
        from keras_reid.lock import locked

        found = find_pictures(pictures)
        if weights in _DRAWN:
            raise _drawn_anew(weights)
        if (own := Path(weights).expanduser()).is_file():
            weights = str(own.resolve())  # as it is found from any folder
        network = options.load_model(model, weights)
        about = _about(network, model, weights)
        ids: list[int] = []
        skipped: list[tuple[str, str]] = []
        gallery = _opened(folder, about) if holds_gallery(folder) else None
        there, last = _paths(gallery)
        places = {path: str(Path(path).resolve()) for path in found}
        new = [path for place, path in {places[path]: path for path in found}.items() if place not in there]
        for block in embedded_blocks(network, new, batch_size, flip, on_error, "Embedding"):
            skipped += block.skipped
            if not block.paths:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder / ".adding"):  # or another command could make it, or add one of these, at the same time
                if gallery is None and holds_gallery(folder):
                    gallery = _opened(folder, about)
                elif gallery is None:
                    gallery = Gallery(network.embedding_size, about=about)
                    gallery.save(folder)
                later, last = _paths(gallery, last)
                there |= later
                rows = [row for row, path in enumerate(block.paths) if places[path] not in there]
                paths = [block.paths[row] for row in rows]
                if rows:
                    cameras = cameras_by_name(paths) if camera is None else [camera] * len(rows)
                    times = [Path(path).stat().st_mtime for path in paths] if file_times else None
                    ids += gallery.add(block.vectors[rows], cameras, times, [places[path] for path in paths]).tolist()
        if gallery is None:
            check_some_read(new, skipped)
        count = 0 if gallery is None else len(gallery)
    already = len(found) - len(ids) - len(skipped)
    if json:
        added = {"added": ids, "already": already, "crops": count, "skipped": console.skipped_json(skipped)}
        console.show_json({"gallery": folder, **added})
        return
    console.say_skipped(skipped)
    print(f"{folder}: {len(ids):,} added, {f'{already:,} were there, ' if already else ''}{count:,} crops")


def search(
    folder: Folder,
    query: Annotated[
        list[Path], typer.Option(metavar="PATH", help="Who to look for: a picture or a folder; can be given again.")
    ],
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="How many crops a query.")] = 5,
    camera: Annotated[
        list[int] | None, typer.Option(help="Only crops of this camera; can be given again.", show_default="all")
    ] = None,
    since: Annotated[float | None, typer.Option(help="Only crops from this time on, in seconds.")] = None,
    until: Annotated[float | None, typer.Option(help="Only crops before this time, in seconds.")] = None,
    threshold: Annotated[float | None, typer.Option(min=-1, max=1, help="Least cosine similarity of a match.")] = None,
    picture: options.MatchesPicture = None,
    rows: options.Rows = 8,
    flip: options.Flip = False,
    batch_size: options.BatchSize = 64,
    json: options.Json = False,
) -> None:
    """Find people in a gallery, by the model that it was filled with."""
    with console.working():
        from keras_reid.cli.crops import draw_found, embed_pictures, find_pictures, printed
        from keras_reid.gallery import Gallery

        gallery = Gallery.load(folder)
        about = _noted(folder, gallery)
        network = options.load_model(about["model"], about["weights"])
        _check_same(folder, about, _about(network, about["model"], about["weights"]))
        asked = embed_pictures(network, find_pictures(query), batch_size, flip, "raise", "Query")
        top = min(top, max(1, len(gallery)))  # room is made for as many
        found = gallery.search(asked.vectors, top, cameras=camera or None, since=since, until=until)
        queries: list[dict[str, Any]] = []
        for path, ids, similarities in zip(asked.paths, found.ids, found.similarities, strict=True):
            entries = gallery.entries(ids[ids >= 0])
            matches = [
                {**entry._asdict(), "time": None if entry.time != entry.time else entry.time, "similarity": value}
                for entry, value in zip(entries, printed(similarities).tolist(), strict=False)
                if threshold is None or value >= threshold
            ]
            queries.append({"query": path, "matches": matches})
    if json:
        console.show_json({"gallery": folder, **about, "queries": queries, "picture": picture})
    else:
        _show(queries)
    if picture is None:
        return
    with console.working():  # after what was found is told, since a crop may have left its place
        draw_found(queries[:rows], picture)
    if not json:
        print(f"Picture: {picture}")


def _show(queries: list[dict[str, Any]]) -> None:
    nobody: dict[str, Any] = {"path": "nobody", "camera": None, "time": None, "similarity": None}
    lines = [
        (one["query"] if rank == 1 else "", rank, item["path"], item["camera"], item["time"], item["similarity"])
        for one in queries
        for rank, item in enumerate(one["matches"] or [nobody], start=1)
    ]
    console.show_table(("query", "rank", "crop", "camera", "time", "similarity"), lines, floats=".4f")


def remove(
    folder: Folder,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PICTURE", help="Pictures, or folders, whose crops are forgotten.")
    ],
    json: options.Json = False,
) -> None:
    """Forget pictures, for good: their vectors leave the disk."""
    with console.working(keras=False):
        from keras_reid.gallery import Gallery

        gallery = Gallery.load(folder)
        # Commands note whole paths; Python programs what they were given.
        # "." is a parent of all of the latter, wherever they lie, and even of no path.
        asked = {place: path for path in paths for place in {path, path.resolve()} - {Path(".")}}
        gone: list[int] = []
        met: set[Path] = set()
        # Also what is removed and still on the disk, as where this command was killed before it could save.
        for entry in gallery.entries(gallery.ids):
            if places := {Path(entry.path), *Path(entry.path).parents} & asked.keys():
                gone.append(entry.id)
                met |= {asked[place] for place in places}
        removed = gallery.remove(gone)
        if gone:
            gallery.save()
        count = len(gallery)
    if json:
        console.show_json({"gallery": folder, "removed": removed, "crops": count})
    else:
        print(f"{folder}: {removed:,} removed, {count:,} crops")
    if unmet := [str(path) for path in paths if path not in met]:
        raise ReIDError(f"'{folder}' has no crops of {', '.join(unmet)}.")


def info(folder: Folder, json: options.Json = False) -> None:
    """Count crops and cameras."""
    with console.working(keras=False):
        import numpy as np

        from keras_reid.gallery import Gallery

        gallery = Gallery.load(folder)
        chosen = gallery.chosen()
        cameras = sorted({entry.camera for entry in gallery.entries(gallery.ids[np.flatnonzero(chosen)])} - {-1})
        row = {"crops": len(gallery), "dimensions": gallery.dimensions, "cameras": len(cameras), **gallery.about}
    if json:
        console.show_json({"gallery": folder, **row})
        return
    console.show_table(tuple(row), [tuple(row.values())], title=str(folder))


def _about(network, model: str, weights: str) -> dict[str, str]:
    """What a gallery notes of the model that fills it; the checksum, because a file may be written anew."""
    from keras_reid import zoo
    from keras_reid.zoo.checksum import sha256_of
    from keras_reid.zoo.imagenet import holds_imagenet

    if weights == "published":
        return {"model": model, "weights": weights, "sha256": zoo.info(model)["sha256"]}
    if weights in _DRAWN or holds_imagenet(network, weights):
        raise _drawn_anew(weights)
    return {"model": model, "weights": weights, "sha256": sha256_of(weights)}


def _drawn_anew(weights: str) -> ReIDError:
    return ReIDError(f"`--weights {weights}` draws other weights each time: no two of their vectors can be compared.")


def _noted(folder: Path, gallery) -> dict[str, str]:
    about = gallery.about
    if not {"model", "weights", "sha256"} <= about.keys():
        raise ReIDError(f"'{folder}' does not say which model it was filled with: add to it, and search it, in Python.")
    return about


def _check_same(folder: Path, noted: dict[str, str], asked: dict[str, str]) -> None:
    if (noted["model"], noted["sha256"]) == (asked["model"], asked["sha256"]):
        return
    filled = f"'{folder}' was filled with {noted['model']} ({noted['weights']})"
    if (noted["model"], noted["weights"]) == (asked["model"], asked["weights"]):
        raise ReIDError(
            f"{filled} when these were other weights: vectors of now cannot be compared with its own. Embed its crops "
            "anew, in another folder."
        )
    raise ReIDError(
        f"{filled}, whose vectors cannot be compared with those of {asked['model']} ({asked['weights']}): name that "
        "model, or another folder."
    )


def _paths(gallery, after: int = -1) -> tuple[set[str], int]:
    """The paths of the crops with higher ids than `after`, and the highest id."""
    if gallery is None:
        return set(), after
    gallery.refresh()
    ids, chosen = gallery.ids, gallery.chosen()
    found = {entry.path for entry in gallery.entries(ids[chosen & (ids > after)])}
    return found, int(ids.max(initial=after))


def _opened(folder: Path, about: dict[str, str]):
    from keras_reid.gallery import Gallery

    gallery = Gallery.load(folder)
    _check_same(folder, _noted(folder, gallery), about)
    return gallery

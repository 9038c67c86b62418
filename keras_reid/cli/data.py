"""`keras-reid data`: what a data set holds, pictures to try things on, and rendering more of them."""

import re
import shutil
from pathlib import Path
from typing import Annotated

import typer

from keras_reid.cli import console, options
from keras_reid.errors import ReIDError


def info(
    data: Annotated[
        str, typer.Argument(metavar="SET", help="FORMAT:FOLDER, e.g. market1501:/data/Market-1501; or 'people'.")
    ],
    json: options.Json = False,
) -> None:
    """Count images, identities and cameras."""
    with console.working(keras=False):
        from keras_reid import data as sets

        found = sets.load(data)
        rows = found.summary()
    if json:
        console.show_json({"name": found.name, "root": found.root, "splits": rows})
        return
    console.show_table(tuple(rows[0]), [tuple(row.values()) for row in rows], title=f"{found.name}: {found.root}")


def copy(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that does not exist yet.")],
    json: options.Json = False,
) -> None:
    """Copy the bundled people, to try commands on.

    The folder gets train/, query/ and gallery/ with 864 pictures of rendered people.
    """
    with console.working(keras=False):
        from keras_reid import data as sets

        if folder.exists():
            raise ReIDError(f"'{folder}' exists already: give the name of a folder that does not.")
        found = sets.load("people")
        half = folder.with_name(f".{folder.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        for split in found.splits.values():
            (half / split.name).mkdir(parents=True)
            for path in split.paths:  # the bytes alone: an installation's files may be read-only
                shutil.copyfile(path, half / split.name / Path(path).name)
        half.rename(folder)
    count = sum(len(split) for split in found.splits.values())
    if json:
        console.show_json({"folder": folder, "pictures": count})
        return
    print(f"{folder}: {count} pictures in train/, query/ and gallery/")


def render(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Appears when it is complete.")],
    identities: Annotated[int, typer.Option(help="People to learn from.")] = 3000,
    test_identities: Annotated[int, typer.Option(help="Further people, for query and gallery.")] = 100,
    images: Annotated[int, typer.Option(help="Pictures of each person.")] = 20,
    views: Annotated[int, typer.Option(help="Cameras that see each person.")] = 8,
    cameras: Annotated[int, typer.Option(help="Cameras that see the people to learn from.")] = 120,
    test_cameras: Annotated[int, typer.Option(help="Further ones, which see those of query and gallery.")] = 40,
    size: Annotated[str, typer.Option(metavar="HEIGHTxWIDTH", help="Of the pictures, at most 384x192.")] = "160x64",
    seed: Annotated[int, typer.Option(help="Another one gives other people.")] = 0,
    clothes: Annotated[
        str,
        typer.Option(
            metavar="WHICH",
            help="'body': shaped from the body's own mesh; 'download': MakeHuman's too, 12 MB; or a folder of those.",
        ),
    ] = "body",
    processes: Annotated[
        int | None, typer.Option(min=1, help="Default: one for each core. The pictures do not depend on it.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Render people who do not exist, to learn from.

    Needs the extra 'people'. The folder is in Market-1501's layout, with truth.csv, what is known about every picture,
    a montage and a data card. Interrupted or killed, it goes on where it was when it is started again with the same
    arguments.
    """
    with console.working(keras=False):
        from keras_reid.shipped import shipped_package

        people = shipped_package("training", "people")
        measures = re.fullmatch(r"(\d+)x(\d+)", size)
        if measures is None:
            raise typer.BadParameter(
                f"Must be HEIGHTxWIDTH in pixels, such as 160x64. Received: '{size}'.", None, None, "--size"
            )
        settings = people.Settings(
            identities=identities,
            test_identities=test_identities,
            images=images,
            views=views,
            cameras=cameras,
            test_cameras=test_cameras,
            height=int(measures[1]),
            width=int(measures[2]),
            seed=seed,
        )
        folder = {"body": None, "download": people.downloaded}.get(clothes, lambda: clothes)
        with console.counting("Pictures") as progress:
            found = people.render(out, settings, folder and folder(), processes, progress)
    if json:
        console.show_json({"folder": out, **found})
        return
    rows = [(split, count) for split, count in found["pictures"].items()]
    console.show_table(("split", "pictures"), rows, title=str(out))

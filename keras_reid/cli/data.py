"""`keras-reid data`: what a data set holds, and pictures to try things on."""

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
    with console.working():
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
    with console.working():
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

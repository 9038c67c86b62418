"""Options that several commands share, so that they have one name and one help text everywhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from keras_reid.errors import ReIDError

ModelName = Annotated[
    str, typer.Option("--model", "-m", metavar="NAME", help="Name of a model: see 'keras-reid list'.")
]
Weights = Annotated[
    str,
    typer.Option(
        metavar="WHICH",
        help="'published', 'none' for random ones, or a .weights.h5 file, such as your own after training.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="SET", help="FORMAT:FOLDER, e.g. market1501:/data/Market-1501; or 'people', the set that is bundled."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Pictures a step; memory grows with it.")]
Rows = Annotated[int, typer.Option(min=1, max=100, help="How many rows the picture has at most.")]
Flip = Annotated[bool, typer.Option("--flip", help="Average over each picture and its mirror.")]
OnError = Annotated[
    Literal["raise", "skip"],
    typer.Option(help="At an unreadable picture: 'raise' an error, or 'skip' it and report it."),
]


def png(path: Path | None) -> Path | None:
    """A path to draw to, refused before anything is loaded if its name does not end in .png."""
    if path is not None:
        from keras_reid.pictures.canvas import check_png

        try:
            check_png(path)
        except ReIDError as error:
            raise typer.BadParameter(str(error)) from error
    return path


MatchesPicture = Annotated[
    Path | None, typer.Option(metavar="PATH", callback=png, help="Also draw the matches, a PNG file.")
]


def load_model(name: str, weights: str):
    """The model of that name in the zoo, with `weights` as the option of that name gives them."""
    from keras_reid import zoo

    return zoo.load(name, weights=None if weights == "none" else weights)

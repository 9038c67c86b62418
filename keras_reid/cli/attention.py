"""`keras-reid attention`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_reid.cli import console, options


def attention(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE", help="Pictures, or folders of pictures.", show_default=False)
    ],
    picture: Annotated[Path, typer.Option(metavar="PATH", help="Where to write, a PNG file.")],
    model: options.ModelName = "han_small",
    weights: options.Weights = "published",
    rows: options.Rows = 8,
    json: options.Json = False,
) -> None:
    """Draw what a model looks at: soft masks as heat maps, regions as boxes."""
    with console.working(), console.waiting("Drawing"):
        from keras_reid.cli.crops import find_pictures
        from keras_reid.data import read_image
        from keras_reid.pictures import draw_attention

        paths = find_pictures(pictures)[:rows]
        network = options.load_model(model, weights)
        maps = network.attention(paths)
        names = [Path(path).name for path in paths]
        draw_attention([read_image(path) for path in paths], maps, picture, names=names, title=f"Attention of {model}")
    if json:
        console.show_json({"model": model, "picture": picture, "pictures": paths})
        return
    print(f"Picture: {picture}")

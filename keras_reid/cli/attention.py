"""`keras-reid attention`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from keras_reid.cli import console, options


def attention(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE", help="Pictures, or folders of pictures.", show_default=False)
    ],
    picture: Annotated[Path, typer.Option(metavar="PATH", callback=options.png, help="Where to write, a PNG file.")],
    model: options.ModelName = "han_small",
    weights: options.Weights = "published",
    show: Annotated[
        Literal["masks", "grad-cam", "class-activation"],
        typer.Option(help="The network's own masks and regions, or an explanation of what made the embedding."),
    ] = "masks",
    like: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="With an explanation: of the likeness to this picture.")
    ] = None,
    rows: options.Rows = 8,
    json: options.Json = False,
) -> None:
    """Draw what a model looks at: masks or explanations as heat maps, regions as boxes."""
    if like is not None and show == "masks":
        raise typer.BadParameter("is for --show grad-cam or class-activation.", param_hint="--like")
    with console.working(), console.waiting("Drawing"):
        from keras_reid.cli.crops import find_pictures
        from keras_reid.data import read_image
        from keras_reid.pictures import draw_attention

        paths = find_pictures(pictures)[:rows]
        network = options.load_model(model, weights)
        if show == "masks":
            maps, title = network.attention(paths), f"Attention of {model}"
        else:
            from keras_reid import explanations

            explain = explanations.grad_cam if show == "grad-cam" else explanations.class_activation
            maps, title = explain(network, paths, like=like), f"{show} of {model}"
        names = [Path(path).name for path in paths]
        draw_attention([read_image(path) for path in paths], maps, picture, names=names, title=title)
    if json:
        console.show_json({"model": model, "picture": picture, "pictures": paths})
        return
    print(f"Picture: {picture}")

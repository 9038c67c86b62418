"""`keras-reid embed`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_reid.cli import console, options


def embed(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE", help="Pictures, or folders of pictures.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", dir_okay=False, help="Where to write, a NumPy .npz file."),
    ],
    model: options.ModelName = "han_small",
    weights: options.Weights = "published",
    flip: options.Flip = False,
    batch_size: options.BatchSize = 64,
    on_error: options.OnError = "raise",
    json: options.Json = False,
) -> None:
    """Turn pictures into vectors, one a picture.

    The file holds the arrays "paths" (N,), "vectors" (N, D) of length 1, and "model".
    """
    with console.working():
        import numpy as np

        from keras_reid.cli.crops import embed_pictures, find_pictures
        from keras_reid.files import atomically

        paths = find_pictures(pictures)
        network = options.load_model(model, weights)
        embedded = embed_pictures(network, paths, batch_size, flip, on_error, "Embedding")
        with atomically(output) as new, new.open("wb") as file:
            np.savez(file, paths=np.array(embedded.paths), vectors=embedded.vectors, model=np.array(model))
    count, length = embedded.vectors.shape
    if json:
        skipped = console.skipped_json(embedded.skipped)
        console.show_json({"model": model, "output": output, "pictures": count, "length": length, "skipped": skipped})
        return
    console.say_skipped(embedded.skipped)
    print(f"{output}: {count:,} vectors of length {length}")

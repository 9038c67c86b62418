"""Export to TensorFlow's SavedModel."""

import json
import os
from pathlib import Path

import keras

from keras_reid.export.network import Network, batches
from keras_reid.export.parity import Images, compare, pictures
from keras_reid.export.report import Report
from keras_reid.export.staging import size_of, staged


def to_saved_model(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    images: Images | None = None,
    batch_size: int | None = None,
    min_cosine: float = 0.9999,
) -> Report:
    """Writes the embedding as a SavedModel, for TensorFlow Serving and everything that reads SavedModels.

    Its one signature, "serving_default", takes `images`, (batch, height, width, 3) float32 RGB 0..255, and gives
    `embedding`, (batch, size) float32. What it expects also stands in `assets.extra/keras_reid.json`.

    Args:
        model: A `ReIDModel`, or any functional Keras model from pictures to embeddings.
        path: Folder to write; a SavedModel there is replaced.
        images: Pictures to compare with the Keras model, as `model.embed` takes them. Defaults to the bundled people's
            query pictures.
        batch_size: Pictures a call takes. Defaults to None: any number.
        min_cosine: Least cosine between its embeddings and the Keras model's. Defaults to 0.9999.

    Raises:
        ReIDError: no such model, a picture cannot be read, `path` holds something else, or a cosine below `min_cosine`;
            nothing is left at `path` then, and what stood there stays.
    """
    import tensorflow as tf

    network = Network.of(model)
    pixels = pictures(network, images)
    with staged(path, folder=True) as fresh:
        ops = network.write_saved_model(fresh, batch_size)
        extra = fresh / "assets.extra"
        extra.mkdir()
        (extra / "keras_reid.json").write_text(json.dumps(network.facts(batch_size), indent=2) + "\n")
        serve = tf.saved_model.load(str(fresh)).signatures["serving_default"]
        parity = compare(
            network,
            batches(lambda block: serve(images=tf.constant(block, tf.float32))["embedding"].numpy(), batch_size),
            pixels,
            min_cosine,
            "SavedModel",
        )
        size = size_of(fresh)
    return Report("saved_model", None, Path(path), size, dict(ops.most_common()), *parity, batch_size)

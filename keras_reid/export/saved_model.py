"""Export to TensorFlow's SavedModel."""

import json
import os
from pathlib import Path

import keras
import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.export.exported import Exported, check_pictures
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
    network = Network.of(model)
    pixels = pictures(network, images)
    with staged(path, folder=True) as fresh:
        ops = network.write_saved_model(fresh, batch_size)
        extra = fresh / "assets.extra"
        extra.mkdir()
        (extra / "keras_reid.json").write_text(json.dumps(network.facts(batch_size), indent=2) + "\n")
        parity = compare(network, opened(fresh).run, pixels, min_cosine, "SavedModel")
        size = size_of(fresh)
    return Report("saved_model", None, Path(path).expanduser(), size, dict(ops.most_common()), *parity, batch_size)


def opened(path: Path) -> Exported:
    """A SavedModel's signature "serving_default"."""
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(path))
        (pictures_in,) = loaded.signatures["serving_default"].structured_input_signature[1].values()
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        raise ReIDError(f"'{path}' is no SavedModel of an embedding network: {error}") from error
    shape = tuple(pictures_in.shape)

    def run(block: np.ndarray) -> np.ndarray:
        serve = loaded.signatures["serving_default"]  # by way of `loaded`: its variables live no longer than it does
        (answer,) = serve(**{pictures_in.name: tf.constant(block, pictures_in.dtype)}).values()
        return answer.numpy()

    return Exported(path, check_pictures(path, shape), batches(run, shape[0]))

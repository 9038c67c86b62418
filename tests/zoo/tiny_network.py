"""A network that is built and saved in milliseconds, and an entry for it."""

import keras
from keras import layers

from keras_reid import ReIDModel
from keras_reid.zoo.checksum import sha256_of
from keras_reid.zoo.manifest import Entry

# What an epoch of a training measured.
MEASURED = {"val_rank1": 0.61234, "val_rank5": 0.7, "val_rank10": 0.8, "val_mAP": 0.5, "val_mINP": 0.3}


@keras.saving.register_keras_serializable(package="keras_reid_tests")
class Tiny(ReIDModel):
    """A network of one convolution and one dense layer."""

    def __init__(self, width=4, input_shape=(16, 8, 3), identities=None, depth=1, **kwargs):
        super().__init__({"width": width, "input_shape": input_shape, "depth": depth}, identities=identities, **kwargs)
        self.run_eagerly = True  # quicker than compiling a step for a few pictures

    @staticmethod
    def graph(options, images):
        x = images
        for _ in range(options["depth"]):
            x = layers.Conv2D(options["width"], 3, activation="tanh")(x)
        x = layers.BatchNormalization()(layers.Dense(6)(layers.GlobalAveragePooling2D()(x)))
        return {"global": x}, {}


def an_entry(path, **changed):
    """An entry for the weights at `path`."""
    return Entry(
        **{
            "name": "tiny",
            "file": "tiny.weights.h5",
            "size": path.stat().st_size,
            "sha256": sha256_of(path),
            "licence": "Apache-2.0",
            "network": "tiny",
            "image_size": [16, 8],
            "embedding_size": 6,
            "parameters": 166,
            "precision": "float16",
            "recipe": {"name": "tiny", "command": "keras-reid train --recipe tiny"},
            "trained_on": "noise",
            "figures": [],
            "card": "cards/tiny.md",
            "keras": "3.15.1",
            "version": "0.1.0",
            **changed,
        }
    )

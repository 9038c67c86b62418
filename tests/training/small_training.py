"""A network, pictures and a recipe that train in a second, with all in them that a resumed run has to get right."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from PIL import Image

from keras_reid import ReIDModel
from keras_reid.data import ReIDData, Split
from keras_reid.training import Cosine, Recipe, Stage


@keras.saving.register_keras_serializable(package="keras_reid_tests")
class Small(ReIDModel):
    """One convolution, one dense layer, batch normalisation behind both."""

    milestones = (0.5,)

    def __init__(self, identities=None, input_shape=(16, 8, 3), synchronized=False, **kwargs):
        options = {"input_shape": tuple(input_shape), "synchronized": synchronized}
        super().__init__(options, identities=identities, **{"name": "small", **kwargs})

    @staticmethod
    def graph(options, images):
        norm = {"momentum": 0.9, "synchronized": options["synchronized"]}
        x = layers.Conv2D(8, 3, strides=2, name="convolution")(images)
        x = layers.Activation("relu", name="relu")(layers.BatchNormalization(**norm, name="norm")(x))
        x = layers.Dense(8, name="dense")(ops.mean(x, axis=(1, 2)))
        return {"global": layers.BatchNormalization(**norm, name="global")(x)}, {}

    def default_optimizer(self):
        return keras.optimizers.SGD(0.01, momentum=0.9)


def pixels(number=24, size=(16, 8), people=4):
    """Noisy pictures of people of one colour each, and their labels."""
    random = np.random.default_rng(7)
    labels = np.arange(number) % people
    colours = random.integers(80, 110, (people, 1, 1, 3))
    light = random.integers(0, 20, (number, 1, 1, 1))  # so that retrieval is not perfect
    return (colours[labels] + light + random.integers(0, 100, (number, *size, 3))).astype("uint8"), labels


def data(folder: Path) -> ReIDData:
    """Four people to train on and four others to find, six pictures each, three cameras."""
    folder.mkdir(exist_ok=True)
    images, labels = pixels(48, people=8)
    paths = [folder / f"{number:02}.png" for number in range(48)]
    for path, image in zip(paths, images, strict=True):
        if not path.exists():
            Image.fromarray(image).save(path)
    whole = Split(paths, labels + 1, np.arange(48) // 8 % 3)
    query = (labels >= 4) & (np.arange(48) < 8)
    gallery = (labels >= 4) & (np.arange(48) >= 8)
    return ReIDData("small", folder, *(whole.take(mask) for mask in (labels < 4, query, gallery)))


def adam(rate):
    return keras.optimizers.AdamW(rate, weight_decay=0.01, use_ema=True, ema_momentum=0.8)


def recipe(**changes) -> Recipe:
    """Two stages of 2 and 3 epochs, three steps each, with augmentation, moving averages and a schedule."""
    whole = Recipe(
        name="small",
        network=Small,
        stages=(Stage((16, 8, 3), 2, 0.02), Stage((24, 12, 3), 3, 0.01)),
        optimizer=adam,
        schedule=Cosine(warm_up=0.2),
        identities=4,
        images=2,
        augmentation={"erasing": 0.5},
        loss="cross_entropy+triplet",
        loss_weights={"global_features": 0.5},
    )
    return dataclasses.replace(whole, **changes)

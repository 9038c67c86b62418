"""A whole experiment as data."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.training.schedules import Constant, Rate

if TYPE_CHECKING:
    import keras

    from keras_reid.model import ReIDModel

# What a miniature is cut down to. 64 rows divide evenly at every stage, as APNet-S' pyramids of positions ask.
_SMALL = {"height": 64, "width": 32, "people": 8, "batch": 8, "identities": 4, "images": 2}


@dataclass(frozen=True)
class Stage:
    """A part of a training at one size of picture.

    Attributes:
        input_shape: Height, width and channels.
        epochs: At least 1.
        learning_rate: The schedule's highest.
        augmentation: In place of the recipe's. Defaults to None: the recipe's.
        schedule: In place of the recipe's. Defaults to None: the recipe's.
    """

    input_shape: tuple[int, int, int]
    epochs: int
    learning_rate: float
    augmentation: Mapping[str, Any] | None = None
    schedule: Callable[[float, int, int], Rate] | None = None


@dataclass(frozen=True)
class Recipe:
    """An experiment: what is trained, on what, how.

    Stages follow each other, each with an optimizer and a schedule of its own; the weights are handed over. A network
    whose weights do not depend on the size of the picture, such as HAN, thus learns most of what it knows on small,
    quick pictures.

    Attributes:
        name: Of the files that come out.
        network: A name that `keras_reid.zoo.load` knows, or a function with the arguments `identities`, `input_shape`
            and those in `options` that returns a `ReIDModel`.
        stages: At least one.
        options: Further arguments of the network. With `frames` among them, batches are of clips, K of each person.
        data: The data set it is meant for, as `keras_reid.data.load` takes it. Defaults to "people", the bundled one.
        identities, images: P and K of P×K batches. Default to None: shuffled ones of `batch_size`.
        batch_cameras: How many cameras a P×K batch shows its people in, the same for all of them. Defaults to None:
            each person's own.
        batch_size: Of shuffled batches. Defaults to 32.
        augmentation: Arguments of `keras_reid.data.augment`, or None, the default, for none.
        loss: A name that `ReIDModel.compile` knows, or a function from the branches' names to the dict of losses.
            Defaults to "cross_entropy". None: the network's own, those of its paper.
        loss_weights: By the names of the losses; those not named, and by default all, weigh 1.
        optimizer: From the learning rate, a number or a Keras schedule, to the optimizer. It decides on weight decay
            and on a moving average of the weights, which is what is then measured and published: `use_ema=True`.
        schedule: How the learning rate changes: `Constant()`, `Falling(at=…)`, `Cosine(warm_up=…)`, or a function of
            highest rate, steps per epoch and epochs that returns what an optimizer takes. Defaults to `Constant()`.
        weights: Where to start: None, the default, at random weights; "published", of a network with a name;
            "imagenet", for the backbone; or the path of a `.weights.h5`.
        imprints: Whether the classifiers begin as `imprint` makes them, for weights that tell people apart already.
            Defaults to False: at random.
        precision: A Keras dtype policy, e.g. "mixed_bfloat16". Defaults to "float32".
        seed: Of weights, batches and augmentation. Defaults to 0.
        evaluate_every: Epochs between two measurements of retrieval. Defaults to 1.
        people: Only the first so many identities of the training set, and of query and gallery. Defaults to None: all.

    Raises:
        ReIDError: an attribute has no possible value.
    """

    name: str
    network: str | Callable[..., ReIDModel]
    stages: tuple[Stage, ...]
    optimizer: Callable[[Rate], keras.optimizers.Optimizer]
    options: Mapping[str, Any] = field(default_factory=dict)
    data: str = "people"
    identities: int | None = None
    images: int | None = None
    batch_cameras: int | None = None
    batch_size: int = 32
    augmentation: Mapping[str, Any] | None = None
    loss: str | Callable[[tuple[str, ...]], dict[str, Any]] | None = "cross_entropy"
    loss_weights: Mapping[str, float] | None = None
    schedule: Callable[[float, int, int], Rate] = field(default_factory=Constant)
    weights: str | None = None
    imprints: bool = False
    precision: str = "float32"
    seed: int = 0
    evaluate_every: int = 1
    people: int | None = None

    def __post_init__(self) -> None:
        if not self.stages or any(stage.epochs < 1 for stage in self.stages):
            raise ReIDError(f"The recipe '{self.name}' needs stages of at least one epoch. Received: {self.stages}")
        if (self.identities is None) != (self.images is None):
            raise ReIDError(
                f"The recipe '{self.name}' needs both `identities` and `images`, or neither. "
                f"Received: identities={self.identities}, images={self.images}"
            )
        if callable(self.network) and self.weights == "published":
            raise ReIDError(
                f"The recipe '{self.name}' makes its network by a function, and published weights belong to a name of "
                "the zoo: give the path of a .weights.h5 file, 'imagenet' or None. Received: weights='published'"
            )
        seed, weights = self.seed, self.weights
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 1 << 32:
            raise ReIDError(
                f"The recipe '{self.name}' needs a whole number from 0 below 2³² as seed. Received: seed={seed!r}"
            )
        object.__setattr__(self, "seed", int(seed))
        if isinstance(weights, os.PathLike):
            object.__setattr__(self, "weights", os.fspath(weights))

    @property
    def epochs(self) -> int:
        """Of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def with_epochs(self, epochs: int) -> Recipe:
        """The same, shortened or lengthened: every stage keeps its share, and at least one epoch.

        Raises:
            ReIDError: fewer epochs than stages.
        """
        if epochs < len(self.stages):
            raise ReIDError(
                f"The recipe '{self.name}' has {len(self.stages)} stage{'s' * (len(self.stages) > 1)} of at least one "
                f"epoch each. Received: epochs={epochs}"
            )
        stages, left, whole = [], epochs, self.epochs
        for number, stage in enumerate(self.stages, start=1):
            share = round(left * stage.epochs / whole)
            share = min(max(share, 1), left - (len(self.stages) - number))
            stages.append(dataclasses.replace(stage, epochs=share))
            left, whole = left - share, whole - stage.epochs
        return dataclasses.replace(self, stages=tuple(stages))

    def miniature(self) -> Recipe:
        """The same experiment, cut down to a minute or two on a laptop.

        Every stage for one epoch at pictures of at most 64×32; the first eight people, in batches of at most eight;
        from random weights where the recipe starts from another run's, which need not have been made, or ImageNet's,
        which need not be downloaded.
        """
        stages = tuple(
            dataclasses.replace(
                stage,
                input_shape=(
                    min(stage.input_shape[0], _SMALL["height"]),
                    min(stage.input_shape[1], _SMALL["width"]),
                    stage.input_shape[2],
                ),
                epochs=1,
            )
            for stage in self.stages
        )
        return dataclasses.replace(
            self,
            name=f"{self.name}_miniature",
            stages=stages,
            identities=self.identities and min(self.identities, _SMALL["identities"]),
            images=self.images and min(self.images, _SMALL["images"]),
            batch_size=min(self.batch_size, _SMALL["batch"]),
            people=min(self.people or _SMALL["people"], _SMALL["people"]),
            weights=None if str(self.weights).endswith((".weights.h5", "imagenet")) else self.weights,
        )

    def describe(self) -> dict[str, Any]:
        """The recipe as JSON can hold it; functions by name, the optimizer by its settings."""
        described = {name.name: _plain(getattr(self, name.name)) for name in dataclasses.fields(self)}
        return {**described, "optimizer": _plain(_settings(self.optimizer(self.stages[0].learning_rate)))}


def _settings(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """What an optimizer does, but for its learning rate, which the stages say, and its name, which Keras counts up."""
    settings = {**optimizer.get_config(), "class": type(optimizer).__name__}
    if "inner_optimizer" in settings:
        settings["inner_optimizer"] = _settings(optimizer.inner_optimizer)
    return {name: value for name, value in settings.items() if name not in ("learning_rate", "name")}


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
        if isinstance(value, Stage):  # what it does not say is the recipe's, and not said twice
            return {name: item for name, item in fields.items() if item is not None}
        return {"class": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, functools.partial):
        return {"function": _plain(value.func), "arguments": _plain([*value.args, value.keywords])}
    if callable(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    return value.item() if isinstance(value, np.generic) else value

"""Training batches for `fit`, which depend on nothing but the data, a seed and the epoch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_reid.data.images import ImageLike, as_list, load_images
from keras_reid.data.samplers import Plan, plan_identities, plan_shuffled
from keras_reid.errors import ReIDError


class Batches(keras.utils.PyDataset):
    """Batches `({"images": uint8 (B, height, width, 3)}, labels int32 (B,))`.

    Batch `index` of epoch `epoch` is always the same for the same data and seed, whatever was read before: a
    resumed run sees what the uninterrupted one saw. `ReIDModel.fit` sets `epoch` when an epoch begins; without it,
    `epoch` counts the epochs read. Give `shuffle=False` to another model's `fit`: Keras shuffles the order of
    batches with Python's global generator otherwise.

    Args:
        images: (N,) paths, or uint8 arrays (height, width, 3).
        labels: (N,) integers 0…n-1, the identities.
        cameras: (N,) cameras, for the sampler to vary them, or None.
        identities, images_each: P and K. Both or neither; without them the images are shuffled.
        batch_size: of plain shuffling. Default 32.
        image_size: (height, width); None until `fit` fills it from the model by `with_size`.
        seed: decides the order. Default 0.
        augmentation: a Keras layer for `fit` to apply to the images on the device, or None.
        cache: where decoded images are kept: None for `KERAS_REID_HOME`, a folder, or False to decode every time.
        workers: threads that decode. Default 1.

    Raises:
        ReIDError: labels that do not fit, one of P and K without the other, too few identities or images for a batch.
    """

    def __init__(
        self,
        images: ImageLike | Sequence[ImageLike],
        labels: np.ndarray,
        *,
        cameras: np.ndarray | None = None,
        identities: int | None = None,
        images_each: int | None = None,
        batch_size: int = 32,
        image_size: tuple[int, int] | None = None,
        seed: int = 0,
        augmentation: keras.layers.Layer | None = None,
        cache: str | Path | bool | None = None,
        workers: int = 1,
    ) -> None:
        super().__init__()
        self.images = as_list(images)
        self.labels = np.asarray(labels, np.int32)
        if self.labels.shape != (len(self.images),):
            raise ReIDError(
                f"{len(self.images)} images need as many labels. Received labels of shape {self.labels.shape}."
            )
        if (identities is None) != (images_each is None):
            raise ReIDError(
                "Give both `identities` and `images` for batches of so many images of so many people, or neither. "
                f"Received: identities={identities}, images={images_each}."
            )
        self._sampler: Callable[[int, int], Plan]  # of seed and epoch
        if identities is None or images_each is None:
            self.batch_size = batch_size
            self._sampler = partial(plan_shuffled, len(self.images), batch_size)
        else:
            self.batch_size = identities * images_each
            self._sampler = partial(plan_identities, self.labels, cameras, identities, images_each)
        self.image_size = None if image_size is None else (int(image_size[0]), int(image_size[1]))
        self.seed = seed
        self.augmentation = augmentation
        self.cache = cache
        self.reader_threads = workers
        self.epoch = 0
        self._begun = False
        self._planned: tuple[int, Plan] | None = None
        self._length = len(self.plan())

    @classmethod
    def from_arrays(cls, images: ImageLike | Sequence[ImageLike], labels: np.ndarray, **options: Any) -> Batches:
        """Batches of images in memory: an (N, height, width, 3) uint8 array or a list of (height, width, 3) ones."""
        return cls(images, labels, **options)

    @property
    def number_of_identities(self) -> int:
        """How many classes a classifier needs for the labels."""
        return int(self.labels.max()) + 1

    def with_size(self, image_size: tuple[int, int]) -> Batches:
        """These batches at (height, width): themselves if they have that size, a copy if they had none.

        Raises:
            ReIDError: they were given another size.
        """
        size = (int(image_size[0]), int(image_size[1]))
        if self.image_size == size:
            return self
        if self.image_size is not None:
            raise ReIDError(
                f"The batches have images of {self.image_size[0]}x{self.image_size[1]} (height x width), the model "
                f"takes {size[0]}x{size[1]}: leave `image_size` out, and fit fills it in."
            )
        sized = copy.copy(self)
        sized.image_size = size
        return sized

    def plan(self) -> Plan:
        """The indices of the images of each batch of the current epoch."""
        planned = self._planned
        if planned is None or planned[0] != self.epoch:
            # One assignment, so that a reader thread sees either the old pair or the new one.
            self._planned = planned = (self.epoch, self._sampler(self.seed, self.epoch))
        return planned[1]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        if not 0 <= index < self._length:
            raise IndexError(f"Batch {index} of {self._length}.")
        if self.image_size is None:
            raise ReIDError(
                "The batches have no image size yet: give `image_size=(height, width)`, or pass them to fit."
            )
        rows = self.plan()[index]
        images, _, _ = load_images([self.images[row] for row in rows], self.image_size, workers=self.reader_threads)
        return {"images": images}, self.labels[rows]

    def on_epoch_begin(self) -> None:
        self._begun = True

    def on_epoch_end(self) -> None:
        # Keras also calls this before the first epoch.
        self.epoch += self._begun
        self._begun = False

"""Training batches for `fit`, which depend on nothing but the data, a seed and the epoch."""

from __future__ import annotations

import copy
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import keras
import numpy as np

from keras_reid.data.cache import DecodedImages
from keras_reid.data.images import ImageLike, as_list, load_images
from keras_reid.data.read_ahead import ReadAhead
from keras_reid.data.samplers import Plan, plan_cameras, plan_clips, plan_identities, plan_shuffled
from keras_reid.errors import ReIDError

Batch = tuple[dict[str, np.ndarray], np.ndarray]


class Batches(keras.utils.PyDataset):
    """Batches `({"images": uint8 (B, height, width, 3)}, labels int32 (B,))`.

    Batch `index` of epoch `epoch` is always the same for the same data and seed, whatever was read before: a
    resumed run sees what the uninterrupted one saw. `ReIDModel.fit` sets `epoch` when an epoch begins; under
    another `fit` it counts epochs by itself, and `shuffle=False` is needed, because Keras otherwise shuffles the
    batches with Python's global generator.

    Args:
        images: (N,) paths, or uint8 arrays: (N, height, width, 3), or a list of (height, width, 3) of any size.
        labels: (N,) integers 0…n-1, the identities.
        cameras: (N,) cameras, for the sampler to vary them. Defaults to None: not known.
        identities, images_each: P and K of P×K sampling. Both or neither; without them the images are shuffled and the
            remainder of an epoch is dropped. Who has fewer than K images is repeated within a batch, with a warning.
        batch_cameras: how many cameras a batch of P×K sampling shows its people in, the same for all of them; see
            `plan_cameras`. Defaults to None: each person's own.
        frames: images of one clip, next to each other, all of one tracklet; K is then a number of clips, and a batch
            has P·K·frames images. Needs P×K sampling. Defaults to 1: single images.
        tracklets: (N,) integers, for clips. Defaults to None: the images of a person in a camera count as one.
        batch_size: of shuffled batches. Defaults to 32.
        image_size: (height, width); None, the default, until `fit` fills it in from the model.
        seed: decides the order. Defaults to 0.
        augmentation: a Keras layer that `fit` applies to the images on the device, e.g. `augment()`, or None.
        cache: where decoded images are kept (see `DecodedImages`): a folder; None, the default, for the one in
            KERAS_REID_HOME; False to decode in every epoch. Arrays are not cached.
        workers: threads that read ahead; 0 for none. Defaults to 1, which is enough when the images are cached.

    Raises:
        ReIDError: labels that do not fit, P without K or K without P, too few identities or images for a batch.
    """

    def __init__(
        self,
        images: ImageLike | Sequence[ImageLike],
        labels: np.ndarray,
        *,
        cameras: np.ndarray | None = None,
        identities: int | None = None,
        images_each: int | None = None,
        batch_cameras: int | None = None,
        frames: int = 1,
        tracklets: np.ndarray | None = None,
        batch_size: int = 32,
        image_size: tuple[int, int] | None = None,
        seed: int = 0,
        augmentation: keras.layers.Layer | None = None,
        cache: str | os.PathLike | bool | None = None,
        workers: int = 1,
    ) -> None:
        super().__init__(workers=1)  # ours read instead, see `ReadAhead`
        self.images = as_list(images)
        if len(self.images) == 0:
            raise ReIDError("There are no images to train on: give a split that has some.")
        labels = np.asarray(labels)
        if labels.dtype.kind not in "iu" or (labels.size and labels.min() < 0):
            what = f"numbers from {labels.min()}" if labels.dtype.kind == "i" else f"dtype {labels.dtype}"
            raise ReIDError(f"Labels are whole numbers from 0 up. Received {what}: number the people first.")
        self.labels = labels.astype(np.int32)
        if self.labels.shape != (len(self.images),):
            raise ReIDError(
                f"{len(self.images)} images need as many labels. Received labels of shape {self.labels.shape}."
            )
        if (identities is None) != (images_each is None):
            raise ReIDError(
                "Give both `identities` and `images` for batches of so many images of so many people, or neither. "
                f"Received: identities={identities}, images={images_each}."
            )
        if frames != 1 and identities is None:
            raise ReIDError(
                "Clips come in batches of so many of each of so many people: give `identities` and `images`, too. "
                f"Received: frames={frames!r}."
            )
        if batch_cameras is not None and (identities is None or cameras is None or frames != 1):
            raise ReIDError(
                "`batch_cameras` is for batches of single images of so many people whose cameras are known. Received: "
                f"identities={identities}, frames={frames}, cameras {'not known' if cameras is None else 'known'}."
            )
        self._decoded: DecodedImages | _Undecoded | None
        self._sampler: Callable[[int, int], Plan]  # of seed and epoch
        if identities is None or images_each is None:
            self.batch_size = batch_size
            self._sampler = partial(plan_shuffled, len(self.images), batch_size)
        elif frames != 1:
            if tracklets is None:
                pairs = np.stack([self.labels, np.zeros_like(self.labels) if cameras is None else cameras])
                tracklets = np.unique(pairs, axis=1, return_inverse=True)[1].ravel()
            clips = np.asarray(tracklets), identities, images_each, frames
            self.batch_size = identities * images_each * frames
            self._sampler = partial(plan_clips, self.labels, cameras, *clips)
        elif batch_cameras is not None:
            assert cameras is not None  # as checked above
            self.batch_size = identities * images_each
            self._sampler = partial(plan_cameras, self.labels, cameras, identities, images_each, batch_cameras)
        else:
            self.batch_size = identities * images_each
            self._sampler = partial(plan_identities, self.labels, cameras, identities, images_each)
        self.image_size = None if image_size is None else (int(image_size[0]), int(image_size[1]))
        self.identities = identities
        self.frames = frames
        self.seed = seed
        self.augmentation = augmentation
        self.cache = cache
        self._workers_ahead = workers
        self.epoch = 0
        self._begun = self._finished = False
        self._length = len(self._sampler(seed, 0))
        counts = np.unique(self.labels, return_counts=True)[1]
        if (
            images_each is not None
            and frames == 1
            and batch_cameras is None
            and (short := np.sum(counts < images_each)) > 0
        ):
            warnings.warn(
                f"{short} of {len(counts)} identities have fewer than {images_each} images, which are repeated within "
                "a batch: lower `images`, or add images of these people.",
                stacklevel=3,  # of who called `Split.batches`
            )
        self._planned: tuple[int, Plan] | None = None
        self._start()

    @classmethod
    def from_arrays(cls, images: ImageLike | Sequence[ImageLike], labels: np.ndarray, **options) -> Batches:
        """Batches of images in memory, with the options of `Batches`."""
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
        sized._start()
        return sized

    def plan(self, epoch: int | None = None) -> Plan:
        """The indices of the images of each batch of an epoch, by default the current one."""
        epoch = self.epoch if epoch is None else epoch
        planned = self._planned
        if planned is None or planned[0] != epoch:
            # One assignment, so that a reader thread sees either the old pair or the new one.
            self._planned = planned = (epoch, self._sampler(self.seed, epoch))
        return planned[1]

    def prepare(self) -> None:
        """Decode the images into the cache now, if that is still to be done; reading the first batch does it too.

        Raises:
            ReIDError: no image size yet, an image cannot be read, or the cache cannot be written.
        """
        if self.image_size is None:
            raise ReIDError("The batches have no size yet: give `image_size=(height, width)`, or pass them to fit.")
        with self._lock:
            if self._decoded is not None:
                return
            paths = [image for image in self.images if isinstance(image, (str, os.PathLike))]
            if self.cache is False or len(paths) < len(self.images):
                self._decoded = _Undecoded(self.images, self.image_size)
            else:
                self._decoded = DecodedImages(paths, self.image_size, None if self.cache is True else self.cache)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self._length:
            raise IndexError(f"There is no batch {index}: an epoch has {self._length}.")
        self.prepare()
        self._finished = self._finished or index == self._length - 1
        return self._reader.get(self.epoch, index)

    def on_epoch_begin(self) -> None:
        self._begun, self._finished = True, False

    def on_epoch_end(self) -> None:
        # Keras also calls this before the first epoch, on some backends after reading a batch of it for its shape.
        self.epoch += self._begun and self._finished
        self._begun = False

    def _read(self, epoch: int, index: int) -> Batch:
        rows = self.plan(epoch)[index]
        assert self._decoded is not None  # `prepare` has seen to it
        return {"images": self._decoded[rows]}, self.labels[rows]

    def _start(self) -> None:
        """What a copy of another size must not share."""
        self._lock = threading.Lock()
        self._decoded = None
        self._reader = ReadAhead(self._read, self._length, self._workers_ahead)


class _Undecoded:
    """Images read when they are asked for, from files or from memory, as `DecodedImages` gives them out."""

    def __init__(self, images: Sequence[ImageLike], size: tuple[int, int]) -> None:
        self.images, self.size = images, size

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return load_images([self.images[index] for index in indices], self.size, workers=1)[0]

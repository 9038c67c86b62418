"""Random changes to training images, applied on the device inside the training step, each image with its own."""

import keras
import numpy as np
from keras import ops

from keras_reid.errors import ReIDError

# Mid-grey, which the networks' normalisation turns into zero: an erased patch says nothing.
_ERASED = 127.5
# Sides and share of the area of an erased patch: Zhong et al., Random erasing data augmentation, AAAI 2020, Table 1
# and Section 4.
_ERASED_AREA = (0.02, 0.33)


def augment(
    flip: bool = True,
    crop: float = 0.05,
    erasing: float = 0.5,
    colour: float = 0.2,
    seed: int = 0,
    blur: float = 0.0,
    noise: float = 0.0,
) -> "Augmentation":
    """The usual augmentation of person re-identification, as a layer for `Split.batches(augmentation=…)`.

    Args:
        flip: mirror half of the images.
        crop: pad and crop again, which moves the person by at most this share of the image's height in both directions.
        erasing: share of the images in which a patch is made grey.
        colour: how far brightness, contrast, white balance and saturation vary, 0 to 1.
        seed: of the random numbers; see `reseed`.
        blur: standard deviation of the lens' blur: it varies from image to image, from 0 to this share of the height.
            Default 0.
        noise: standard deviation of the sensor's noise: it varies from image to image, from 0 to this share of 255.
            Default 0.

    Raises:
        ReIDError: a share or the strength is not in 0..1.
    """
    return Augmentation(flip, crop, erasing, colour, seed, blur, noise)


def reseed(layer: keras.layers.Layer, seed: int, epoch: int) -> None:
    """Put the random numbers of a layer, or of a model with its dropout, where epoch `epoch` of a run starts.

    Called at the beginning of every epoch, it makes a resumed run draw what the uninterrupted one drew.
    """
    states = [variable for variable in layer.variables if variable.name == "seed_generator_state"]
    for state, number in zip(states, np.random.SeedSequence((seed, epoch)).generate_state(len(states)), strict=True):
        state.assign(np.array([number >> 1, 0]))  # 31 bits, because the state is signed on some backends


@keras.saving.register_keras_serializable(package="keras_reid")
class Augmentation(keras.layers.Layer):
    """What `augment` returns: a (batch, height, width, 3) image of 0..255 in, the same in float32 out.

    Without `training=True` images pass unchanged. Arguments as for `augment`.
    """

    def __init__(self, flip=True, crop=0.05, erasing=0.5, colour=0.2, seed=0, blur=0.0, noise=0.0, **kwargs):
        kwargs["dtype"] = "float32"  # half precision would round the pixels before anything is learnt from them
        super().__init__(**kwargs)
        shares = {"crop": crop, "erasing": erasing, "colour": colour, "blur": blur, "noise": noise}
        for name, value in shares.items():
            if not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
                raise ReIDError(f"`{name}` must be a number from 0 to 1. Received: {value!r}.")
        self.flip, self.crop, self.erasing, self.colour, self.seed = flip, crop, erasing, colour, seed
        self.blur, self.noise = blur, noise
        steps: list[keras.layers.Layer] = []
        if flip:
            steps.append(keras.layers.RandomFlip("horizontal", seed=seed, dtype="float32"))
        if crop:
            steps.append(RandomShift(crop, seed=seed + 1, dtype="float32"))
        if colour:
            # Keras reads a single contrast factor as "only more", and the saturation of RandomSaturation costs ten
            # times what RandomColorDegeneration's does and leaves 0..255.
            steps += [
                keras.layers.RandomBrightness(colour / 2, seed=seed + 2, dtype="float32"),
                keras.layers.RandomContrast((colour, colour), seed=seed + 3, dtype="float32"),
                RandomWhiteBalance(colour / 2, seed=seed + 4, dtype="float32"),
                keras.layers.RandomColorDegeneration((0.0, colour), seed=seed + 5, dtype="float32"),
            ]
        if blur:  # the lens, and then the sensor
            steps.append(RandomBlur(blur, seed=seed + 7, dtype="float32"))
        if noise:
            steps.append(RandomNoise(noise, seed=seed + 8, dtype="float32"))
        if erasing:
            # A pair, because Keras draws the probability itself from 0 to a single number.
            steps.append(
                keras.layers.RandomErasing(
                    (erasing, erasing), scale=_ERASED_AREA, fill_value=_ERASED, seed=seed + 6, dtype="float32"
                )
            )
        self.steps = steps

    def build(self, input_shape):
        for step in self.steps:
            step.build(input_shape)
        self.built = True

    def call(self, images, training=False):
        images = ops.cast(images, "float32")
        if not training:
            return images
        for step in self.steps:
            images = step(images, training=True)
        return ops.clip(images, 0.0, 255.0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        arguments = {
            name: getattr(self, name) for name in ("flip", "crop", "erasing", "colour", "seed", "blur", "noise")
        }
        return {**super().get_config(), **arguments}


class _RandomByFactor(keras.layers.Layer):
    """A random change of a strength `factor` that leaves the shape as it is, with a generator of its own."""

    def __init__(self, factor, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.seed = factor, seed
        self.generator = keras.random.SeedGenerator(seed)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}


@keras.saving.register_keras_serializable(package="keras_reid")
class RandomShift(_RandomByFactor):
    """Pad by edge pixels and crop at the old size: each image moves by whole pixels of its own.

    `keras.layers.RandomTranslation` does this too, but excludes itself from compilation, and with it the whole training
    step (on JAX a step that is not compiled is useless); it also takes 2.4 ms an image there, against 0.3 ms here.
    `keras.layers.RandomCrop` crops every image of a batch at the same place.

    Args:
        factor: largest shift as a share of the height, vertically and horizontally.
        seed: of the random numbers.
    """

    def call(self, images, training=False):
        if not training:
            return images
        batch, height, width, _ = ops.shape(images)
        reach = round(self.factor * height)
        shifts = ops.floor(keras.random.uniform((2, batch), -reach, reach + 1, seed=self.generator))
        return _mixed(images, _picks(shifts[0], height), _picks(shifts[1], width))


@keras.saving.register_keras_serializable(package="keras_reid")
class RandomWhiteBalance(_RandomByFactor):
    """Multiply each channel of each image by its own factor: what differs most between two cameras' colours.

    Keras has no layer for it; its brightness and contrast treat the channels alike, and its hue turns colours
    instead of tinting them.

    Args:
        factor: factors are drawn from 1 - factor to 1 + factor.
        seed: of the random numbers.
    """

    def call(self, images, training=False):
        if not training:
            return images
        shape = (ops.shape(images)[0], 1, 1, 3)
        return images * keras.random.uniform(shape, 1 - self.factor, 1 + self.factor, seed=self.generator)


@keras.saving.register_keras_serializable(package="keras_reid")
class RandomBlur(_RandomByFactor):
    """Blur by a Gaussian, each image by its own.

    `keras.layers.RandomGaussianBlur` gives all images of a batch the same, and darkens their edges.

    Args:
        factor: largest standard deviation as a share of the height.
        seed: of the random numbers.
    """

    def call(self, images, training=False):
        if not training:
            return images
        batch, height, width, _ = ops.shape(images)
        deviations = keras.random.uniform((batch,), 1e-3, self.factor * height, seed=self.generator)
        return _mixed(images, _gaussians(deviations, height), _gaussians(deviations, width))


@keras.saving.register_keras_serializable(package="keras_reid")
class RandomNoise(_RandomByFactor):
    """Add normal noise to images of 0..255, to each as much as its own standard deviation says.

    `keras.layers.GaussianNoise` gives all images the same.

    Args:
        factor: standard deviations are drawn from 0 to 255 × factor.
        seed: of the random numbers.
    """

    def call(self, images, training=False):
        if not training:
            return images
        shape = (ops.shape(images)[0], 1, 1, 1)
        deviation = keras.random.uniform(shape, 0, 255 * self.factor, seed=self.generator)
        return images + deviation * keras.random.normal(ops.shape(images), seed=self.generator)


def _mixed(images, rows, columns):
    """Images whose rows and columns are sums of the old ones, weighted by (batch, new, old) matrices.

    Every backend compiles such products and does them fast.
    """
    batch, height, width, channels = ops.shape(images)
    images = ops.matmul(rows, ops.reshape(images, (batch, height, width * channels)))
    images = ops.reshape(images, (batch, height, width, channels))
    return ops.einsum("bvw,bhwc->bhvc", columns, images)


def _picks(shifts, length):
    """(batch, length, length) matrices whose row i picks pixel i - shift, or the edge where that is outside."""
    positions = ops.arange(length, dtype="float32")
    wanted = ops.clip(positions[None] - shifts[:, None], 0, length - 1)
    return ops.cast(ops.equal(wanted[:, :, None], positions[None, None]), "float32")


def _gaussians(deviations, length):
    """(batch, length, length) matrices whose row i is a Gaussian around pixel i, with the sum 1 at the edges, too."""
    positions = ops.arange(length, dtype="float32")
    distances = (positions[:, None] - positions[None]) / deviations[:, None, None]
    return ops.softmax(-0.5 * distances * distances, axis=-1)

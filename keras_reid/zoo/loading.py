"""Models by name, with published, own or random weights."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from keras_reid.errors import ReIDError
from keras_reid.zoo.fetching import fetch
from keras_reid.zoo.imagenet import holds_imagenet, start_from_imagenet
from keras_reid.zoo.listing import find
from keras_reid.zoo.manifest import Manifest
from keras_reid.zoo.transfer import Progress
from keras_reid.zoo.weights import image_size_of, load_into

if TYPE_CHECKING:
    from keras_reid.model import ReIDModel


def load(
    name: str,
    weights: str | os.PathLike | None = "published",
    identities: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> ReIDModel:
    """A model from the zoo.

    Example:
        >>> model = keras_reid.zoo.load("han_small")
        >>> model.embed(["a.jpg", "b.jpg"]).shape
        (2, 1024)

    Args:
        name: One of `list_models()`.
        weights: "published" (the default): the zoo's, checked by SHA-256, downloaded where they did not come with the
            installation. None: random initialisation. Or the path of a `.weights.h5` file of the same network, which
            takes pictures of the size that it was saved with. "imagenet": the backbone's ImageNet weights, downloaded
            by Keras, and all else random; for a network with a backbone that has such. Where Keras cannot download, the
            path of a file of the same weights, as `training/convert_resnet50.py` or the model in `keras.applications`
            writes it, does the same.
        identities: Number of people to train on: adds fresh heads, whatever the weights. Defaults to None: no heads.
        progress: Called with (bytes there, bytes in all) during a download; defaults to a bar, on a terminal.
        **options: Of the network, as `networks.create` takes them.

    Raises:
        ReIDError: no model of that name; no such weights for it; weights that do not fit, are damaged, or cannot be
            downloaded; an option the network does not have.
    """
    from keras_reid import networks

    entry = find(name)
    network, defaults = (entry.network, entry.options) if entry else (name, {})
    file: str | os.PathLike | None = None
    if weights == "published":
        if not entry:
            published = ", ".join(Manifest.read().entries) or "none yet"
            raise ReIDError(
                f"No published weights for '{name}' yet; use weights=None for random initialisation. "
                f"Models with published weights: {published}."
            )
        file = fetch(entry, progress)
    elif weights is not None and weights != "imagenet":
        file = weights
        size = image_size_of(file)
        defaults = defaults if size is None else {**defaults, "input_shape": (*size, 3)}
    model = networks.create(network, identities=identities, **{**defaults, **options})
    if weights == "imagenet":
        start_from_imagenet(model, networks.names())
    elif file is not None:
        if holds_imagenet(model, file):
            start_from_imagenet(model, networks.names(), file)
        else:
            load_into(model, file, networks.names())
    return model

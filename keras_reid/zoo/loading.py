"""Models by name, with published, own or random weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_reid.errors import ReIDError
from keras_reid.zoo.fetching import fetch
from keras_reid.zoo.imagenet import holds_imagenet, start_from_imagenet
from keras_reid.zoo.listing import find
from keras_reid.zoo.manifest import Manifest
from keras_reid.zoo.transfer import Progress
from keras_reid.zoo.weights import load_into, read

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
            gets the options that it was saved with, the size of its pictures among them. "imagenet": the backbone's
            ImageNet weights, downloaded by Keras, and all else random; for a network with a backbone that has such.
            Where Keras cannot download, the path of a file of the same weights, as `training/convert_resnet50.py` or
            the model in `keras.applications` writes it, does the same.
        identities: Number of people to train on: adds fresh heads, whatever the weights. Defaults to None: no heads.
        progress: Called with (bytes there, bytes in all) during a download; defaults to a bar, on a terminal.
        **options: Of the network, as `networks.create` takes them, instead of those of the weights.

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
        defaults = {**defaults, **noted(file, network, options)}
    model = networks.create(network, identities=identities, **{**defaults, **options})
    start(model, "imagenet" if weights == "imagenet" else file)
    return model


def start(model: ReIDModel, weights: str | os.PathLike | None) -> None:
    """Let a model with random weights start from others.

    Args:
        model: Of any network, a user's own too.
        weights: "imagenet", the path of a file, or None, as `load` takes them.

    Raises:
        ReIDError: no such weights for it, or weights that do not fit or are damaged.
    """
    from keras_reid import networks

    if weights == "imagenet":
        start_from_imagenet(model, networks.names())
    elif weights is not None and holds_imagenet(model, weights):
        start_from_imagenet(model, networks.names(), weights)
    elif weights is not None:
        load_into(model, weights, networks.names())


def noted(file: str | os.PathLike, network: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that weights in a file were saved with, as far as the network has them.

    Raises:
        ReIDError: no weights file; or its model had a name of its own and is another variant than the network.
    """
    from keras_reid import networks

    saved = read(file)
    told = saved.options or {}
    if saved.name != network:
        if saved.name in networks.names():
            return {}  # they are not this network's, as `load_into` says
        for option, value in networks.variant(network).items():
            if option not in ("input_shape", *options) and told.get(option, value) != value:
                raise ReIDError(
                    f"The weights in '{file}' are of a network with {option}={told[option]!r} and do not fit "
                    f"'{network}', which has {option}={value!r}: name that network, or give {option}={told[option]!r}."
                )
    known = networks.options(network).keys() - {"synchronized"}  # which says how it was trained, and where
    return {option: value for option, value in told.items() if option in known}

"""Networks whose backbone starts from ImageNet weights."""

import os
from collections.abc import Iterable

from keras_reid.errors import ReIDError
from keras_reid.zoo.weights import read


def start_from_imagenet(model, known: Iterable[str], path: str | os.PathLike | None = None) -> None:
    """Load ImageNet weights into the backbone of `model`.

    Args:
        model: A `ReIDModel`.
        known: Names of networks, of which those with a backbone are named where the model has none.
        path: A file of them. Defaults to None: Keras downloads them.

    Raises:
        ReIDError: the network has no backbone, or one without ImageNet weights; or they cannot be had.
    """
    from keras_reid.backbones import imagenet

    if model.backbone is None:
        raise ReIDError(
            f"There are no ImageNet weights for '{model.name}': it is trained from random weights, as in its paper. "
            f"Networks of this version that start from ImageNet: {', '.join(_with_backbone(known)) or 'none'}. "
            "Use weights='published' or weights=None."
        )
    imagenet.load(model, model.backbone, path)


def holds_imagenet(model, path: str | os.PathLike) -> bool:
    """Whether a file was saved from the model in `keras.applications` that the backbone of `model` is."""
    if model.backbone is None:
        return False
    saved = read(path)
    name = saved.name or ""
    if saved.options is not None:  # a whole network, however it is called
        return False
    return name == model.backbone or name.startswith(f"{model.backbone}_")  # "mobilenet_1.00_224"


def _with_backbone(known: Iterable[str]) -> list[str]:
    from keras_reid import networks
    from keras_reid.backbones import imagenet

    return [name for name in known if networks.options(name).get("backbone") in imagenet.sources()]

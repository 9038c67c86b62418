"""ImageNet weights into a network's backbone: through Keras' download, or from a local file."""

import os
from typing import Any

import keras

from keras_reid.backbones.applications import APPLICATIONS, with_own_names
from keras_reid.errors import ReIDError

# Backbone -> the function in keras.applications whose weights are for it.
_SOURCES = {
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    **{name: application.name for name, application in APPLICATIONS.items()},
}
_FIRST = "conv1_conv"


def sources() -> dict[str, str]:
    """Backbones that have ImageNet weights, and the name of the model in `keras.applications` that they come from."""
    return dict(_SOURCES)


def load(model: keras.Model, backbone: str, path: str | os.PathLike | None = None) -> None:
    """Give the backbone inside `model` its ImageNet weights; layers beside the backbone stay as they are.

    Args:
        model: A network that was built with the backbone.
        backbone: Its name.
        path: A file of the weights of the model in `keras.applications`: what Keras downloads, or what that model's
            `save_weights` or `training/convert_resnet50.py` wrote. Defaults to None: downloaded by Keras, once.

    Raises:
        ReIDError: there are no ImageNet weights for this backbone or for its width, they cannot be downloaded, or the
            file is none of theirs.
    """
    if backbone not in _SOURCES:
        raise ReIDError(
            f"There are no ImageNet weights for the backbone '{backbone}'. Backbones that have some: "
            f"{', '.join(_SOURCES)}."
        )
    theirs = {layer.name: layer for layer in _pretrained(backbone, path).layers if layer.weights}
    found: dict[str, list[Any]] = {}
    for layer in model._flatten_layers(include_self=False):
        # A further copy of a stage, such as that of APNet's parts, starts from the same weights.
        name = layer.name if layer.name in theirs else layer.name.partition(".")[2]
        if name in theirs and layer.weights and not isinstance(layer, keras.Model):
            found.setdefault(name, []).append(layer)
    fitting = [name for name in found if all(_shapes(layer) == _shapes(theirs[name]) for layer in found[name])]
    if len(fitting) != len(theirs):
        raise ReIDError(
            f"ImageNet weights of '{backbone}' are for its {len(theirs)} layers at their full width; {len(fitting)} of "
            f"them fit '{model.name}'. Build it with backbone={backbone!r} and without another width."
        )
    for name, layers in found.items():
        weights = theirs[name].get_weights()
        if backbone.startswith("resnet") and name == _FIRST:
            weights[0] = weights[0][:, :, ::-1]  # trained on blue, green, red
        for layer in layers:
            layer.set_weights(weights)


def _pretrained(backbone: str, path: str | os.PathLike | None) -> keras.Model:
    build = getattr(keras.applications, _SOURCES[backbone])
    if path is not None:
        try:
            return with_own_names(build(include_top=False, weights=os.path.expanduser(path)))
        except (OSError, ValueError) as error:
            raise ReIDError(
                f"'{path}' holds no weights of keras.applications.{_SOURCES[backbone]} ({_first_line(error)})."
            ) from error
    try:
        return with_own_names(build(include_top=False, weights="imagenet"))
    except Exception as error:  # Keras raises no narrower one where a download fails
        here = " or made by training/convert_resnet50.py" if backbone == "resnet50" else ""
        raise ReIDError(
            f"The ImageNet weights of '{backbone}' could not be downloaded ({_first_line(error)}). Without Internet, "
            f"give a file, weights='….weights.h5', written on another machine by keras.applications."
            f"{_SOURCES[backbone]}().save_weights(…){here}; or put the file that Keras downloads into ~/.keras/models."
        ) from error


def _shapes(layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]

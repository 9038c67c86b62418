"""What the two explanations share: a network cut at a layer, and the gradient of a score at the cut."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_reid.asking import blocks
from keras_reid.data.images import as_list
from keras_reid.errors import ReIDError
from keras_reid.explanations.gradients import gradient
from keras_reid.graph import joined


@dataclass(frozen=True)
class Cut:
    """A network in two: from pictures to a layer's map, and from that to the features of the branches behind it."""

    front: keras.Model
    back: keras.Model

    @classmethod
    def at(cls, model, name: str) -> "Cut":
        """Cut `model` behind the layer called `name`.

        Raises:
            ReIDError: there is no such layer, it gives out no feature map, or no branch depends on it alone.
        """
        if name not in [layer.name for layer in model.layers]:
            maps = [layer.name for layer in model.layers if _gives_map(layer)]
            known = [each for each in maps if "attention" in each or each == "feature_map"] or maps[-8:]
            hint = ", which its class names as `last_map`" if name == model.last_map else ""
            raise ReIDError(f"'{model.name}' has no layer '{name}'{hint}. Some that it has: {', '.join(known)}.")
        tensor = _map_of(model.get_layer(name))
        behind = {}
        for branch in model.branches:
            feature = model._features.__self__.output[branch]
            try:
                keras.Model(tensor, feature)
            except ValueError:  # other ways lead to the branch as well, or none does
                continue
            behind[branch] = feature
        if not behind:
            raise ReIDError(
                f"No branch of '{model.name}' sees a picture through '{name}' alone, so that nothing can be said of "
                "the places in it. Take a layer that all goes through, such as a stage's last."
            )
        return cls(keras.Model(model.input, tensor), keras.Model(tensor, behind))


def relevance(
    model, images, layer: str, identities: Sequence[int] | None, like: Any, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the layer's maps, (n, height, width, channels), and the gradient of the pictures' scores at them.

    Raises:
        ReIDError: as `grad_cam` says.
    """
    images = as_list(images)
    numbers = None if identities is None else _checked_identities(model, identities, like, len(images))
    cut = _cut(model, layer)
    if not images:
        nothing = np.zeros((0, *cut.front.output.shape[1:]), "float32")
        yield nothing, nothing
    # As far as it comes from the branches behind the cut.
    embedding = functools.partial(joined, normalised=model.normalises_branches)
    others = None
    if like is not None:
        like = as_list(like)
        if len(like) not in (1, len(images)) or not like:
            raise ReIDError(f"`like` is one picture, or as many as `images`. Received: {len(like)}.")
        parts = [embedding(cut.back(maps, training=False)) for maps in _maps(cut, model, like, batch_size)]
        others = np.concatenate([np.asarray(ops.convert_to_numpy(part)) for part in parts])
    start = 0
    for maps in _maps(cut, model, images, batch_size):
        own = slice(start, start + len(maps))

        def score(maps, own=own):
            """The sum, over the pictures, of what is to be explained."""
            features = cut.back(maps, training=False)
            if numbers is not None:
                chosen = ops.one_hot(numbers[own], model.identities)
                return sum(ops.sum(getattr(model, f"{name}_head")(x) * chosen) for name, x in features.items())
            if others is not None:
                cosines = ops.sum(embedding(features) * (others if len(others) == 1 else others[own]), axis=-1)
                # A picture like itself is at the cosine's maximum: its gradient is rounding, that scaling would show.
                return ops.sum(ops.where(cosines > 1 - 1e-6, ops.stop_gradient(cosines), cosines))
            whole = ops.concatenate([ops.cast(x, "float32") for x in features.values()], axis=-1)
            return ops.sum(ops.sqrt(ops.sum(ops.square(whole), axis=-1)))

        yield maps, np.asarray(gradient(score, maps), "float32")
        start = own.stop


def _cut(model, name: str) -> Cut:
    """The model cut behind a layer, once: Keras adds to a network's layers whenever a model is made from a tensor."""
    if not hasattr(model, "_cuts"):
        object.__setattr__(model, "_cuts", {})  # Keras' own would make them a part of what is saved
    if name not in model._cuts:
        model._cuts[name] = Cut.at(model, name)
    return model._cuts[name]


def _checked_identities(model, identities: Sequence[int], like: Any, pictures: int) -> np.ndarray:
    if model.identities is None:
        raise ReIDError(
            "`identities` are explained by a model's classifiers. This one has none: it was not trained here."
        )
    if like is not None:
        raise ReIDError("`identities` and `like` ask for two different explanations: give one of them.")
    numbers = np.asarray(identities)
    if numbers.shape != (pictures,):
        raise ReIDError(f"`identities` has one number for each of {pictures} pictures. Received: {identities!r}.")
    if numbers.dtype.kind not in "iu" or not ((numbers >= 0) & (numbers < model.identities)).all():
        raise ReIDError(f"`identities` are whole numbers from 0 to {model.identities - 1}. Received: {identities!r}.")
    return numbers.astype("int32")


def scaled(maps: np.ndarray) -> np.ndarray:
    """Every picture's map from 0 to 1; zeros where it is flat."""
    least, most = (pick(axis=(1, 2), keepdims=True) for pick in (maps.min, maps.max))
    return (maps - least) / np.maximum(most - least, 1e-12)


def _maps(cut, model, images, batch_size) -> Iterator[np.ndarray]:
    for pixels in blocks(model, images, batch_size, "raise", False):
        maps = np.asarray(ops.convert_to_numpy(cut.front(pixels.astype("float32"), training=False)), "float32")
        if len(maps) != len(pixels):
            raise ReIDError(
                f"The layer gives out {len(maps)} maps for {len(pixels)} pictures, of regions of them: take a layer "
                "whose maps are of whole pictures."
            )
        yield maps


def _gives_map(layer) -> bool:
    try:
        _map_of(layer)
    except ReIDError:
        return False
    return not isinstance(layer, keras.layers.InputLayer)


def _map_of(layer) -> keras.KerasTensor:
    """The layer's feature map; where it gives out a dict, what is called "features" there."""
    # What came out of it here; a network of Keras' inside the network says with `output` what it gave out elsewhere.
    tensor = keras.Operation.output.fget(layer)
    if isinstance(tensor, list):
        spec = layer.compute_output_spec(*keras.tree.flatten(layer.input))
        names = sorted(spec) if isinstance(spec, dict) else []
        tensor = tensor[names.index("features")] if "features" in names else tensor[0]
    if len(tensor.shape) != 4:
        raise ReIDError(
            "Expected a layer that gives out a feature map, (batch, height, width, channels). Received: "
            f"'{layer.name}', which gives out {tuple(tensor.shape)}."
        )
    return tensor

"""Grad-CAM (Selvaraju et al.: Visual Explanations from Deep Networks via Gradient-based Localization, 2017)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_reid.data.images import as_list
from keras_reid.errors import ReIDError
from keras_reid.explanations.relevance import relevance, scaled


def grad_cam(
    model,
    images,
    layers: str | Sequence[str] | None = None,
    identities: Sequence[int] | None = None,
    like: Any = None,
    batch_size: int = 64,
) -> dict[str, np.ndarray]:
    """Where in pictures the channels lie that speak for what a network made of them.

    A layer's channels are weighed by the mean of the score's gradient over space and added up; what speaks against is
    cut off at zero (Eq. 1 and 2), and each picture's map scaled to [0, 1]. APNet's paper looks into its pyramids so:
    `layers=("stage3.attention", "stage4.attention")`.

    A network for retrieval has no class to explain, so the score is one of three:

    - the length of the picture's own feature, before it is normalised: what made the embedding (the default);
    - the cosine to another picture: what made the two alike (`like`);
    - the logit of an identity, of the branches together (`identities`).

    Of branches, those count that see the picture through the layer alone: of HAN with two of them the global one, since
    the local one has more than the last map. A picture that is compared with itself has a map of zeros.

    Example:
        >>> found = keras_reid.explanations.grad_cam(model, ["query.jpg"], like="gallery.jpg")
        >>> keras_reid.pictures.draw_attention([keras_reid.data.read_image("query.jpg")], found, "why.png")

    Args:
        model: A `ReIDModel`.
        images: As for `model.embed`.
        layers: Names of layers that give out feature maps: one, or several to be shown beside each other. Defaults to
            None: the network's last map.
        identities: Numbers of identities, one a picture, for a model with classifiers. Defaults to None.
        like: One picture, or as many as `images`. Defaults to None.
        batch_size: Pictures a step. Defaults to 64.

    Returns:
        "level1.relevance", …, one a layer, (N, height, width), from 0 to 1, as `draw_attention` takes it.

    Raises:
        ReIDError: no such layer, or one that no branch depends on alone; identities of a model without classifiers, or
            that it does not have, or with `like`; not one of either a picture; or a picture that cannot be read.
    """
    names = [layers or model.last_map] if layers is None or isinstance(layers, str) else list(layers)
    if not names:
        raise ReIDError(f"`layers` is the name of a layer, or several. Received: {layers!r}.")
    images, like = as_list(images), None if like is None else as_list(like)  # an iterator is read once
    found = {}
    for level, layer in enumerate(names, start=1):
        maps = []
        for activations, gradients in relevance(model, images, layer, identities, like, batch_size):
            weights = gradients.mean(axis=(1, 2), keepdims=True)  # Eq. 1
            maps.append(scaled(np.maximum((weights * activations).sum(axis=-1), 0)))  # Eq. 2
        found[f"level{level}.relevance"] = np.concatenate(maps)
    return found

"""Class activation maps (Zhou et al.: Learning Deep Features for Discriminative Localization, 2016)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_reid.explanations.relevance import relevance, scaled


def class_activation(
    model,
    images,
    identities: Sequence[int] | None = None,
    like: Any = None,
    batch_size: int = 64,
    normalised: bool = True,
) -> dict[str, np.ndarray]:
    """How much each place of the last map adds to an identity's logit.

    M(x, y) = Σ_k w_k A_k(x, y), with w the weights that lead from the mean of channel k to the logit (AANet's Eq. 4).
    They are found as the logit's gradient at each place, so that parts with classifiers of their own, and a batch
    normalisation in between, are taken into account; wherever the way from the map to the logit is linear, as in AANet
    and APNet, that is the class activation map to the digit. Elsewhere it is its linear approximation.

    Without `identities` the weights are the picture's own feature: how much each place adds to its length. With `like`
    it is the cosine to another picture. Branches count as in `grad_cam`.

    Args:
        model: A `ReIDModel`.
        images: As for `model.embed`.
        identities: Numbers of identities, one a picture, for a model with classifiers. Defaults to None.
        like: One picture, or as many as `images`. Defaults to None.
        batch_size: Pictures a step. Defaults to 64.
        normalised: Whether each picture's map is scaled to [0, 1] (AANet's Eq. 5). Defaults to True; otherwise the mean
            of a map is the logit, less what does not come from the map.

    Returns:
        "level1.relevance", (N, height, width), as `keras_reid.pictures.draw_attention` takes it.

    Raises:
        ReIDError: as for `grad_cam`.
    """
    maps = []
    for activations, gradients in relevance(model, images, model.last_map, identities, like, batch_size):
        places = activations.shape[1] * activations.shape[2]
        activation = places * (gradients * activations).sum(axis=-1)
        maps.append(scaled(activation) if normalised else activation)
    return {"level1.relevance": np.concatenate(maps)}

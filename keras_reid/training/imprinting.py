"""Classifiers that begin with what the embedding knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from keras_reid.errors import ReIDError

if TYPE_CHECKING:
    from keras_reid.data import Split
    from keras_reid.model import ReIDModel


def imprint(model: ReIDModel, train: Split, batch_size: int = 64) -> None:
    """Give every person's classifier the mean direction of the embeddings of the person's pictures.

    Weights that have learnt to tell people apart, such as the published ones, lose by classifiers that begin at random:
    until these have learnt their people, they pull the embedding in directions that mean nothing. Imprinted ones are
    right for most pictures before the first step.

    Each branch's classifier gets columns of length 1. Features after batch normalisation have a length of about √D,
    for D = 512 about 23, which makes the softmax of the logits as sharp as a trained one's. Classifiers for more
    identities than `train` has keep what they were.

    Example:
        >>> model = keras_reid.zoo.load("han_small", identities=data.train.number_of_identities)
        >>> keras_reid.training.imprint(model, data.train)
        >>> model.fit(data.train.batches(identities=16, images=4), epochs=10)

    Args:
        model: A network that takes single pictures, with a classifier for each of the people.
        train: The pictures that it will be trained on.
        batch_size: Pictures a step. Defaults to 64.

    Raises:
        ReIDError: the model has no classifiers, or fewer than there are people; or a picture cannot be read.

    Source: Qi, Brown, Lowe, "Low-Shot Learning with Imprinted Weights", CVPR 2018, Eq. 5.
    """
    people = train.number_of_identities
    if model.identities is None or model.identities < people:
        raise ReIDError(
            f"`imprint` needs a classifier for each of the {people} people: build the model with identities={people}. "
            f"Received: a model with identities={model.identities}"
        )
    means = np.zeros((people, model.embedding_size), "float32")
    np.add.at(means, train.labels, model.embed(train.paths, batch_size))
    start = 0
    for branch in model.branches:  # in the order of their features in the embedding
        head = getattr(model, f"{branch}_head")
        length = head.kernel.shape[0]
        mean = means[:, start : start + length]
        kernel = np.array(head.kernel)
        kernel[:, :people] = (mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)).T
        head.kernel.assign(kernel)
        start += length

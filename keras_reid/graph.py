"""What a network's graph gives out, and what becomes of it."""

from typing import Any, NamedTuple

import keras


class Graph(NamedTuple):
    """The tensors that `ReIDModel.graph` returns; a network without the last two may return a pair.

    Attributes:
        features: Branch -> feature, (batch, length). They are joined to the embedding, and each gets a classifier of
            its own for training.
        maps: What `ReIDModel.attention` shows, name -> tensor, or name -> (positions, size) for the centres of regions
            in [-1, 1] and their size as a share of the picture.
        compared: Branch -> the feature that losses compare between pictures, a training batch's "<branch>_features",
            where that is another than the branch's own in `features`: before a batch-normalisation neck, for example.
            A branch that is not in `features` exists in training only.
        training: Further tensors that only training needs, by the name of the training batch's output.
    """

    features: dict[str, keras.KerasTensor]
    maps: dict[str, Any]
    compared: dict[str, keras.KerasTensor] = {}  # noqa: RUF012 - never changed
    training: dict[str, keras.KerasTensor] = {}  # noqa: RUF012

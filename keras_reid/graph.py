"""What a network's graph gives out, and what becomes of it: the embedding, and classifiers for training."""

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


def joined(features: dict[str, keras.KerasTensor], normalised: bool) -> keras.KerasTensor:
    """The branches' features in one row of length 1.

    Args:
        features: Branch -> (batch, length).
        normalised: Whether each branch's is brought to length 1 before, so that all count the same.
    """
    join = keras.layers.Concatenate(dtype="float32", name="join")
    if not normalised and len(features) > 1:
        return keras.layers.UnitNormalization(dtype="float32", name="unit")(join(list(features.values())))
    parts = [keras.layers.UnitNormalization(dtype="float32", name=f"{name}.unit")(x) for name, x in features.items()]
    return (join(parts) if len(parts) > 1 else parts[0]) * (len(parts) ** -0.5)


def heads(features: dict[str, keras.KerasTensor], identities: int) -> dict[str, keras.layers.Dense]:
    """A classifier for each branch, built: branch -> layer from its feature to `identities` logits."""
    found = {}
    for branch, feature in features.items():
        found[branch] = keras.layers.Dense(
            identities,
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            dtype="float32",
            name=f"{branch}.head",
        )
        found[branch].build(feature.shape)
    return found

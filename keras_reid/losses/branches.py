"""Losses by name, for every branch of a network."""

from collections.abc import Sequence

import keras

from keras_reid.errors import ReIDError
from keras_reid.losses.triplet import BatchHardTriplet

KNOWN = ("cross_entropy", "triplet")


def branch_losses(name: str, branches: Sequence[str]) -> dict[str, keras.losses.Loss]:
    """Losses for `compile`: by the name of a training batch's output, one of each kind a branch.

    Args:
        name: "cross_entropy", "triplet" or both, joined by "+" (HAN, Table 11).
        branches: The network's branches.

    Raises:
        ReIDError: an unknown name.
    """
    kinds = name.split("+")
    unknown = sorted(set(kinds) - set(KNOWN))
    if unknown:
        raise ReIDError(f"There is no loss {unknown[0]!r}. Known, and joined by '+': {', '.join(KNOWN)}.")
    losses: dict[str, keras.losses.Loss] = {}
    for branch in branches:
        if "cross_entropy" in kinds:
            losses[branch] = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if "triplet" in kinds:
            losses[f"{branch}_features"] = BatchHardTriplet()
    return losses

"""Losses by name, for every branch of a network."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_reid.errors import ReIDError
from keras_reid.losses.triplet import BatchHardTriplet

KNOWN = ("cross_entropy", "triplet", "five_triplets")


def branch_losses(loss: str | Mapping[str, Any], branches: Sequence[str]) -> dict[str, Any]:
    """Losses for `compile`: by the name of a training batch's output.

    Args:
        loss: "cross_entropy" on every branch's logits, "triplet" or "five_triplets" on its features, or one of each
            kind, joined by "+" (HAN, Table 11); or a dict by output, which is returned. "five_triplets" takes the
            five hardest negatives and margin 1 (AiA-Net, sections 4.3 and 4.4).
        branches: The network's branches.

    Raises:
        ReIDError: an unknown name or output, or a loss that does not say which output it is for: Keras would apply it
            to logits and features alike.
    """
    outputs = [f"{branch}{end}" for branch in branches for end in ("", "_features")]
    if isinstance(loss, Mapping) and set(loss) <= set(outputs):
        return dict(loss)
    kinds = loss.split("+") if isinstance(loss, str) else []
    if not kinds or not set(kinds) <= set(KNOWN) or {"triplet", "five_triplets"} <= set(kinds):
        received = repr(loss) if isinstance(loss, str) else type(loss).__name__
        if isinstance(loss, Mapping):
            received = f"a dict from {', '.join(map(str, loss))}"
        raise ReIDError(
            f"`loss` is one of {', '.join(KNOWN)}, several of them joined by '+', or a dict from {', '.join(outputs)} "
            f"to losses. Received: {received}."
        )
    losses: dict[str, Any] = {}
    for branch in branches:
        if "cross_entropy" in kinds:
            losses[branch] = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if "triplet" in kinds:
            losses[f"{branch}_features"] = BatchHardTriplet()
        if "five_triplets" in kinds:
            losses[f"{branch}_features"] = BatchHardTriplet(margin=1.0, negatives=5)
    return losses

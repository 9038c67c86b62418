"""Losses by name, for every branch of a network."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_reid.errors import ReIDError
from keras_reid.losses.triplet import BatchHardTriplet

KNOWN = ("cross_entropy", "triplet", "five_triplets")


def branch_losses(
    loss: str | Mapping[str, Any], branches: Sequence[str], outputs: Sequence[str] | None = None
) -> dict[str, Any]:
    """Losses for `compile`: by the name of a training batch's output.

    Args:
        loss: "cross_entropy" on every branch's logits, "triplet" or "five_triplets" on its features, or one of each
            kind, joined by "+" (HAN, Table 11); or a dict by output, which is returned. "triplet" is the mean over all
            images; where HAN's section 4 discards triplets whose loss is 0, it may have meant the mean over the others.
            "five_triplets" takes the five hardest negatives and margin 1 (AiA-Net, sections 4.3 and 4.4).
        branches: The network's branches, those with a classifier.
        outputs: All that a training batch gives out. Defaults to None: logits and features of the branches. Where there
            are features besides, as of AANet's global branch, triplets are for them too.

    Raises:
        ReIDError: an unknown name or output, or a loss that does not say which output it is for: Keras would apply it
            to logits and features alike.
    """
    if outputs is None:
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
    for output in outputs:
        if output in branches and "cross_entropy" in kinds:
            losses[output] = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if output.endswith("_features") and "triplet" in kinds:
            losses[output] = BatchHardTriplet()
        if output.endswith("_features") and "five_triplets" in kinds:
            losses[output] = BatchHardTriplet(margin=1.0, negatives=5)
    return losses

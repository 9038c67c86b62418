"""From which cosine on two pictures may be called the same person, and what that is worth on other people."""

import math
from collections.abc import Sequence
from typing import Any

from keras_reid.errors import ReIDError
from keras_reid.evaluation import PairSimilarities, compare_pairs, compare_pairs_within

RATES = (1e-2, 1e-3)


def measure_thresholds(model, data, training: bool = False, rates: Sequence[float] = RATES) -> list[dict[str, Any]]:
    """The lowest cosines that let at most these shares of the pairs of different people through.

    Pairs of one camera are left out: they share its background, which a camera network is not asked about.

    Args:
        model: A `ReIDModel`.
        data: A `ReIDData`.
        training: Whether to compare the pictures of its training people with each other, of whom the model must have
            seen none, instead of its query with its gallery. Defaults to False.
        rates: The false-match rates that are allowed. Defaults to 0.01 and 0.001.

    Returns:
        One dict a rate: "claim", the rate allowed; "cosine", rounded up to four decimals; "false_match_rate" and
        "true_match_rate" at it; "pairs", how many pairs of different people were compared; "data", its name; "people",
        "training people" or "query and gallery".

    Raises:
        ReIDError: no such people, or too few pairs of different people to tell such a rate.
    """
    pairs = (_within_training if training else _query_with_gallery)(model, data, max(rates))
    rows = []
    for rate in rates:
        cosine = math.ceil(pairs.threshold(rate).similarity * 1e4) / 1e4
        people = "training people" if training else "query and gallery"
        rows.append({"claim": rate, **_rates_at(pairs, cosine), "data": data.name, "people": people})
    return rows


def match_rates(model, data, thresholds: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What thresholds that were chosen elsewhere let through between query and gallery of a data set.

    Args:
        model: A `ReIDModel`.
        data: A `ReIDData` with query and gallery.
        thresholds: What `measure_thresholds` returned.

    Returns:
        One dict a threshold: "data", "claim", "cosine", "false_match_rate", "true_match_rate" and "pairs".

    Raises:
        ReIDError: no pairs of one or of different people in two cameras.
    """
    pairs = _query_with_gallery(model, data, 1.0)  # whatever they let through
    return [
        {"data": data.name, "claim": threshold["claim"], **_rates_at(pairs, threshold["cosine"])}
        for threshold in thresholds
    ]


def _rates_at(pairs: PairSimilarities, cosine: float) -> dict[str, Any]:
    chosen = pairs.rates_at(cosine)
    return {
        "cosine": cosine,
        "false_match_rate": chosen.false_match_rate,
        "true_match_rate": chosen.true_match_rate,
        "pairs": pairs.different_pairs,
    }


def _query_with_gallery(model, data, highest_rate: float) -> PairSimilarities:
    query, gallery = data.query, data.gallery
    return compare_pairs(
        model.embed(query.paths),
        query.identities,
        query.cameras,
        model.embed(gallery.paths),
        gallery.identities,
        gallery.cameras,
        highest_rate,
    )


def _within_training(model, data, highest_rate: float) -> PairSimilarities:
    train = data.train
    if not len(train):
        raise ReIDError(f"The data set '{data.name}' has no training people to choose a threshold on.")
    return compare_pairs_within(model.embed(train.paths), train.identities, train.cameras, highest_rate)

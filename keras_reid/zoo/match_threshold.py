"""From which cosine on two pictures may be called the same person."""

import math
from typing import Any

from keras_reid.evaluation import compare_pairs


def measure_threshold(model, data, rate: float = 1e-3) -> dict[str, Any]:
    """The lowest cosine that lets at most `rate` of the pairs of different people through.

    Every query is compared with every gallery image of another camera; pairs of one camera share its background, which
    a camera network is not asked about.

    Args:
        model: A `ReIDModel`.
        data: A `ReIDData` with query and gallery.
        rate: The false-match rate that is allowed. Defaults to 0.001.

    Returns:
        "cosine", rounded up to four decimals; "false_match_rate" and "true_match_rate" at it; "pairs", how many pairs
        of different people were compared; "data", its name.

    Raises:
        ReIDError: too few pairs of different people to tell such a rate.
    """
    query, gallery = data.query, data.gallery
    pairs = compare_pairs(
        model.embed(query.paths),
        query.identities,
        query.cameras,
        model.embed(gallery.paths),
        gallery.identities,
        gallery.cameras,
        highest_rate=rate,
    )
    cosine = math.ceil(pairs.threshold(rate).similarity * 1e4) / 1e4
    chosen = pairs.rates_at(cosine)
    return {
        "cosine": cosine,
        "false_match_rate": chosen.false_match_rate,
        "true_match_rate": chosen.true_match_rate,
        "pairs": pairs.different_pairs,
        "data": data.name,
    }

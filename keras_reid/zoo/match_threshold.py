"""From which cosine on two pictures may be called the same person."""

import math
from typing import Any

import numpy as np

from keras_reid.data.table import JUNK
from keras_reid.errors import ReIDError


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
    cosines = model.embed(query.paths) @ model.embed(gallery.paths).T
    valid = (query.identities != JUNK)[:, None] & (gallery.identities != JUNK)[None, :]
    valid &= query.cameras[:, None] != gallery.cameras[None, :]
    same = query.identities[:, None] == gallery.identities[None, :]
    different_people, same_person = np.sort(cosines[valid & ~same]), cosines[valid & same]
    pairs = len(different_people)
    if pairs * rate < 1:
        raise ReIDError(
            f"A false-match rate of {rate} needs {math.ceil(1 / rate)} pairs of different people. '{data.name}' has "
            f"{pairs}."
        )
    # One step above the first pair that must not pass.
    highest_refused = different_people[pairs - 1 - math.floor(pairs * rate)]
    cosine = (math.floor(float(highest_refused) * 1e4) + 1) / 1e4
    return {
        "cosine": cosine,
        "false_match_rate": float((different_people >= cosine).mean()),
        "true_match_rate": float((same_person >= cosine).mean()),
        "pairs": pairs,
        "data": data.name,
    }

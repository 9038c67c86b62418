"""What int8 costs where it counts."""

import os
from typing import Any

from keras_reid.zoo import commands


def measure_int8(name: str, model, file: str | os.PathLike, data) -> dict[str, Any]:
    """How well an int8 file finds people again, beside the model that it was made of.

    Args:
        name: What the model is published as.
        model: A `ReIDModel`.
        file: Its int8 LiteRT file.
        data: A `ReIDData` with query and gallery.

    Returns:
        "data", its name; "model_rank1" and "model_mAP", "int8_rank1" and "int8_mAP"; "same_person" and
        "same_picture", see `keras_reid.export.compare_retrieval`; and the "command" that measures it again.

    Raises:
        ReIDError: as `compare_retrieval`.
    """
    from keras_reid.export import compare_retrieval

    whole, int8 = compare_retrieval(model, [file], data)
    figures = {
        f"{kind}_{figure}": round(row[figure], 4)
        for kind, row in (("model", whole), ("int8", int8))
        for figure in ("rank1", "mAP")
    }
    agreement = {key: round(int8[key], 4) for key in ("same_person", "same_picture")}
    return {"data": data.name, **figures, **agreement, "command": commands.int8_retrieval(name, data.name)}

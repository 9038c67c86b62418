"""What the zoo has: names, and what is known about each."""

import dataclasses
from typing import Any

from keras_reid import networks
from keras_reid.errors import ReIDError, did_you_mean
from keras_reid.zoo.manifest import Entry, Manifest


def list_models() -> list[str]:
    """Names that `zoo.load` knows: every network of this version and every set of published weights.

    `info(name)["published"]` says which have weights.
    """
    return list(dict.fromkeys([*networks.names(), *Manifest.read().entries]))


def info(name: str) -> dict[str, Any]:
    """What is known about a model: the content of its card.

    Args:
        name: One of `list_models()`.

    Returns:
        "name", "published" (whether there are weights) and every field of `keras_reid.zoo.manifest.Entry`, among them
        "image_size" (height, width), "embedding_size", "figures", "thresholds", "licence", "file", "size" and "sha256";
        None in those fields where there are no weights.

    Raises:
        ReIDError: no model of that name.
    """
    entry = find(name)
    if entry:
        return {"name": name, "published": True, **dataclasses.asdict(entry)}
    unknown = {field.name: None for field in dataclasses.fields(Entry)}
    return {**unknown, "name": name, "published": False, "network": name, "options": {}}


def find(name: str) -> Entry | None:
    """The entry of a known model, or None if it has no published weights.

    Raises:
        ReIDError: no model of that name.
    """
    known = list_models()
    if name not in known:
        raise ReIDError(f"There is no model '{name}' in the zoo.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    return Manifest.read().entries.get(name)

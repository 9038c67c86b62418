"""What the backbones' stages are called."""

from keras_reid.errors import ReIDError

STAGES = ("stage1", "stage2", "stage3", "stage4")


def stages_from(start: str) -> tuple[str, ...]:
    """The stages from `start` on; unknown names raise `ReIDError`."""
    if start not in STAGES:
        raise ReIDError(f"`start` is one of {', '.join(STAGES)}. Received: start={start!r}")
    return STAGES[STAGES.index(start) :]

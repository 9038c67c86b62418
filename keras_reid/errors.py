"""The one error type users of the package need to catch."""


class ReIDError(ValueError):
    """What the user gave cannot be worked with; the message says what was expected, what came and what to do."""

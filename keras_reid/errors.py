"""The one error type users of the package need to catch."""


class ReIDError(ValueError):
    """What the user gave cannot be worked with; the message says what was expected, what came and what to do."""

    # Keras adds a page about a call's arguments to errors from within it, except where it finds that it has done so.
    _keras_call_info_injected = True

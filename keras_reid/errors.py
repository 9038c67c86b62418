"""The one error type users of the package need to catch, and what the errors about unknown names share."""

import difflib
from collections.abc import Iterable


class ReIDError(ValueError):
    """What the user gave cannot be worked with; the message says what was expected, what came and what to do."""

    # Keras adds a page about a call's arguments to errors from within it, except where it finds that it has done so.
    _keras_call_info_injected = True


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Part of an error's message: " Did you mean 'han_small'?" if `name` is almost one of `known`, or nothing."""
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f" Did you mean '{close[0]}'?" if close else ""

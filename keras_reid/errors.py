"""The one error type users of the package need to catch, and what the errors about unknown names share."""

import contextlib
import difflib
from collections.abc import Iterable, Iterator


class ReIDError(ValueError):
    """What the user gave cannot be worked with; the message says what was expected, what came and what to do."""

    # Keras adds a page about a call's arguments to errors from within it, except where it finds that it has done so.
    _keras_call_info_injected = True


@contextlib.contextmanager
def of_extra(extra: str) -> Iterator[None]:
    """Around imports of packages that come with an extra: a ReIDError says which one to install."""
    try:
        yield
    except ImportError as error:
        raise ReIDError(f"The package {error.name} is missing: pip install 'keras-reid[{extra}]'.") from error


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Part of an error's message: " Did you mean 'han_small'?" if `name` is almost one of `known`, or nothing."""
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f" Did you mean '{close[0]}'?" if close else ""

"""Whether the weights on this machine are the published ones."""

from collections.abc import Callable, Sequence
from typing import Any

from keras_reid.errors import ReIDError
from keras_reid.zoo.checksum import sha256_of
from keras_reid.zoo.fetching import cached_path, shipped_path
from keras_reid.zoo.listing import find
from keras_reid.zoo.manifest import Entry, Manifest


def verify(
    names: Sequence[str] | None = None,
    parity: bool = False,
    progress: Callable[[int, int], Any] | None = None,
) -> list[dict[str, Any]]:
    """Compare the weights on this machine with the manifest. Nothing is downloaded.

    Args:
        names: Models with published weights. Defaults to None: all of them.
        parity: Whether to export the intact ones to every format again and compare the exports with the model, which
            takes a minute a model. Defaults to False.
        progress: Called with (models done, models in all) after each.

    Returns:
        One dict a model: "name"; "status", one of "intact", "damaged", "not here"; "where", one of "installation",
        "cache", None; "path"; "size" and "sha256" as found, None where there is no file; "expected_size" and
        "expected_sha256"; and "exports", as in the manifest but measured now, or None.

    Raises:
        ReIDError: a name without published weights; with `parity`, an export that differs too much from its model.
    """
    entries = Manifest.read().entries
    for name in names or ():
        if find(name) is None:
            raise ReIDError(
                f"There are no published weights for '{name}' to verify. Published: {', '.join(entries) or 'none'}."
            )
    chosen = [entries[name] for name in names] if names else list(entries.values())
    report = []
    for done, entry in enumerate(chosen, start=1):
        report.append(_verify(entry, parity))
        if progress:
            progress(done, len(chosen))
    return report


def _verify(entry: Entry, parity: bool) -> dict[str, Any]:
    places = (("installation", shipped_path(entry)), ("cache", cached_path(entry)))
    where, path = next(((where, path) for where, path in places if path.is_file()), (None, None))
    size, sha256 = (path.stat().st_size, sha256_of(path)) if path else (None, None)
    if path is None:
        status = "not here"
    else:
        status = "intact" if (size, sha256) == (entry.size, entry.sha256) else "damaged"
    exports = None
    if parity and status == "intact":
        from keras_reid.zoo.exports import measure_exports
        from keras_reid.zoo.loading import load

        exports = measure_exports(load(entry.name))
    return {
        "name": entry.name,
        "status": status,
        "where": where,
        "path": str(path) if path else None,
        "size": size,
        "sha256": sha256,
        "expected_size": entry.size,
        "expected_sha256": entry.sha256,
        "exports": exports,
    }

"""What evaluation is given: embeddings, identities and cameras, checked once at the entrance."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.data.table import DISTRACTOR, JUNK
from keras_reid.errors import ReIDError

_ROWS = 4_096  # rows looked at together for NaN, so that the check needs next to no memory


class Labelled(NamedTuple):
    """Embeddings (N, D) float32 with their identities (N,) and cameras (N,) int64."""

    embeddings: np.ndarray
    identities: np.ndarray
    cameras: np.ndarray


def labelled(name: str, embeddings: ArrayLike, identities: ArrayLike | None, cameras: ArrayLike | None) -> Labelled:
    """The three arrays of the query or the gallery, checked.

    Raises:
        ReIDError: as `checked_embeddings`, or identities and cameras are not one integer an embedding.
    """
    rows = checked_embeddings(name, embeddings)
    return Labelled(
        rows,
        check_same_length(f"{name} identities", identities, len(rows)),
        check_same_length(f"{name} cameras", cameras, len(rows)),
    )


def checked_embeddings(name: str, embeddings: ArrayLike) -> np.ndarray:
    """Embeddings as (N, D) float32, N ≥ 1.

    Raises:
        ReIDError: no numbers, another shape, no rows, or NaN or infinity in a row.
    """
    try:
        rows = np.asarray(embeddings, np.float32)
    except (TypeError, ValueError) as error:
        raise ReIDError(f"The {name} must be embeddings, one row of numbers an image. Received: {error}.") from error
    if rows.ndim != 2:
        raise ReIDError(f"The {name} must be embeddings of shape (images, dimensions). Received: {rows.shape}.")
    if rows.size == 0:
        raise ReIDError(f"The {name} is empty, shape {rows.shape}: give at least one embedding.")
    for start in range(0, len(rows), _ROWS):
        finite = np.isfinite(rows[start : start + _ROWS]).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise ReIDError(
                f"Embedding {row} of the {name} holds NaN or infinity: the network diverged or its input was damaged. "
                "Embed again with good weights, or leave that image out."
            )
    return rows


def check_same_dimensions(query: np.ndarray, gallery: np.ndarray) -> None:
    """Raises a ReIDError where the two cannot come from one network."""
    if query.shape[1] != gallery.shape[1]:
        raise ReIDError(
            "Query and gallery must be embedded by the same network. "
            f"Received: {query.shape[1]} dimensions in the query, {gallery.shape[1]} in the gallery."
        )


def checked_retrieval(
    query: ArrayLike,
    query_ids: ArrayLike,
    query_cams: ArrayLike,
    gallery: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cams: ArrayLike,
) -> tuple[Labelled, Labelled]:
    """Query and gallery without their junk, which can be searched in one another.

    Raises:
        ReIDError: as `labelled`, embeddings of two networks, nothing but junk, or a query of identity 0.
    """
    asked = _without_junk(labelled("query", query, query_ids, query_cams))
    searched = _without_junk(labelled("gallery", gallery, gallery_ids, gallery_cams))
    check_same_dimensions(asked.embeddings, searched.embeddings)
    for name, table in (("query", asked), ("gallery", searched)):
        if not len(table.embeddings):
            raise ReIDError(f"All images of the {name} are junk (identity -1): give some of known people.")
    if (asked.identities == DISTRACTOR).any():
        raise ReIDError(
            f"Identity 0 is kept for distractors of the gallery, which match nobody; number people from 1. "
            f"Received: {np.sum(asked.identities == DISTRACTOR)} queries of identity 0."
        )
    return asked, searched


def spans_of_identities(query_ids: np.ndarray, gallery_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrays `order` (G,), `first` and `last` (Q,): gallery rows order[first[q]:last[q]] are of query q's identity."""
    order = np.argsort(gallery_ids, kind="stable")
    in_order = gallery_ids[order]
    first = np.searchsorted(in_order, query_ids, side="left")
    return order, first, np.searchsorted(in_order, query_ids, side="right")


def pairs_of_one_identity(query_ids: np.ndarray, gallery_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of a query and a gallery row of the same identity, by ascending query."""
    order, first, last = spans_of_identities(query_ids, gallery_ids)
    counts = last - first
    query = np.repeat(np.arange(len(query_ids)), counts)
    place = np.arange(len(query)) - np.repeat(np.cumsum(counts) - counts, counts)
    return query, order[np.repeat(first, counts) + place]


def _without_junk(table: Labelled) -> Labelled:
    kept = table.identities != JUNK
    return table if kept.all() else Labelled(*(column[kept] for column in table))


def check_same_length(name: str, values: ArrayLike | None, count: int) -> np.ndarray:
    """`values` as (count,) int64, or a ReIDError that calls them `name`."""
    numbers = np.asarray(values)
    if numbers.shape != (count,) or not np.issubdtype(numbers.dtype, np.integer):
        raise ReIDError(
            f"The {name} must be one integer for each of the {count} embeddings. "
            f"Received: shape {numbers.shape}, {numbers.dtype}."
        )
    return numbers.astype(np.int64)

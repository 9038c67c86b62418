"""Our networks' figures beside the papers'."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_reid.fidelity.counter import Count, multiply_adds
from keras_reid.fidelity.figures import FIGURES, Figure
from keras_reid.fidelity.papers_form import in_the_papers_form

if TYPE_CHECKING:
    import rich.table


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table; `deviation` and `tolerance` in percent, `within` None where nothing is demanded.

    `unit` is set instead of `tolerance` where ours is to round to the paper's figure, which has that unit's digits.
    """

    network: str
    block: str
    quantity: str
    paper: float
    source: str
    ours: int
    deviation: float
    tolerance: float | None
    unit: float | None
    within: bool | None


def table(figures: Iterable[Figure] = FIGURES) -> list[Row]:
    """Build the networks that `figures` are about, count them, and set the papers' figures beside the counts.

    Args:
        figures: What to compare. Defaults to all figures of the papers.

    Returns:
        One row a figure, in their order.

    Raises:
        ReIDError: a figure names a network, an option or a layer that there is not.
    """
    counts: dict[str, Count] = {}
    return [_row(figure, counts) for figure in figures]


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as a list of dicts that `json.dumps` takes."""
    return [dataclasses.asdict(row) for row in rows]


def render(rows: Sequence[Row]) -> rich.table.Table:
    """The rows as a table for a terminal, to be printed by `rich`."""
    from rich.table import Table

    rendered = Table(title="Fidelity: our figures beside the papers'")
    rendered.add_column("network")
    rendered.add_column("block")
    rendered.add_column("quantity")
    for name in ("paper", "ours", "deviation", "tolerance"):
        rendered.add_column(name, justify="right")
    rendered.add_column("within")
    rendered.add_column("source")
    for row in rows:
        rendered.add_row(
            row.network,
            row.block,
            row.quantity,
            _number(row.paper),
            _number(row.ours),
            f"{row.deviation:+.2f} %",
            _tolerance(row),
            {True: "[green]yes[/]", False: "[bold red]no[/]", None: ""}[row.within],
            row.source,
        )
    return rendered


def _row(figure: Figure, counts: dict[str, Count]) -> Row:
    ours = _ours(figure, figure.options, counts)
    if figure.less is not None:
        ours -= _ours(figure, figure.less, counts)
    return Row(
        network=figure.network,
        block=figure.block,
        quantity=figure.quantity,
        paper=figure.paper,
        source=figure.source,
        ours=ours,
        deviation=100 * (ours / figure.paper - 1),
        tolerance=None if figure.tolerance is None else 100 * figure.tolerance,
        unit=figure.unit,
        within=_within(figure, ours),
    )


def _within(figure: Figure, ours: int) -> bool | None:
    if figure.unit is not None:
        return round(ours / figure.unit) == round(figure.paper / figure.unit)
    return None if figure.tolerance is None else abs(ours / figure.paper - 1) <= figure.tolerance


def _ours(figure: Figure, options: Mapping[str, Any], counts: dict[str, Count]) -> int:
    count = _count(figure.network, options, counts)
    if figure.quantity in ("FLOPs", "FLOPs and BN"):
        count = in_the_papers_form(count)  # of the whole, since one layer's cost may follow from another's shape
    if figure.parts:
        count = count.part(*figure.parts)
    match figure.quantity:
        case "FLOPs":
            return count.multiply_adds
        case "FLOPs and BN":
            normalised = [row for row in count.rows if row.kind == "BatchNormalization"]
            values = sum(row.calls * math.prod(row.output_shape) for row in normalised)
            return count.multiply_adds + 2 * values
        case "FLOPs as run":
            return count.multiply_adds
        case "parameters":
            return count.parameters
        case "weights":
            return count.kernels


def _count(network: str, options: Mapping[str, Any], counts: dict[str, Count]) -> Count:
    from keras_reid import networks

    key = f"{network} {sorted(options.items())}"
    if key not in counts:
        with _without_values():
            counts[key] = multiply_adds(networks.create(network, **options))
    return counts[key]


@contextlib.contextmanager
def _without_values() -> Iterator[None]:
    """Weights made within have shapes, all that counts, and no values; drawing those takes as long as counting."""
    import keras
    from keras.src.backend.common import global_state

    waiting = global_state.get_global_attribute("uninitialized_variables")
    global_state.set_global_attribute("uninitialized_variables", [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        # Keras would draw them all the next time that such a scope ends.
        global_state.set_global_attribute("uninitialized_variables", waiting)


def _tolerance(row: Row) -> str:
    if row.unit is not None:
        return "as printed"
    return "" if row.tolerance is None else "exact" if row.tolerance == 0 else f"{row.tolerance:g} %"


def _number(value: float) -> str:
    """Up to a million in full, above as the papers write it: 3.68e8."""
    if value < 1e6:
        return f"{value:,.0f}"
    digits, exponent = f"{value:.3e}".split("e")
    return f"{digits}e{int(exponent)}"

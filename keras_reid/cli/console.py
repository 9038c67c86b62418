"""What the commands print: results on stdout, as a table or as JSON; everything else on stderr."""

import contextlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

# Retrieval figures as `evaluate_retrieval` calls them -> as people do.
FIGURES = {
    "rank1": "rank-1", "rank5": "rank-5", "rank10": "rank-10", "rank20": "rank-20", "mAP": "mAP", "mINP": "mINP",
    "same_person": "same person", "same_picture": "same picture",
}  # fmt: skip


@contextlib.contextmanager
def working(keras: bool = True) -> Iterator[None]:
    """What a command does before it prints its result: Keras is there, and the libraries' messages go to stderr.

    Args:
        keras: False for a command that does without. Default True.
    """
    import rich

    if keras:
        _import_keras()
    rich.reconfigure(stderr=True)  # the console of every progress bar that is given none
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.showwarning = _show_warning
        yield


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on a terminal that work is going on whose length nobody knows."""
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(f"{escape(what)} …"):
        yield


@contextlib.contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], Any] | None]:
    """A callback (done, in all) that draws a progress bar on a terminal, and writes a line a tenth elsewhere."""
    if not for_people():
        tenths = [-1]

        def note(done: int, total: int) -> None:
            if 10 * done // total > tenths[0]:
                tenths[0] = 10 * done // total
                say(f"{what}: {done:,} of {total:,}")

        yield note
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _import_keras() -> None:
    """Import Keras without the lines that TensorFlow 2.21 then writes whatever TF_CPP_MIN_LOG_LEVEL says."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for what it logs later
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    sys.stderr.flush()
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # C++ writes past sys.stderr
    try:
        import keras  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    # What libraries tell each other's developers (deprecations and the like) is not for the user of a command.
    if category is UserWarning:
        say(f"Warning: {message}")


def for_people() -> bool:
    """Whether somebody is watching: progress then moves, and is one line a step otherwise."""
    return sys.stderr.isatty()


def say(message: str) -> None:
    """One line for people, on stderr."""
    print(message, file=sys.stderr)


def say_skipped(skipped: Sequence[tuple[str, str]]) -> None:
    """Which pictures were left out, and why."""
    for _, reason in skipped:
        say(f"Left out: {reason}")


def skipped_json(skipped: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """The same for programs."""
    return [{"path": path, "reason": reason} for path, reason in skipped]


def show_json(result: Any) -> None:
    """The result of a command for programs. NumPy's numbers and arrays become JSON's."""
    print(json.dumps(result, indent=2, default=_plain, ensure_ascii=False))


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None, floats: str = ".3f"
) -> None:
    """The result of a command for people; numbers are aligned to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # Text, because a file name may look like markup.
    table = Table(title=title and Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], (int, float)) or row[index] is None for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(text(value, floats)) for value in row))
    show(table)


def show(table: Any) -> None:
    """Print a `rich` table on stdout."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200  # in a pipe or a file nothing needs to be folded to the 80 columns that rich assumes
    console.print(table)


def text(value: Any, floats: str = ".3f") -> str:
    """A value as people read it: shares with three decimals, counts with thousands separated, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:{floats}}"
    return str(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")

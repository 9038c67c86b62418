"""`keras-reid list`, `info` and `verify`: what the zoo has."""

import sys
from typing import Annotated, Any

import typer

from keras_reid.cli import console, options


def list_models(
    recipes: Annotated[
        bool, typer.Option("--recipes", help="List the recipes for 'keras-reid train' instead.")
    ] = False,
    json: options.Json = False,
) -> None:
    """List the models, with measured figures, or the recipes."""
    if recipes:
        _list_recipes(json)
        return
    with console.working(keras=False):
        from keras_reid import zoo

        cards = [zoo.info(name) for name in zoo.list_models()]
    if json:
        console.show_json(cards)
        return
    columns = ("model", "published", "input", "embedding", "parameters", "rank-1", "mAP", "measured on")
    console.show_table(columns, [_row(card) for card in cards])


def info(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a model.", show_default=False)],
    json: options.Json = False,
) -> None:
    """Show what is known about a model.

    Input, embedding, licence, checksum, how it was trained and what was measured.
    """
    with console.working(keras=False):
        from keras_reid import zoo

        card = zoo.info(name)
    if json:
        console.show_json(card)
        return
    tables = {key: value for key, value in card.items() if _is_table(value)}
    shown = {key: value for key, value in card.items() if key not in ("name", *tables) and value not in (None, {}, [])}
    console.show_table(("", name), [(key, _plain(value)) for key, value in shown.items()])
    for title, rows in tables.items():
        _table_of(rows, title)


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Names of models.", show_default="all published ones"),
    ] = None,
    parity: Annotated[
        bool, typer.Option("--parity", help="Also export them anew and compare every export with its model (minutes).")
    ] = False,
    json: options.Json = False,
) -> None:
    """Check the weights on this machine.

    Their SHA-256 is compared with the manifest's. Nothing is downloaded. Ends with status 1 if a file is damaged.
    """
    with console.working(keras=parity):
        from rich.progress import Progress

        from keras_reid import zoo

        with Progress() as bar:
            task = bar.add_task("Verifying", total=None)
            found = zoo.verify(names, parity, lambda done, total: bar.update(task, completed=done, total=total))
    if json:
        console.show_json(found)
    else:
        columns = ("name", "status", "where", "path", "size")
        console.show_table(columns, [tuple(row[column] for column in columns) for row in found])
        for row in found:
            if row["exports"]:
                _table_of(row["exports"], f"Exports of {row['name']}")
    damaged = [row for row in found if row["status"] == "damaged"]
    for row in damaged:
        remedy = "install the package again" if row["where"] == "installation" else "delete and load again"
        console.say(f"Error: damaged, {remedy}: {row['path']}")
    if damaged:
        sys.exit(1)


def _list_recipes(json: bool) -> None:
    with console.working():
        from keras_reid import training

        found = [training.recipe(name) for name in training.recipes()]
    rows = [{"recipe": recipe.name, "data": recipe.data, "epochs": recipe.epochs} for recipe in found]
    if json:
        console.show_json(rows)
    else:
        _table_of(rows)


def _table_of(rows: list[dict[str, Any]], title: str | None = None) -> None:
    # Thresholds are rounded up, at four digits: with fewer, more would be let through than is said beside them.
    console.show_table(tuple(rows[0]), [tuple(row.values()) for row in rows], title=title, floats=".4g")


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _row(card: dict[str, Any]) -> tuple:
    if not card["published"]:
        return (card["name"], False, None, None, None, None, None, None)
    figure = (card["figures"] or [{}])[0]
    size = "x".join(map(str, card["image_size"]))
    measured = (figure.get("rank1"), figure.get("mAP"), figure.get("data"))
    return (card["name"], True, size, card["embedding_size"], card["parameters"], *measured)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    if isinstance(value, list):
        return " x ".join(map(str, value))
    return console.text(value)

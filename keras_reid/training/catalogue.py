"""The recipes that come with the package, by name."""

from __future__ import annotations

import functools
import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path

from keras_reid.errors import ReIDError, did_you_mean
from keras_reid.shipped import shipped
from keras_reid.training.recipe import Recipe


def recipes() -> list[str]:
    """Names that `recipe` knows, sorted."""
    return sorted(_found())


def recipe(name: str) -> Recipe:
    """The recipe called `name`: what the function of that name in `training/recipes/` returns.

    Raises:
        ReIDError: there is none of that name.
    """
    found = _found()
    if name not in found:
        raise ReIDError(f"There is no recipe '{name}'.{did_you_mean(name, found)} Known: {', '.join(sorted(found))}.")
    return found[name]()


@functools.cache
def _found() -> dict[str, Callable[[], Recipe]]:
    """The public functions of all files, by name."""
    found: dict[str, Callable[[], Recipe]] = {}
    for path in sorted((shipped("training") / "recipes").glob("*.py")):
        for name, function in _functions(path).items():
            if name in found:
                raise ReIDError(f"Two recipes are called '{name}', one of them in '{path}': rename one.")
            found[name] = function
    return found


def _functions(path: Path) -> dict[str, Callable[[], Recipe]]:
    """The public functions of one file, which is no module of any package."""
    specification = importlib.util.spec_from_file_location(f"keras_reid_recipes_{path.stem}", path)
    assert specification is not None  # it is for a file ending in .py
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    }

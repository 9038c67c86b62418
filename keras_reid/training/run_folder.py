"""What a training leaves behind: the files in its folder."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import keras

from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.lock import locked
from keras_reid.training.backup import Backup
from keras_reid.training.curve import draw_curve


class RunFolder:
    """The folder of one training.

    Args:
        path: Of the folder; made if needed.
        writes: Whether this process writes there; of several workers one does.
    """

    def __init__(self, path: str | os.PathLike, writes: bool = True):
        self.path = Path(path).expanduser()
        self.writes = writes
        self.log = self.path / "log.csv"
        self.backup = Backup(self.path / "state", writes)
        self._begun = self.path / "recipe.json"
        self._finished = self.path / "run.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training here at the same time.

        Raises:
            ReIDError: one does.
        """
        with ExitStack() as lock:
            if self.writes:
                self.path.mkdir(parents=True, exist_ok=True)
                try:
                    lock.enter_context(locked(self.path / ".training", wait=False))
                except BlockingIOError as error:
                    raise ReIDError(
                        f"Another process trains in the folder '{self.path}': wait for it, or give another folder."
                    ) from error
            yield

    def begin(self, what: dict[str, Any], resume: bool) -> dict[str, Any] | None:
        """Note what is trained here.

        Args:
            what: Recipe and data, as JSON can hold them.
            resume: Whether to go on with what is there; otherwise it is discarded.

        Returns:
            The results, if the training is finished.

        Raises:
            ReIDError: something else is trained here, files of these names are there that no training has left, or what
                was noted is damaged.
        """
        what = json.loads(json.dumps(what))  # as it is read back, lists for tuples
        if resume and self._begun.is_file():
            other = _read_json(self._begun)
            if other != what:
                raise ReIDError(
                    f"The folder '{self.path}' holds another training; it differs in "
                    f"{', '.join(_differences(other, what))}. Give another folder, or resume=False to discard it."
                )
            return _read_json(self._finished) if self._finished.is_file() else None
        if self.writes:
            names = {what["recipe"]["name"]}
            if self._begun.is_file():
                with suppress(ReIDError, KeyError, TypeError):  # damaged, it does not say what else is to go
                    names.add(_read_json(self._begun)["recipe"]["name"])
            # First what says that there are results.
            results = [self._finished, *map(self._weights, sorted(names)), self.path / "curve.png", self.log]
            foreign = [path.name for path in (*results, self.backup.folder) if path.exists()]
            if resume and foreign:
                raise ReIDError(
                    f"The folder '{self.path}' holds {', '.join(foreign)} without the {self._begun.name} of a "
                    "training. Give another folder, or resume=False to replace them."
                )
            start = what["recipe"]["weights"]
            if start is not None and Path(start).expanduser().resolve() in [path.resolve() for path in results]:
                raise ReIDError(
                    f"The training would start from '{start}', which it replaces: give another folder than "
                    f"'{self.path}', or move the weights elsewhere."
                )
            for path in (*results, self._begun):  # last what says whose they would be
                path.unlink(missing_ok=True)
            self.backup.clear()
            _write_json(what, self._begun)
        return None

    def finish(
        self, model, name: str, what: dict[str, Any], rows: list[dict[str, float]], devices: int
    ) -> dict[str, Any]:
        """Write weights, curve and results, and remove the state, which is of no more use.

        Args:
            model: The trained `ReIDModel`.
            name: Of the recipe, and so of the weights' file.
            what: As for `begin`.
            rows: What the log holds.
            devices: How many computed a step.

        Returns:
            The results, as `run` describes them.
        """
        from keras_reid import __version__
        from keras_reid.zoo.weights import write

        backend = keras.backend.backend()
        measured = {name.removeprefix("val_"): value for name, value in rows[-1].items() if name.startswith("val_")}
        results = {
            **what,
            "weights": self._weights(name).name,
            "figures": {"loss": rows[-1]["loss"], **measured},
            "seconds": round(sum(row["seconds"] for row in rows)),
            "devices": devices,
            "versions": {
                "keras_reid": __version__,
                "keras": keras.__version__,
                backend: sys.modules[backend].__version__,
                "python": ".".join(map(str, sys.version_info[:3])),
            },
        }
        if self.writes:
            whole = self.path / f".{os.getpid()}.weights.h5"
            try:
                model.save_weights(whole)
                write(whole, self._weights(name))
            finally:
                whole.unlink(missing_ok=True)
            if importlib.util.find_spec("matplotlib"):  # an environment for JAX may do without
                draw_curve(rows, self.path / "curve.png")
            _write_json(results, self._finished)
            self.backup.clear()
        return results

    def _weights(self, name: str) -> Path:
        return self.path / f"{name}.weights.h5"


def _differences(one: Any, other: Any, name: str = "") -> Iterator[str]:
    """Where two descriptions differ, e.g. "recipe.batch_size (32, now 64)"."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _differences(one.get(key), other.get(key), f"{name}.{key}" if name else key)
    elif one != other:
        yield f"{name} ({json.dumps(one)}, now {json.dumps(other)})"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
        if not isinstance(found, dict):
            raise ValueError(f"no JSON object but {found!r}")
    except ValueError as error:
        raise ReIDError(
            f"'{path}' is damaged ({error}). Give another folder, or resume=False to begin anew."
        ) from error
    return found


def _write_json(value: dict[str, Any], path: Path) -> None:
    with atomically(path) as new:
        new.write_text(json.dumps(value, indent=2) + "\n")

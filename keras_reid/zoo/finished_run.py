"""Folders of finished trainings, as what is published needs them."""

import dataclasses
import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_reid.errors import ReIDError
from keras_reid.zoo import commands

_FIGURES = ("rank1", "rank5", "rank10", "mAP", "mINP")


@dataclass(frozen=True)
class FinishedRun:
    """A folder that `keras_reid.training.run` has finished.

    Attributes:
        folder: Of the run.
        results: What is in its run.json.
    """

    folder: Path
    results: dict[str, Any] = dataclasses.field(repr=False)

    @classmethod
    def read(cls, folder: str | os.PathLike) -> "FinishedRun":
        """Read the folder of a run.

        Raises:
            ReIDError: there is no such folder, its training is not finished, or run.json cannot be read.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise ReIDError(f"There is no folder '{folder}' of a training.")
        try:
            return cls(folder, json.loads((folder / "run.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise ReIDError(
                f"The training in '{folder}' is not finished, it has no run.json: start its command again, and it goes "
                "on."
            ) from None
        except ValueError as error:
            raise ReIDError(f"'{folder / 'run.json'}' cannot be read: {error}") from error

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self.results["recipe"]["name"]

    @property
    def weights(self) -> Path:
        """The file of the trained weights."""
        return self.folder / self.results["weights"]

    @property
    def options(self) -> dict[str, Any]:
        """The network's."""
        return self.results["recipe"]["options"]

    @property
    def effort(self) -> dict[str, int]:
        """Its "epochs" and "seconds"."""
        epochs = sum(stage["epochs"] for stage in self.results["recipe"]["stages"])
        return {"epochs": epochs, "seconds": self.results["seconds"]}

    @property
    def command(self) -> str:
        """What trained it."""
        return commands.training(self.recipe, self.results["data"]["name"], self.results["recipe"]["data"])

    def tuned(self, name: str) -> dict[str, Any]:
        """Its retrieval figures as a fine-tuning of the model `name`, see `tuned` of `keras_reid.zoo.manifest.Entry`.

        Raises:
            ReIDError: it trained another model, started at random weights, or measured no retrieval.
        """
        recipe = self.results["recipe"]
        if recipe["network"] != name:
            raise ReIDError(
                f"Expected the training in '{self.folder}' to be of '{name}'. It is of '{recipe['network']}'."
            )
        if recipe["weights"] is None:
            raise ReIDError(f"The training in '{self.folder}' started at random weights, so it is no fine-tuning.")
        return self.retrieval()

    def retrieval(self) -> dict[str, Any]:
        """What its last epoch measured, on what, and how it came to that, see `beside` of the manifest's `Entry`.

        Raises:
            ReIDError: it measured no retrieval.
        """
        figures, data = self.results["figures"], self.results["data"]
        missing = [name for name in _FIGURES if name not in figures]
        if missing:
            raise ReIDError(f"The training in '{self.folder}' measured no {', '.join(missing)} in its last epoch.")
        splits = {split["split"]: split for split in data["splits"]}
        return {
            "data": data["name"],
            "people": splits["train"]["identities"],
            "queries": splits["query"]["images"],
            "gallery": splits["gallery"]["images"],
            **{name: round(figures[name], 4) for name in _FIGURES},
            "recipe": self.recipe,
            **self.effort,
            "command": self.command,
        }


def check_chain(runs: Sequence[FinishedRun]) -> None:
    """Raises a ReIDError where a run did not start from the one before."""
    for before, after in itertools.pairwise(runs):
        start = after.results["recipe"]["weights"]
        if Path(start or "").name != before.weights.name:
            raise ReIDError(
                f"Expected the training in '{after.folder}' to have started from the weights of '{before.folder}', "
                f"'{before.weights.name}'. It started from {start or 'random weights'}. Give runs in their order."
            )


def retrieval_after(runs: Sequence[FinishedRun]) -> dict[str, Any]:
    """Retrieval figures after trainings that started from one another, with the effort of all.

    Raises:
        ReIDError: a run did not start from the one before, or the last one measured no retrieval.
    """
    check_chain(runs)
    trained = [f"{run.command} --output runs/{run.recipe}" for run in runs]
    return {
        **runs[-1].retrieval(),
        "recipe": " and ".join(run.recipe for run in runs),
        **{key: sum(run.effort[key] for run in runs) for key in ("epochs", "seconds")},
        "command": " && ".join(trained),
    }


def draw_course(runs: Sequence[FinishedRun], path: Path) -> None:
    """Draw the curve of trainings one after the other, small.

    Raises:
        ReIDError: a log is missing.
    """
    from keras_reid.training.curve import draw_curve
    from keras_reid.training.epoch_log import read_log

    rows: list[dict[str, float]] = []
    begun = []
    for run in runs:
        own = read_log(run.folder / "log.csv")
        if not own:
            raise ReIDError(f"The training in '{run.folder}' has no log.csv to draw its curve from.")
        begun.append((run.recipe, len(rows) + 1))
        rows += [{**row, "epoch": len(rows) + row["epoch"]} for row in own]
    draw_curve(rows, path, dpi=80, begun=begun if len(runs) > 1 else ())

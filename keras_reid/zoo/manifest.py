"""What is published: the manifest `zoo/manifest.json` and its entries."""

import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.shipped import shipped

SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """One set of published weights and where it comes from.

    Args:
        name: What `zoo.load` is asked for.
        file: The weights' file name: in the folder `weights` beside the manifest, and behind the address of a mirror.
        size: Its length in bytes.
        sha256: Its SHA-256, 64 lower-case hexadecimal digits.
        licence: Of the weights, an SPDX identifier.
        network: The name that `networks.create` knows.
        options: Further arguments of `networks.create`.
        image_size: Height and width of the input in pixels.
        embedding_size: Length of the embedding.
        parameters: Number of weights, the identity heads of the training left out.
        precision: What matrices and kernels are stored in, "float16" or "float32".
        recipe: How it was trained: "name" of the recipe and the "command".
        trained_on: What it was trained on, a sentence.
        figures: Retrieval as measured with the published file, one dict a data set: "data", "queries", "gallery",
            "rank1", "rank5", "rank10", "mAP", "mINP" and the "command" that measures it again.
        runs: The trainings it went through, in order: "recipe", "epochs", "seconds".
        curve: A picture of their losses and figures, relative to the manifest; or None.
        tuned: Retrieval after fine-tuning from these weights, one dict a training: as `figures`, and "people", how many
            it was tuned on, "recipe", "epochs", "seconds".
        beside: Retrieval of other networks that learnt from the same pictures, as `tuned`; effort and command are those
            of all trainings that they went through.
        thresholds: Cosines from which two pictures are called the same person, see
            `keras_reid.zoo.match_threshold.measure_thresholds`.
        match_rates: What they let through on the data of `figures`, see `match_rates` there.
        int8: Retrieval of the int8 LiteRT file, one dict a data set, see `keras_reid.zoo.int8_retrieval`.
        latency: Time of the LiteRT files, one dict each, see `keras_reid.zoo.latency`.
        matches: A picture of ranked matches on the bundled people, relative to the manifest; or None.
        exports: One dict an exported format: "format", "size", "cosine", "difference", "pictures"; or None.
        card: The model card, relative to the manifest.
        keras: Keras' version at publication.
        version: keras-reid's version at publication.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    network: str
    image_size: list[int]
    embedding_size: int
    parameters: int
    precision: str
    recipe: dict[str, Any]
    trained_on: str
    figures: list[dict[str, Any]]
    card: str
    keras: str
    version: str
    options: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    curve: str | None = None
    tuned: list[dict[str, Any]] = field(default_factory=list)
    beside: list[dict[str, Any]] = field(default_factory=list)
    thresholds: list[dict[str, Any]] = field(default_factory=list)
    match_rates: list[dict[str, Any]] = field(default_factory=list)
    int8: list[dict[str, Any]] = field(default_factory=list)
    latency: list[dict[str, Any]] = field(default_factory=list)
    matches: str | None = None
    exports: list[dict[str, Any]] | None = None

    @property
    def pictures(self) -> list[str]:
        """The card's pictures, relative to the manifest."""
        return [picture for picture in (self.curve, self.matches) if picture]

    def __post_init__(self):
        # A file name, never a path: nothing a manifest says reaches outside the cache and the folder of weights.
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.weights\.h5", self.file):
            raise ReIDError(
                f"Expected `file` of '{self.name}' to be a name that ends in .weights.h5. Received: '{self.file}'."
            )
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ReIDError(
                f"Expected `sha256` of '{self.name}' to be 64 hexadecimal digits. Received: '{self.sha256}'."
            )


@dataclass(frozen=True)
class Manifest:
    """All published weights.

    Args:
        entries: Name -> entry, in the order of the file.
        base_url: Address before the file names, where `KERAS_REID_ZOO_URL` is not set; None where there is none.
    """

    entries: dict[str, Entry]
    base_url: str | None = None

    @classmethod
    def read(cls, path: str | Path | None = None) -> "Manifest":
        """Read the manifest at `path`; defaults to the one this installation came with.

        Raises:
            ReIDError: the file is missing, no manifest, or of another schema.
        """
        path = Path(path) if path else shipped("zoo") / "manifest.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["schema"] != SCHEMA:
                raise ReIDError(
                    f"The zoo's manifest '{path}' has schema {content['schema']}, and this keras-reid reads schema "
                    f"{SCHEMA}. Install the keras-reid that it belongs to."
                )
            entries = [Entry(**entry) for entry in content["entries"]]
            return cls({entry.name: entry for entry in entries}, content["base_url"])
        except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise ReIDError(
                f"The zoo's manifest '{path}' cannot be read ({type(error).__name__}: {error}). Install keras-reid "
                "again."
            ) from error

    def write(self, path: str | Path) -> None:
        """Write the manifest to `path`, at once: a reader sees the old one or the new one."""
        content = {
            "schema": SCHEMA,
            "base_url": self.base_url,
            "entries": [dataclasses.asdict(entry) for entry in self.entries.values()],
        }
        with atomically(path) as new:
            new.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def with_entry(self, entry: Entry) -> "Manifest":
        """This manifest with `entry` in place of the one of its name, or at the end."""
        return dataclasses.replace(self, entries={**self.entries, entry.name: entry})

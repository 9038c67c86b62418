"""What an export tells about the file it wrote."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Report:
    """An exported file and how it compares with the Keras model.

    Attributes:
        format: "saved_model", "tflite" or "onnx".
        quantize: None, "float16" or "int8".
        path: The file, or the folder of a SavedModel.
        size: In bytes; of a folder, all its files.
        ops: Name of each operation in the graph -> how often it occurs, the most frequent first.
        largest_difference: Between any number of an embedding and the Keras model's.
        lowest_cosine: Between an embedding and the Keras model's.
        pictures: How many pictures were compared.
        batch: Pictures a call takes; None where it takes any number.
    """

    format: str
    quantize: str | None
    path: Path
    size: int
    ops: dict[str, int]
    largest_difference: float
    lowest_cosine: float
    pictures: int
    batch: int | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**asdict(self), "path": str(self.path), "batch": "dynamic" if self.batch is None else self.batch}

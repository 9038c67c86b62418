"""LiteRT files from inside: their operations, weights and value ranges, and the facts packed along."""

import json
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_reid.errors import ReIDError

# The facts travel as a zip archive behind the network, which is how LiteRT packs associated files; runtimes skip it.
FACTS = "keras_reid.json"


@dataclass(frozen=True)
class Operation:
    """One node of a LiteRT graph.

    Attributes:
        name: As in LiteRT's list of built-in operators; "CUSTOM: …" for any other.
        inputs: Numbers of the tensors it reads that are computed.
        outputs: Numbers of the tensors it computes.
        output_names: Their names.
        constants: Number -> shape of the tensors it reads that are constant; the weights of an operation come first.
        activation: Number of the activation that is part of it: 0 for none, 1 for ReLU.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    output_names: tuple[str, ...]
    constants: dict[int, tuple[int, ...]]
    activation: int = 0

    @property
    def size(self) -> int:
        """How many weights it has, biases not counted."""
        return int(np.prod(next(iter(self.constants.values())))) if self.constants else 0


class Graph:
    """A LiteRT file with one graph, to be looked into and to be changed.

    Args:
        content: The file's bytes.
    """

    def __init__(self, content: bytes):
        from ai_edge_litert.tools import flatbuffer_utils

        self._model: Any = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
        (self._graph,) = self._model.subgraphs
        self.inputs = tuple(int(number) for number in self._graph.inputs)
        self.operations = [self._operation(operator) for operator in self._graph.operators]

    @property
    def content(self) -> bytes:
        """The file's bytes as they are now."""
        from ai_edge_litert.tools import flatbuffer_utils

        return bytes(flatbuffer_utils.convert_object_to_bytearray(self._model))

    @property
    def computed(self) -> list[int]:
        """Numbers of the float32 tensors that hold values while the graph runs, inputs included."""
        seen = dict.fromkeys(self.inputs)
        for operation in self.operations:
            seen.update(dict.fromkeys((*operation.inputs, *operation.outputs)))
        return [number for number in seen if self._graph.tensors[number].type == 0]

    def buffer(self, number: int) -> int:
        """Where a constant tensor's values lie; several tensors can share them."""
        return self._graph.tensors[number].buffer

    def values(self, number: int) -> np.ndarray:
        """A constant float32 tensor."""
        tensor = self._graph.tensors[number]
        raw = np.asarray(self._model.buffers[tensor.buffer].data, np.uint8).tobytes()
        return np.frombuffer(raw, "<f4").reshape(tensor.shape)

    def set_values(self, number: int, values: np.ndarray) -> None:
        """Replaces a constant float32 tensor."""
        self._model.buffers[self.buffer(number)].data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)

    def set_range(self, number: int, low: float, high: float) -> None:
        """Writes down which values occur in a computed tensor, where the quantiser looks for it."""
        from ai_edge_litert import schema_py_generated as schema

        quantisation = schema.QuantizationParametersT()
        quantisation.min, quantisation.max = np.array([low], "float32"), np.array([high], "float32")
        self._graph.tensors[number].quantization = quantisation

    def _operation(self, operator: Any) -> Operation:
        read = [int(number) for number in operator.inputs if number >= 0]
        written = tuple(int(number) for number in operator.outputs)
        return Operation(
            self._name(operator.opcodeIndex),
            tuple(number for number in read if not self._is_constant(number)),
            written,
            tuple(self._graph.tensors[number].name.decode() for number in written),
            {number: self._shape(number) for number in read if self._is_constant(number)},
            getattr(operator.builtinOptions, "fusedActivationFunction", 0),
        )

    def _name(self, code_number: int) -> str:
        from ai_edge_litert import schema_py_generated as schema

        code = self._model.operatorCodes[code_number]
        if code.customCode is not None:
            return f"CUSTOM: {code.customCode.decode()}"
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        return next(name for name, value in vars(schema.BuiltinOperator).items() if value == number)

    def _is_constant(self, number: int) -> bool:
        data = self._model.buffers[self.buffer(number)].data
        return data is not None and len(data) > 0

    def _shape(self, number: int) -> tuple[int, ...]:
        sides = self._graph.tensors[number].shape
        return () if sides is None else tuple(int(side) for side in sides)


def op_counts(content: bytes) -> Counter[str]:
    """Name of each operation -> how often it occurs."""
    return Counter(operation.name for operation in Graph(content).operations)


def attach_facts(path: Path, facts: dict[str, Any]) -> None:
    """Appends `facts` to a LiteRT file; `unzip -p FILE keras_reid.json` shows them."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FACTS, json.dumps(facts, indent=2) + "\n")


def read_facts(path: Path) -> dict[str, Any]:
    """What `attach_facts` wrote.

    Raises:
        ReIDError: the file holds none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(FACTS))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ReIDError(f"{path} was not written by keras_reid.export.to_tflite: {error}.") from error

"""Reading LiteRT files: the operations in them, how they depend on each other, and the facts packed along."""

import json
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_reid.errors import ReIDError

# The facts travel as a zip archive behind the network, which is how LiteRT packs associated files; runtimes skip it.
FACTS = "keras_reid.json"


@dataclass(frozen=True)
class Operation:
    """One node of a LiteRT graph.

    Attributes:
        name: As in LiteRT's list of built-in operators; "CUSTOM: …" for any other.
        inputs: Indices of the tensors it reads that are computed (not constant).
        outputs: Indices of the tensors it computes.
        output_names: Their names.
        constants: Shapes of its constant tensors.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    output_names: tuple[str, ...]
    constants: tuple[tuple[int, ...], ...]


def operations(content: bytes) -> list[Operation]:
    """All operations of a LiteRT file with one graph, in the order in which they run."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    builtins = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    (graph,) = model.subgraphs

    def named(index: int) -> str:
        code = model.operatorCodes[index]
        if code.customCode is not None:
            return f"CUSTOM: {code.customCode.decode()}"
        return builtins[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def constant(index: int) -> bool:
        data = model.buffers[graph.tensors[index].buffer].data
        return data is not None and len(data) > 0

    def shape(index: int) -> tuple[int, ...]:
        sides = graph.tensors[index].shape
        return () if sides is None else tuple(int(side) for side in sides)

    found = []
    for operator in graph.operators:
        read = [int(index) for index in operator.inputs if index >= 0]
        written = [int(index) for index in operator.outputs]
        found.append(
            Operation(
                named(operator.opcodeIndex),
                tuple(index for index in read if not constant(index)),
                tuple(written),
                tuple(graph.tensors[index].name.decode() for index in written),
                tuple(shape(index) for index in read if constant(index)),
            )
        )
    return found


def op_counts(content: bytes) -> Counter[str]:
    """Name of each operation -> how often it occurs."""
    return Counter(operation.name for operation in operations(content))


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

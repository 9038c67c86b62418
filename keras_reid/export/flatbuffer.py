"""LiteRT files from inside: their operations, weights and value ranges, and the facts packed along."""

import copy
import json
import math
import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_reid.errors import ReIDError

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

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

    Raises:
        ReIDError: it has several graphs.
    """

    def __init__(self, content: bytes):
        self._model = _parsed(content)
        if len(self._model.subgraphs) != 1:
            raise ReIDError("The network has loops or branches, which int8 export cannot look into: export in float32.")
        (self._graph,) = self._model.subgraphs
        self.inputs = tuple(int(number) for number in self._graph.inputs)
        self.operations = [self._operation(operator) for operator in self._graph.operators]

    @property
    def content(self) -> bytes:
        """The file's bytes as they are now."""
        from ai_edge_litert.tools import flatbuffer_utils

        return bytes(flatbuffer_utils.convert_object_to_bytearray(self._model))

    def give_out(self, tensors: Iterable[int]) -> None:
        """Adds computed tensors to the outputs."""
        outputs = {*map(int, self._graph.outputs), *tensors} - {*self.inputs}
        self._graph.outputs = np.array(sorted(outputs), "int32")
        self._model.signatureDefs = None  # they name the outputs that were

    @property
    def computed(self) -> list[int]:
        """Numbers of the float32 tensors that hold values while the graph runs, inputs included."""
        seen = dict.fromkeys(self.inputs)
        for operation in self.operations:
            seen.update(dict.fromkeys((*operation.inputs, *operation.outputs)))
        return [number for number in seen if self._graph.tensors[number].type == 0]

    @property
    def multiply_adds(self) -> int:
        """Of the convolutions and dense layers, for one picture."""
        heavy = [each for each in self.operations if each.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")]
        return sum(each.size * math.prod(self.shape(each.outputs[0])[1:-1]) for each in heavy)

    @property
    def uses(self) -> Counter[int]:
        """Buffer -> how often operations read a constant that lies there."""
        return Counter(self.buffer(tensor) for operation in self.operations for tensor in operation.constants)

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

    def own(self, operation: Operation, number: int) -> int:
        """A constant tensor that `operation` reads, as a tensor that nothing else reads: itself, or a copy."""
        if self.uses[self.buffer(number)] == 1:
            return number
        tensor = copy.copy(self._graph.tensors[number])
        new = len(self._graph.tensors)
        tensor.name = tensor.name + f"/{new}".encode()
        tensor.buffer = self._new_buffer(self.values(number))
        self._graph.tensors.append(tensor)
        reader = next(each for each in self._graph.operators if tuple(each.outputs) == operation.outputs)
        reader.inputs = np.where(reader.inputs == number, new, reader.inputs).astype("int32")
        return new

    @property
    def gives_integers(self) -> bool:
        """Whether the output is computed in integers, and made float32 at the very end."""
        last = {number: operation.name for operation in self.operations for number in operation.outputs}
        return all(last.get(int(number)) == "DEQUANTIZE" for number in self._graph.outputs)

    def is_float32(self, number: int) -> bool:
        """Whether a tensor holds float32 numbers."""
        return self._graph.tensors[number].type == 0

    def store_in_bytes(self, number: int, axis: int) -> None:
        """Stores a constant float32 tensor in int8, with a scale for each index along `axis`.

        It is turned back into float32 once, when the file is loaded. What reads the tensor stays as it is.
        """
        from ai_edge_litert import schema_py_generated as schema

        values, tensor = self.values(number), self._graph.tensors[number]
        others = tuple(other for other in range(values.ndim) if other != axis)
        scales = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
        stored = self._dequantised(number, "int8", schema.TensorType.INT8, scales.ravel(), axis)
        stored.buffer = self._new_buffer(np.rint(values / scales).astype("int8"))
        before, tensor.buffer = tensor.buffer, self._new_buffer(None)
        if all(other.buffer != before for other in self._graph.tensors):
            self._model.buffers[before].data = None

    def take_bytes(self) -> None:
        """Has the float32 inputs take uint8 numbers from 0 to 255 instead, as they are."""
        from ai_edge_litert import schema_py_generated as schema

        for number in filter(self.is_float32, self.inputs):
            taken = self._dequantised(number, "uint8", schema.TensorType.UINT8, np.ones(1))
            taken.shapeSignature, taken.buffer = self._graph.tensors[number].shapeSignature, self._new_buffer(None)
            new = len(self._graph.tensors) - 1
            self._graph.inputs = np.where(self._graph.inputs == number, new, self._graph.inputs).astype("int32")
            for signature in self._model.signatureDefs or ():
                for entry in signature.inputs:
                    entry.tensorIndex = new if entry.tensorIndex == number else entry.tensorIndex
        self.inputs = tuple(int(number) for number in self._graph.inputs)

    def _dequantised(self, number: int, suffix: str, type_number: int, scales: np.ndarray, axis: int = 0) -> Any:
        """A new integer tensor in front of float32 tensor `number`, which an operation at the beginning makes of it."""
        from ai_edge_litert import schema_py_generated as schema

        tensor, new = self._graph.tensors[number], schema.TensorT()
        new.name, new.shape, new.type = tensor.name + b"/" + suffix.encode(), tensor.shape, type_number
        new.quantization = schema.QuantizationParametersT()
        new.quantization.scale = scales.astype("float32")
        new.quantization.zeroPoint = np.zeros(len(scales), np.int64)
        new.quantization.quantizedDimension = axis
        self._graph.tensors.append(new)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(schema.BuiltinOperator.DEQUANTIZE, version=5)  # from 5 on, scales by channel
        operator.inputs = np.array([len(self._graph.tensors) - 1], "int32")
        operator.outputs = np.array([number], "int32")
        operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
        operator.builtinOptions = schema.DequantizeOptionsT()
        self._graph.operators = [operator, *self._graph.operators]
        return new

    def set_range(self, number: int, low: float, high: float) -> None:
        """Writes down which values occur in a computed tensor, where the quantiser looks for it."""
        from ai_edge_litert import schema_py_generated as schema

        quantisation = schema.QuantizationParametersT()
        quantisation.min, quantisation.max = np.array([low], "float32"), np.array([high], "float32")
        self._graph.tensors[number].quantization = quantisation

    def _new_buffer(self, values: np.ndarray | None) -> int:
        from ai_edge_litert import schema_py_generated as schema

        buffer = schema.BufferT()
        buffer.data = None if values is None else np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return len(self._model.buffers) - 1

    def _code(self, builtin: int, version: int) -> int:
        from ai_edge_litert import schema_py_generated as schema

        for number, known in enumerate(self._model.operatorCodes):
            if (known.builtinCode, known.version) == (builtin, version):
                return number
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = version
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1

    def _operation(self, operator: Any) -> Operation:
        read = [int(number) for number in operator.inputs if number >= 0]
        written = tuple(int(number) for number in operator.outputs)
        return Operation(
            _name(self._model, operator),
            tuple(number for number in read if not self._is_constant(number)),
            written,
            tuple(self._graph.tensors[number].name.decode() for number in written),
            {number: self.shape(number) for number in read if self._is_constant(number)},
            getattr(operator.builtinOptions, "fusedActivationFunction", 0),
        )

    def _is_constant(self, number: int) -> bool:
        data = self._model.buffers[self.buffer(number)].data
        return data is not None and len(data) > 0

    def shape(self, number: int) -> tuple[int, ...]:
        sides = self._graph.tensors[number].shape
        return () if sides is None else tuple(int(side) for side in sides)


def calls(content: bytes, pixels: np.ndarray, tensors: Iterable[int]) -> "Iterator[Interpreter]":
    """Shows pictures to a graph, and yields its interpreter after each call, from which `tensors` can be read.

    Args:
        content: The file; its input takes pixels 0..255 in float32.
        pixels: (n, height, width, 3) uint8. The last call's are repeated where the graph's batch asks for more.
        tensors: Numbers of computed tensors.
    """
    from ai_edge_litert.interpreter import Interpreter

    graph = Graph(content)
    # An output's values are kept. LiteRT can keep every tensor's, but without XNNPACK, which takes 4 times as long.
    graph.give_out(tensors)
    interpreter = Interpreter(model_content=graph.content, num_threads=os.cpu_count())
    (images,) = interpreter.get_input_details()
    batch = max(1, images["shape_signature"][0])
    interpreter.resize_tensor_input(images["index"], (batch, *images["shape"][1:]))
    interpreter.allocate_tensors()
    for start in range(0, len(pixels), batch):
        block = np.resize(pixels[start : start + batch], (batch, *pixels.shape[1:]))
        interpreter.set_tensor(images["index"], block.astype("float32"))
        interpreter.invoke()
        yield interpreter


def op_counts(content: bytes) -> Counter[str]:
    """Name of each operation -> how often it occurs, in loops and branches too."""
    model = _parsed(content)
    return Counter(_name(model, operator) for graph in model.subgraphs for operator in graph.operators)


def _parsed(content: bytes) -> Any:
    from ai_edge_litert.tools import flatbuffer_utils

    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


def _name(model: Any, operator: Any) -> str:
    from ai_edge_litert import schema_py_generated as schema

    code = model.operatorCodes[operator.opcodeIndex]
    if code.customCode is not None:
        return f"CUSTOM: {code.customCode.decode()}"
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return next(name for name, value in vars(schema.BuiltinOperator).items() if value == number)


def attach_facts(path: Path, facts: dict[str, Any]) -> None:
    """Appends `facts` to a LiteRT file; `unzip -p FILE keras_reid.json` shows them.

    They bear no time: a model exported once more is the same file, whose checksum the runtime's galleries go by.
    """
    member = zipfile.ZipInfo(FACTS)
    member.external_attr = 0o644 << 16  # who unpacks it is to be able to read it
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, json.dumps(facts, indent=2) + "\n")

import json
import zipfile

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from keras_reid import export
from keras_reid.export.flatbuffer import FACTS, Graph, attach_facts, op_counts


@pytest.fixture(scope="module")
def path(tiny, crops, tmp_path_factory):
    return export.to_tflite(tiny, tmp_path_factory.mktemp("file") / "tiny.tflite", images=crops[:2]).path


def test_operations_and_their_weights(path, tiny):
    graph = Graph(path.read_bytes())
    (dense,) = [operation for operation in graph.operations if operation.name == "FULLY_CONNECTED"]
    weights = next(iter(dense.constants))
    assert dense.constants[weights] == (24, 48)
    assert dense.size == 24 * 48
    assert graph.values(weights) == pytest.approx(tiny.get_layer("dense").kernel.numpy().T)
    relus = [operation.activation for operation in graph.operations if operation.name == "CONV_2D"]
    assert relus[:2] == [1, 1]
    assert op_counts(path.read_bytes())["CONV_2D"] == len(relus)


def test_multiply_adds_by_hand(path):
    convolutions = 16 * 8 * (3 * 3 * 3 * 16) + 8 * 4 * (3 * 3 * 16 * 24) + 4 * 2 * (3 * 3)
    depthwise = 16 * 8 * (3 * 3 * 16) + 8 * 4 * (3 * 3 * 24)
    assert Graph(path.read_bytes()).multiply_adds == convolutions + depthwise + 48 * 24


def test_a_changed_graph_is_written_back(path):
    graph = Graph(path.read_bytes())
    (dense,) = [operation for operation in graph.operations if operation.name == "FULLY_CONNECTED"]
    weights = next(iter(dense.constants))
    graph.set_values(weights, graph.values(weights) * 2)
    assert Graph(graph.content).values(weights) == pytest.approx(Graph(path.read_bytes()).values(weights) * 2)


def test_weights_stored_in_bytes_come_back_as_float32(path):
    before = Graph(path.read_bytes())
    kernel = next(iter(next(one for one in before.operations if one.name == "DEPTHWISE_CONV_2D").constants))
    values = before.values(kernel)
    before.store_in_bytes(kernel, 3)
    content = before.content
    after = Graph(content)
    assert after.operations[0].name == "DEQUANTIZE"
    assert after.operations[0].outputs == (kernel,)
    assert len(content) < len(path.read_bytes()) + 1500  # names and scales; the float32 values are gone
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    interpreter.invoke()
    steps = np.abs(values).max(axis=(0, 1, 2)) / 127
    assert np.all(np.abs(interpreter.get_tensor(kernel) - values) <= steps / 2 + 1e-9)


def test_bytes_are_taken_as_they_are(path):
    graph = Graph(path.read_bytes())
    graph.take_bytes()
    answers = []
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 16, 3))
    for content, dtype in ((path.read_bytes(), "float32"), (graph.content, "uint8")):
        interpreter = Interpreter(model_content=content)
        run = interpreter.get_signature_runner()
        answers.append(run(images=pixels.astype(dtype))["embedding"])
    np.testing.assert_array_equal(*answers)
    assert Graph(graph.content).inputs == graph.inputs != Graph(path.read_bytes()).inputs


def test_facts_go_in_and_come_out(tmp_path):
    file = tmp_path / "a.tflite"
    file.write_bytes(b"a network")
    attach_facts(file, {"model": "tiny", "batch": 1})
    assert json.loads(zipfile.Path(file, FACTS).read_text()) == {"model": "tiny", "batch": 1}
    assert file.read_bytes().startswith(b"a network")


def test_facts_bear_no_time(tmp_path):
    """The same file twice: the runtime's galleries go by its checksum."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"a flatbuffer")
        attach_facts(tmp_path / name, {"name": "han"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with zipfile.ZipFile(tmp_path / "a") as archive:
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)

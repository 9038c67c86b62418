import pytest

from keras_reid import ReIDError, export
from keras_reid.export.flatbuffer import Graph, attach_facts, op_counts, read_facts


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


def test_a_changed_graph_is_written_back(path):
    graph = Graph(path.read_bytes())
    (dense,) = [operation for operation in graph.operations if operation.name == "FULLY_CONNECTED"]
    weights = next(iter(dense.constants))
    graph.set_values(weights, graph.values(weights) * 2)
    assert Graph(graph.content).values(weights) == pytest.approx(Graph(path.read_bytes()).values(weights) * 2)


def test_facts_go_in_and_come_out(tmp_path):
    file = tmp_path / "a.tflite"
    file.write_bytes(b"a network")
    attach_facts(file, {"model": "tiny", "batch": 1})
    assert read_facts(file) == {"model": "tiny", "batch": 1}
    assert file.read_bytes().startswith(b"a network")

    (tmp_path / "b.tflite").write_bytes(b"a network of somebody else")
    with pytest.raises(ReIDError, match=r"b\.tflite was not written by keras_reid\.export\.to_tflite"):
        read_facts(tmp_path / "b.tflite")

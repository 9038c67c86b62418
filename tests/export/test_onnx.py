import copy
import gc
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_reid import ReIDError, export
from keras_reid.backbones import pixels

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


@pytest.mark.parametrize("batch_size", [None, 2])
def test_runs_in_onnx_runtime_and_agrees(tiny, crops, tmp_path, batch_size):
    path = tmp_path / "tiny.onnx"
    report = export.to_onnx(tiny, path, images=crops, batch_size=batch_size)

    assert (report.format, report.batch, report.pictures, report.size) == ("onnx", batch_size, 24, path.stat().st_size)
    assert report.lowest_cosine > 0.999999
    assert report.ops["Conv"] >= 5

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (images,), (embedding,) = session.get_inputs(), session.get_outputs()
    assert (images.name, images.shape) == ("images", ["batch" if batch_size is None else 2, 32, 16, 3])
    assert (embedding.name, embedding.shape) == ("embedding", ["batch" if batch_size is None else 2, 24])
    pixels = np.full((batch_size or 5, 32, 16, 3), 99, "float32")
    rows = session.run(None, {"images": pixels})[0]
    np.testing.assert_allclose(rows, np.asarray(tiny(pixels)), atol=1e-5)
    assert session.get_modelmeta().custom_metadata_map["embedding_size"] == "24"


def adding(constant):
    """A network that does something to pixels before its convolution."""
    images = keras.Input((32, 16, 3), name="images")
    x = layers.Conv2D(8, 3)(constant(images * (1 / 127.5) - 1.0))
    return keras.Model(images, layers.UnitNormalization()(ops.mean(x, axis=(1, 2))), name="adding")


@pytest.mark.parametrize("constant", [pixels.centred, pixels.standardised])
def test_the_backbones_means_travel_along(constant, crops, tmp_path):
    assert export.to_onnx(adding(constant), tmp_path / "a.onnx", images=crops[:2]).lowest_cosine > 0.9999


def test_a_constant_that_would_be_lost(crops, tmp_path):
    offset = ops.array([1.0, 2.0, 3.0])
    with pytest.raises(ReIDError, match=r"^The ONNX file of 'adding' would ask for .* beside the pictures: constants"):
        export.to_onnx(adding(lambda x: x + offset), tmp_path / "a.onnx", images=crops[:2])
    assert not list(tmp_path.iterdir())


def test_asks_for_the_opset(tiny, crops, tmp_path):
    export.to_onnx(tiny, tmp_path / "tiny.onnx", images=crops[:2], opset=15)
    (version,) = [entry.version for entry in onnx.load(tmp_path / "tiny.onnx").opset_import if entry.domain == ""]
    assert version == 15


def test_copies_of_the_weights_do_not_pile_up(tiny, crops, tmp_path, monkeypatch):
    from tf2onnx import graph, optimizer

    alive = []

    def deepcopy(value):
        alive.append(sum(isinstance(one, graph.Graph) for one in gc.get_objects()))
        return copy.deepcopy(value)

    monkeypatch.setattr(optimizer, "copy", SimpleNamespace(deepcopy=deepcopy))
    thresholds = gc.get_threshold()
    export.to_onnx(tiny, tmp_path / "tiny.onnx", images=crops[:2])
    assert len(alive) > 20
    assert max(alive) <= 12  # of tf2onnx alone, 15 here, and more in a process that has more objects
    assert (gc.get_threshold(), gc.get_freeze_count()) == (thresholds, 0)


def test_says_which_package_is_missing(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ReIDError, match=r"pip install 'keras-reid\[onnx\]'"):
        export.to_onnx(tiny, tmp_path / "tiny.onnx")
    assert not list(tmp_path.iterdir())

import numpy as np
import pytest

from keras_reid import ReIDError, export

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


def test_asks_for_the_opset(tiny, crops, tmp_path):
    export.to_onnx(tiny, tmp_path / "tiny.onnx", images=crops[:2], opset=15)
    (version,) = [entry.version for entry in onnx.load(tmp_path / "tiny.onnx").opset_import if entry.domain == ""]
    assert version == 15


def test_says_which_package_is_missing(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ReIDError, match=r"pip install 'keras-reid\[onnx\]'"):
        export.to_onnx(tiny, tmp_path / "tiny.onnx")
    assert not list(tmp_path.iterdir())

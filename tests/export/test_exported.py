import numpy as np
import pytest

from keras_reid import export
from keras_reid.errors import ReIDError


@pytest.fixture(scope="module")
def written(tiny, crops, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    export.to_saved_model(tiny, folder / "saved", images=crops, batch_size=2)
    export.to_onnx(tiny, folder / "a.onnx", images=crops)
    export.to_tflite(tiny, folder / "one.tflite", images=crops)
    export.to_tflite(tiny, folder / "many.tflite", images=crops, batch_size=None)
    export.to_tflite(tiny, folder / "bytes.tflite", "int8", crops, images=crops, output="int8", min_cosine=0.9)
    return folder


@pytest.mark.parametrize("name", ["saved", "a.onnx", "one.tflite", "many.tflite", "bytes.tflite"])
def test_embeds_pictures_of_any_size(written, tiny, crops, name):
    from keras_reid.data import load_images

    opened = export.open_export(written / name)
    vectors = opened.embed(crops, batch_size=5)
    expected = np.asarray(tiny(load_images(crops, (32, 16))[0].astype("float32")))
    assert opened.image_size == (32, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.sum(vectors * expected, axis=1).min() > (0.9 if name == "bytes.tflite" else 0.9999)


def test_the_users_own_folder(tiny, crops, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    report = export.to_tflite(tiny, "~/a.tflite", images=crops[:2])
    assert report.path == tmp_path / "a.tflite"
    assert export.open_export("~/a.tflite").image_size == (32, 16)


def test_nothing_to_embed(written):
    with pytest.raises(ReIDError, match=r"Expected at least one picture. Received: none"):
        export.open_export(written / "one.tflite").embed([])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.tflite", "No exported file at 'missing.tflite'."),
        ("a.txt", "Expected a .tflite or .onnx file or the folder of a SavedModel. Received: 'a.txt'"),
        ("a.tflite", "'a.tflite' is no LiteRT file of an embedding network: "),
        ("a.onnx", "'a.onnx' is no ONNX file that ONNX Runtime can run: "),
        ("folder", "'folder' is no SavedModel of an embedding network: "),
    ],
)
def test_what_is_no_export(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for file in ("a.txt", "a.tflite", "a.onnx"):
        (tmp_path / file).write_text("no network")
    with pytest.raises(ReIDError) as error:
        export.open_export(name)
    assert str(error.value).startswith(message)


def test_an_input_that_is_no_picture(tmp_path):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 8))])
    def double(x):
        return 2 * x

    path = tmp_path / "a.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([double.get_concrete_function()]).convert())
    with pytest.raises(
        ReIDError, match=r"takes an input of shape \(1, 8\). Expected: pictures, \(batch, height, width"
    ):
        export.open_export(path)

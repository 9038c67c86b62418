import json
import zipfile

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from small_network import build

from keras_reid import ReIDError, export
from keras_reid.export.flatbuffer import FACTS


def details(path):
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    return interpreter, interpreter.get_input_details()[0], interpreter.get_output_details()[0]


@pytest.fixture(scope="module")
def files(tiny, crops, tmp_path_factory):
    """Report of each quantisation at its defaults, with a batch of 1."""
    folder = tmp_path_factory.mktemp("tflite")
    return {
        quantize: export.to_tflite(
            tiny,
            folder / f"{quantize}.tflite",
            quantize,
            representative=crops if quantize == "int8" else None,
            images=crops,
            min_cosine=0.98 if quantize == "int8" else None,  # random weights round worse than trained ones
        )
        for quantize in (None, "float16", "int8")
    }


def test_float32_agrees(files, tiny):
    report = files[None]
    assert report.lowest_cosine > 0.999999
    assert report.largest_difference < 1e-5
    assert (report.format, report.quantize, report.pictures, report.batch) == ("tflite", None, 24, 1)
    interpreter, images, embedding = details(report.path)
    assert (images["dtype"], list(images["shape"])) == (np.float32, [1, 32, 16, 3])
    pixels = np.full((1, 32, 16, 3), 99, "float32")
    interpreter.set_tensor(images["index"], pixels)
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(embedding["index"]), np.asarray(tiny(pixels)), atol=1e-5)


def test_only_builtin_operations_and_no_variables(files):
    for report in files.values():
        assert report.ops["DEPTHWISE_CONV_2D"] == 2
        assert not [name for name in report.ops if "CUSTOM" in name or "VARIABLE" in name or "VAR_HANDLE" in name]


def test_float16_halves_the_weights(files):
    assert files["float16"].size < files[None].size
    assert files["float16"].lowest_cosine > 0.9999


def test_int8_takes_uint8_pixels_as_they_are(files):
    report = files["int8"]
    _, images, embedding = details(report.path)
    assert (images["dtype"], images["quantization"]) == (np.uint8, (1.0, 0))
    assert embedding["dtype"] == np.float32
    # What is light-weight and needs precision stayed in float32, or it would have a scale of 1/128.
    assert report.lowest_cosine < 1


def test_int8_computes_convolutions_in_integers(crops, tmp_path):
    keras.utils.set_random_seed(0)
    images = keras.Input((32, 16, 3))
    maps = images * (1 / 127.5) - 1.0
    for _ in range(3):
        maps = keras.layers.Conv2D(32, 3, 2, padding="same", activation="relu")(maps)
    model = keras.Model(images, keras.layers.UnitNormalization()(keras.layers.GlobalAveragePooling2D()(maps)))
    report = export.to_tflite(model, tmp_path / "a.tflite", "int8", crops, images=crops)
    assert (report.ops["QUANTIZE"], report.ops["CONV_2D"]) == (1, 3)
    interpreter, *_ = details(report.path)
    kernels = [
        tensor["dtype"] for tensor in interpreter.get_tensor_details() if tuple(tensor["shape"]) == (32, 3, 3, 32)
    ]
    assert kernels == [np.int8] * 2


def test_int8_output_on_request(tiny, crops, tmp_path):
    report = export.to_tflite(
        tiny, tmp_path / "a.tflite", "int8", crops, images=crops, output="int8", min_cosine=0.9, batch_size=2
    )
    _, images, embedding = details(report.path)
    assert (images["dtype"], embedding["dtype"], list(images["shape"])) == (np.uint8, np.int8, [2, 32, 16, 3])


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_dynamic_batch_is_resized(tiny, crops, tmp_path, quantize):
    shown = crops if quantize else None
    path = tmp_path / "a.tflite"
    report = export.to_tflite(tiny, path, quantize, shown, images=crops, batch_size=None, min_cosine=0.98)
    assert report.to_dict()["batch"] == "dynamic"
    interpreter, images, embedding = details(path)
    assert list(images["shape_signature"]) == [-1, 32, 16, 3]
    pixels = np.random.default_rng(3).integers(0, 256, (5, 32, 16, 3))
    interpreter.resize_tensor_input(images["index"], pixels.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(images["index"], pixels.astype(images["dtype"]))
    interpreter.invoke()
    expected = np.asarray(tiny(pixels.astype("float32")))
    assert np.sum(expected * interpreter.get_tensor(embedding["index"]), axis=1).min() > 0.95


@keras.saving.register_keras_serializable(package="tests")
class Halved(keras.layers.Layer):
    """The half of the half, in a loop."""

    def call(self, x):
        return keras.ops.fori_loop(0, 2, lambda _, value: value * 0.5, x)


def test_a_network_with_a_loop(tiny, crops, tmp_path):
    model = keras.Model(tiny.inputs, Halved()(tiny.outputs[0]))
    report = export.to_tflite(model, tmp_path / "a.tflite", images=crops[:2])
    assert (report.ops["WHILE"], report.ops["CONV_2D"]) == (1, 3)
    with pytest.raises(ReIDError, match="The network has loops or branches, which int8 export cannot look into"):
        export.to_tflite(model, tmp_path / "b.tflite", "int8", crops, images=crops[:2])


def test_int8_output_of_what_has_no_integer_kernel(tiny, crops, tmp_path):
    model = keras.Model(tiny.inputs, keras.ops.tanh(tiny.outputs[0]))
    with pytest.raises(ReIDError, match="The network's last operation has no integer kernel"):
        export.to_tflite(model, tmp_path / "a.tflite", "int8", crops, images=crops[:2], output="int8")
    assert export.to_tflite(model, tmp_path / "a.tflite", "int8", crops, images=crops[:2]).lowest_cosine > 0.98


def test_weights_that_are_not_finite(crops, tmp_path):
    model = build()
    model.get_layer("conv1").kernel.assign(np.full((3, 3, 16, 24), np.nan))
    with pytest.raises(ReIDError, match="The network computes NaN or infinity"):
        export.to_tflite(model, tmp_path / "a.tflite", "int8", crops, images=crops[:2])
    assert not list(tmp_path.iterdir())


def test_facts_travel_along(files):
    facts = json.loads(zipfile.Path(files["int8"].path, FACTS).read_text())
    assert (facts["model"], facts["quantize"], facts["embedding_size"], facts["batch"]) == ("tiny", "int8", 24, 1)


def test_below_the_threshold_nothing_is_left_and_the_old_file_stays(tiny, crops, tmp_path):
    path = tmp_path / "a.tflite"
    path.write_bytes(b"the old one")
    with pytest.raises(ReIDError) as error:
        export.to_tflite(tiny, path, "float16", images=crops, min_cosine=1.1)
    message = (
        r"The LiteRT float16 export of 'tiny' is not kept: its lowest cosine against the Keras model over 24 pictures"
    )
    assert str(error.value).startswith(message)
    assert "below the threshold 1.1 (largest difference" in str(error.value)
    assert path.read_bytes() == b"the old one"
    assert [file.name for file in tmp_path.iterdir()] == ["a.tflite"]


def test_few_representative_pictures_are_warned_of(tiny, crops, tmp_path):
    with pytest.warns(UserWarning, match="3 representative pictures are few: values that they do not show are clipped"):
        export.to_tflite(tiny, tmp_path / "a.tflite", "int8", crops[:3], images=crops[:3], min_cosine=0.5)


def test_bad_arguments(tiny, tmp_path):
    path = tmp_path / "a.tflite"
    for given, message in (
        ({"quantize": "int4"}, "`quantize` is None, 'float16' or 'int8'. Received: quantize='int4'"),
        ({"output": "int8"}, "`output` is 'float32', or 'int8' with quantize='int8'. Received: output='int8'"),
        ({"representative": []}, "`representative` pictures serve quantize='int8' only. Received: quantize=None"),
        ({"images": []}, "Expected at least one picture. Received: none"),
    ):
        with pytest.raises(ReIDError) as error:
            export.to_tflite(tiny, path, **given)
        assert str(error.value) == message
    with pytest.raises(ReIDError, match="which is a folder; add a file name"):
        export.to_tflite(tiny, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_litert_lacks_is_an_error(crops, tmp_path):
    import keras
    import tensorflow as tf

    images = keras.Input((32, 16, 3))
    pooled = keras.layers.Lambda(lambda x: tf.math.bessel_i0e(x))(images)
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(pooled))
    with pytest.raises(ReIDError, match="needs operations that LiteRT does not have"):
        export.to_tflite(model, tmp_path / "a.tflite", images=crops[:2])
    assert not list(tmp_path.iterdir())


def test_units_that_never_fire_can_be_quantised(crops, tmp_path):
    """XNNPACK does not load a convolution whose outputs' steps are far finer than what it sums."""
    images = keras.Input((32, 16, 3))
    x = keras.layers.Conv2D(32, 3, strides=2, activation="relu")(images / 127.5 - 1)
    dead = keras.layers.Conv2D(4, 3, activation="relu", bias_initializer=keras.initializers.Constant(-99))(x)
    x = keras.layers.Concatenate()([keras.layers.Conv2D(32, 3)(x), keras.layers.Conv2D(4, 3, padding="same")(dead)])
    model = keras.Model(images, keras.layers.UnitNormalization()(keras.layers.GlobalAveragePooling2D()(x)))
    report = export.to_tflite(model, tmp_path / "dead.tflite", quantize="int8", representative=crops, images=crops)
    assert report.lowest_cosine > 0.98

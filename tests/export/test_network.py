from collections import Counter

import keras
import numpy as np
import pytest
from small_network import build

from keras_reid import ReIDError, export
from keras_reid.export.network import Network, batches, check_ops


def test_leaves_out_the_heads(tiny):
    head = keras.layers.Dense(5000)
    head.build((None, 24))
    tiny.unused_head = head
    network = Network.of(tiny)
    assert (network.name, network.image_size, network.embedding_size) == ("tiny", (32, 16), 24)
    assert network.keras.count_params() == sum(layer.count_params() for layer in tiny.layers if layer is not head)


def test_mixed_precision_is_exported_in_float32(crops, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        keras.utils.set_random_seed(3)
        model = build()
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("conv0").compute_dtype == "float16"
    network = Network.of(model)
    assert network.keras.get_layer("conv0").compute_dtype == "float32"
    pixels = np.stack([crops[0][:32, :16]] * 2)
    answers = network.answers(pixels)
    np.testing.assert_allclose(answers, np.asarray(model(pixels.astype("float32"))), atol=0.01)  # half precision
    assert keras.config.dtype_policy() == before
    assert export.to_saved_model(model, tmp_path / "model", images=crops[:4]).lowest_cosine > 0.999999


def test_an_embedding_in_a_dict(tiny, crops, tmp_path):
    model = keras.Model(tiny.inputs, {"embedding": tiny.outputs[0]}, name="named")
    assert export.to_saved_model(model, tmp_path / "model", images=crops[:2]).lowest_cosine > 0.999999


def test_a_model_in_float32_is_exported_itself(tiny):
    assert Network.of(tiny).keras.get_layer("conv0") is tiny.get_layer("conv0")


@keras.saving.register_keras_serializable(package="tests")
class Leak(keras.layers.Layer):
    """Batch normalisation that always trains, as preprocessing layers make those behind them do."""

    def build(self, shape):
        self.norm = keras.layers.BatchNormalization()
        self.norm.build(shape)

    def call(self, x):
        return self.norm(x, training=True)


@pytest.mark.parametrize("export_to", [export.to_saved_model, export.to_tflite])
def test_training_mode_inside_is_found(crops, tmp_path, export_to):
    images = keras.Input((32, 16, 3))
    x = Leak()(keras.layers.Conv2D(8, 3)(images))
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(ReIDError, match=r"must not hold AssignVariableOp: a layer runs in training mode"):
        export_to(model, tmp_path / "out", images=crops[:2])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("export_to", [export.to_saved_model, export.to_tflite])
def test_layer_normalisation_is_no_training_mode(crops, tmp_path, export_to):
    images = keras.Input((32, 16, 3))
    x = keras.layers.LayerNormalization()(keras.layers.Conv2D(8, 3)(images))
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(keras.layers.Activation("relu")(x)))
    assert export_to(model, tmp_path / "out", images=crops[:2]).lowest_cosine > 0.9999


@pytest.mark.parametrize("batch_size", [0, -1, True, 1.0])
def test_no_number_of_pictures(tiny, crops, tmp_path, batch_size):
    for export_to in (export.to_saved_model, export.to_onnx, export.to_tflite):
        with pytest.raises(ReIDError, match=f"`batch_size` is a whole number .* Received: batch_size={batch_size!r}"):
            export_to(tiny, tmp_path / "out", images=crops[:1], batch_size=batch_size)
    assert not list(tmp_path.iterdir())


def test_what_is_no_embedding_network():
    images = keras.Input((32, 16, 3))
    free = keras.Input((None, None, 3))
    for model in (
        keras.Model(images, keras.layers.Conv2D(2, 3)(images), name="map"),
        keras.Model(free, keras.layers.GlobalAveragePooling2D()(free), name="free"),
        keras.Model([images, images * 1], keras.layers.GlobalAveragePooling2D()(images), name="two"),
    ):
        with pytest.raises(
            ReIDError, match=f"Expected a functional model from pictures .* Received: '{model.name}' with"
        ):
            Network.of(model)
    with pytest.raises(ReIDError, match=r"with inputs and outputs of shape \[\]"):
        Network.of(keras.Model(name="subclassed"))


def test_other_backends_are_told_what_to_do(tiny, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ReIDError) as error:
        Network.of(tiny)
    assert str(error.value) == (
        "Exports need Keras' TensorFlow backend. Received: KERAS_BACKEND=jax. Save the weights here, and export in a "
        "process with KERAS_BACKEND=tensorflow; the weights are the same."
    )


def test_batches_fills_up_and_cuts_off():
    seen = []

    def run(block):
        seen.append(len(block))
        return block.sum(axis=(1, 2, 3), keepdims=True)[:, 0, 0]

    pixels = np.arange(5)[:, None, None, None] * np.ones((1, 1, 1, 1))
    assert batches(run, 2)(pixels).ravel().tolist() == [0, 1, 2, 3, 4]
    assert batches(run, None)(pixels).ravel().tolist() == [0, 1, 2, 3, 4]
    assert seen == [2, 2, 2, 5]


def test_check_ops():
    check_ops(Counter(Add=2), ("Sub",), "no reason")
    with pytest.raises(ReIDError) as error:
        check_ops(Counter(Add=2, Sub=1, Mul=1), ("Mul", "Sub", "Div"), "the reason")
    assert str(error.value) == "The exported graph must not hold Mul, Sub: the reason."

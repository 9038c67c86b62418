"""A user's own network with a layer of ours in it, as the README shows it: built, trained, saved, loaded, exported."""

import keras
import numpy as np
import pytest

import keras_reid


def own_network():
    base = keras.applications.MobileNet(input_shape=(64, 32, 3), alpha=0.25, include_top=False, weights=None)
    middle = base.get_layer("conv_pw_5_relu").output
    early, late = keras.Model(base.input, middle), keras.Model(middle, base.output)
    images = keras.Input((64, 32, 3))
    x = keras_reid.layers.AttentionInAttention(kernel="gaussian", features=64)(early(images / 127.5 - 1.0))
    x = keras_reid.layers.AttentionInAttention(kernel="gaussian", features=64)(late(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, keras.layers.UnitNormalization()(keras.layers.Dense(32)(x)), name="own")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports need TensorFlow")
def test_own_network(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(16) // 4
    colours = rng.integers(0, 256, (4, 1, 1, 3))[labels]
    images = np.clip(colours + rng.integers(-20, 20, (16, 64, 32, 3)), 0, 255).astype("uint8")

    model = own_network()
    model.compile("adam", keras_reid.losses.BatchHardTriplet(0.3), jit_compile=False)
    losses = model.fit(images.astype("float32"), labels, batch_size=16, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]

    model.save(tmp_path / "own.keras")
    loaded = keras.models.load_model(tmp_path / "own.keras")
    expected = model.predict_on_batch(images.astype("float32"))
    np.testing.assert_allclose(loaded.predict_on_batch(images.astype("float32")), expected, atol=1e-6)

    report = keras_reid.export.to_tflite(loaded, tmp_path / "own.tflite", images=list(images))
    assert report.lowest_cosine > 0.9999
    assert not [name for name in report.ops if name.startswith(("CUSTOM", "FLEX"))]

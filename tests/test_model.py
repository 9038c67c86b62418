import dataclasses

import keras
import numpy as np
import pytest

import keras_reid
from keras_reid import networks
from keras_reid.errors import ReIDError
from keras_reid.losses import SupervisedContrastive

SIZE = (32, 32, 3)
FEW = {"input_shape": SIZE, "identities": 2, "branches": ("global",), "attention": ()}  # a quarter of the layers


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return networks.create("han_small", input_shape=SIZE, identities=3)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (5, *SIZE), dtype="uint8")


def test_is_an_ordinary_keras_model(model, pictures, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(pictures), model(pictures))
    np.testing.assert_array_equal(again.global_head.kernel, model.global_head.kernel)
    model.summary(print_fn=lambda text: None)


def test_a_saved_model_computes_as_precisely_as_before(pictures, tmp_path):
    half = networks.create("han_small", input_shape=SIZE, dtype="mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    half.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    assert again.get_layer("stem.conv").compute_dtype == half.get_layer("stem.conv").compute_dtype == "bfloat16"
    np.testing.assert_array_equal(again(pictures), half(pictures))
    with pytest.raises(ReIDError, match=r"^Expected a dtype policy of Keras, e\.g\. 'mixed_bfloat16'\. "):
        networks.create("han_small", dtype="float17")


def test_weights_go_from_one_size_and_input_to_another(model, pictures, tmp_path):
    model.save_weights(tmp_path / "w.weights.h5")
    other = networks.create("han_large", input_shape=(64, 32, 3))
    other.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(other.get_layer("stem.conv").kernel, model.get_layer("stem.conv").kernel)


def test_embedding_inside_another_model(model, pictures):
    """As a feature extractor it gives embeddings in training too, although it has heads."""
    images = keras.Input(SIZE)
    outer = keras.Model(images, keras.layers.Dense(2)(model(images)))
    outer.compile("sgd", "mse", run_eagerly=True)
    outer.fit(pictures.astype("float32"), np.zeros((5, 2)), verbose=0)
    assert outer.output_shape == (None, 2)


def test_uint8_and_float_are_the_same(model, pictures):
    np.testing.assert_array_equal(model(pictures), model(pictures.astype("float32")))


def test_embed_takes_what_people_have(model, pictures):
    expected = model.embed(pictures)
    assert expected.shape == (5, 1024)
    assert expected.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.embed(list(pictures)), expected, atol=1e-6)
    np.testing.assert_allclose(model.embed(pictures[0]), expected[:1], atol=1e-6)
    np.testing.assert_allclose(model.embed(pictures, batch_size=2), expected, atol=1e-6)
    np.testing.assert_allclose(model.embed(picture for picture in pictures), expected, atol=1e-6)
    assert model.embed([]).shape == (0, 1024)


def test_embed_any_size_and_files(model, tmp_path):
    from PIL import Image

    big = np.random.default_rng(1).integers(0, 256, (90, 40, 3), dtype="uint8")
    Image.fromarray(big).save(tmp_path / "a.png")
    one = model.embed(big)
    np.testing.assert_array_equal(model.embed(tmp_path / "a.png"), one)
    np.testing.assert_allclose(model.embed([str(tmp_path / "a.png"), big]), one[[0, 0]], atol=1e-6)


def test_flip_makes_mirror_images_equal(model, pictures):
    np.testing.assert_allclose(
        model.embed(pictures, flip=True), model.embed(pictures[:, :, ::-1], flip=True), atol=1e-6
    )


def test_unreadable_pictures(model, pictures, tmp_path):
    (tmp_path / "no.jpg").write_text("this is no picture")
    with pytest.raises(ReIDError, match=r"no\.jpg"):
        model.embed([tmp_path / "no.jpg"])
    with pytest.warns(UserWarning, match="^Left out: ") as caught:
        vectors = model.embed(
            [pictures[0], tmp_path / "no.jpg", pictures[1], pictures[2][:3]], batch_size=3, on_error="skip"
        )
    assert vectors.shape == (2, 1024)
    assert [str(warning.message) for warning in caught] == [
        f"Left out: Image '{tmp_path / 'no.jpg'}' is not a picture in a known format (JPEG, PNG, BMP, WEBP, TIFF, GIF, "
        "PPM): convert it or leave it out.",
        "Left out: images[3] is too small: 3x32 pixels (height x width), at least 8x8 are needed. Leave it out.",
    ]
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (7, {}, "Expected images as arrays, paths, or a list of these. Received: 7 (a int)."),
        ([], {"batch_size": 0}, "`batch_size` must be a whole number from 1 up. Received: 0."),
    ],
)
def test_embed_errors(model, images, options, message):
    with pytest.raises(ReIDError) as error:
        model.embed(images, **options)
    assert str(error.value) == message


@pytest.mark.parametrize("shape", [(2, 64, 32, 3), (2, 32, 32, 1), (32, 32, 3)])
def test_pictures_of_another_size(model, shape):
    message = (
        f"The model takes pictures of shape ('batch', 32, 32, 3). Received: {shape}. `embed` takes pictures of any "
        "size; elsewhere bring them to this one with keras_reid.data.resize."
    )
    for inputs in (np.zeros(shape, "float32"), {"images": np.zeros(shape, "float32")}):
        with pytest.raises(ReIDError) as error:
            model(inputs)
        assert str(error.value) == message
    with pytest.raises(ReIDError, match="Received: "):
        model(keras.KerasTensor(shape))


@pytest.mark.parametrize(("pictures", "rows"), [(3, [4]), (8, [8]), (19, [8, 8, 8])])
def test_one_number_of_rows_is_compiled(model, monkeypatch, pictures, rows):
    seen = []

    def embedded(model, pixels):
        seen.append(len(pixels))
        return np.repeat(pixels[:, :1, 0, 0], model.embedding_size, axis=1)

    monkeypatch.setattr("keras_reid.training.replicas.embed_on_one", embedded)
    images = [np.full((32, 32, 3), number, "uint8") for number in range(pictures)]
    assert model.embed(images, batch_size=8)[:, 0].tolist() == list(range(pictures))
    assert seen == rows


@pytest.mark.parametrize("empty", ["query", "gallery"])
def test_retrieval_needs_query_and_gallery(model, empty):
    data = keras_reid.data.load("people")
    data = dataclasses.replace(data, **{empty: data.query.take([])})
    with pytest.raises(ReIDError) as error:
        model.evaluate_retrieval(data)
    assert str(error.value) == (
        f"The data set has no images in its {empty}: retrieval searches the pictures of the query in the gallery. Add "
        "some, or give a data set that has both."
    )
    with pytest.raises(ReIDError) as error:
        model.evaluate_retrieval("people")
    assert str(error.value) == (
        "`evaluate_retrieval` expects a data set with query and gallery, as keras_reid.data.load returns it. "
        "Received: str"
    )


def test_nan_is_an_error(model, pictures):
    kernel = model.get_layer("global.dense").kernel
    before = keras.ops.convert_to_numpy(kernel)
    kernel.assign(np.full((384, 512), np.nan))
    with pytest.raises(ReIDError) as error:
        model.embed(pictures)
    kernel.assign(before)
    assert str(error.value) == (
        "The embeddings of 5 of 5 pictures hold NaN or infinity: the weights of 'han_small' are damaged or its "
        "training diverged. Load good weights, or train with a lower learning rate."
    )


def test_attention(model, pictures):
    shown = model.attention(pictures)
    assert {name: value.shape[1:] for name, value in shown.items() if name.startswith("level1")} == {
        "level1.spatial": (8, 8),
        "level1.channel": (128,),
        "level1.soft": (8, 8, 128),
        "level1.regions": (4, 4),
    }
    halves = model.embed(pictures)
    feature = shown["global"] / np.linalg.norm(shown["global"], axis=1, keepdims=True)
    np.testing.assert_allclose(feature * np.sqrt(0.5), halves[:, :512], atol=1e-5)


def test_training_batches_need_heads(pictures):
    with pytest.raises(ReIDError) as error:
        networks.create("han_small", input_shape=SIZE)({"images": pictures})
    assert str(error.value) == (
        "The model has no identity heads to train. Build it with as many as there are people in the training set, e.g. "
        'keras_reid.zoo.load("han_small", identities=data.train.number_of_identities).'
    )


def test_paper_defaults(model):
    model.compile()
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert (float(model.optimizer.learning_rate), model.optimizer.momentum) == (pytest.approx(0.03), 0.9)
    assert model.optimizer.weight_decay == 5e-4


@pytest.mark.parametrize(
    ("loss", "options"),
    [("cross_entropy", FEW), ("triplet", FEW), ("cross_entropy+triplet", {"input_shape": SIZE, "identities": 2})],
    ids=["cross_entropy", "triplet", "both"],
)
def test_fit_on_arrays(loss, options, pictures):
    model = networks.create("han_small", **options)
    model.compile(loss=loss, run_eagerly=True)
    before = keras.ops.convert_to_numpy(model.get_layer("stem.conv").kernel)
    history = model.fit(pictures[:4], np.array([0, 0, 1, 1]), batch_size=4, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert len(history["loss"]) == 2
    assert np.abs(keras.ops.convert_to_numpy(model.get_layer("stem.conv").kernel) - before).max() > 0


def test_learning_rate_falls_at_the_papers_milestones(pictures):
    model = networks.create("han_small", **FEW)
    model.compile(run_eagerly=True)
    history = model.fit(pictures[:4], np.array([0, 0, 1, 1]), batch_size=4, epochs=6, verbose=0).history
    np.testing.assert_allclose(history["learning_rate"], [3e-2, 3e-2, 3e-3, 3e-3, 3e-4, 3e-5], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda x: {"x": x}, "`fit` expects batches, e.g. model.fit(data.train.batches(identities=16, images=4)), "),
        (
            lambda x: {"x": x, "y": np.arange(5), "batch_size": 5},
            "The batches hold 5 identities, the model has heads for 3.",
        ),
        (
            lambda x: {"x": x, "y": np.zeros(5, int), "batch_size": 5, "validation_data": (x, x)},
            "`validation_data` is a data set with query",
        ),
    ],
    ids=["no labels", "too many", "validation"],
)
def test_fit_errors(model, pictures, arguments, message):
    with pytest.raises(ReIDError) as error:
        model.fit(**arguments(pictures))
    assert str(error.value).startswith(message)


def test_losses_by_output(pictures):
    model = networks.create("han_small", **FEW)
    model.compile("sgd", {"global_features": SupervisedContrastive()}, metrics=[], run_eagerly=True)
    history = model.fit(pictures[:4], np.array([0, 0, 1, 1]), batch_size=4, verbose=0).history
    assert set(history) == {"loss"}


@pytest.mark.parametrize(
    ("loss", "received"),
    [
        ("cross_entropy+quadruplet", "'cross_entropy+quadruplet'"),
        ("mse", "'mse'"),
        ("triplet+five_triplets", "'triplet+five_triplets'"),
        (SupervisedContrastive(), "SupervisedContrastive"),
        ({"gobal": "mse"}, "a dict from gobal"),
    ],
    ids=["name", "keras", "two of a kind", "object", "output"],
)
def test_unknown_loss(model, loss, received):
    with pytest.raises(ReIDError) as error:
        model.compile(loss=loss)
    assert str(error.value) == (
        "`loss` is one of cross_entropy, triplet, five_triplets, several of them joined by '+', or a dict from global, "
        f"global_features, local, local_features to losses. Received: {received}."
    )

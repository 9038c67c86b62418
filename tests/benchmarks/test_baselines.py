"""The histogram by hand and its invariances; ResNet-50's weights, there, missing or wrong; the table."""

import importlib.util
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import keras_reid
from keras_reid import ReIDError, networks

ROOT = Path(__file__).resolve().parents[2]


def script(path):
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


baselines = script(ROOT / "benchmarks" / "baselines.py")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A data set in WARD's layout: three people in two cameras, each in a colour of their own."""
    root = tmp_path_factory.mktemp("ward")
    colours = {1: (250, 10, 10), 2: (10, 250, 10), 3: (10, 10, 250)}
    for split, cameras in (("train", (1, 2)), ("query", (1,)), ("gallery", (2,))):
        (root / split).mkdir()
        for identity, colour in colours.items():
            for camera in cameras:
                picture = Image.fromarray(np.full((64, 32, 3), colour, np.uint8))
                picture.save(root / split / f"{identity:04}_c{camera}_f0001.jpg")
    return f"ward:{root}"


@pytest.fixture
def no_resnet50(monkeypatch):
    """Keras as on a machine that reaches nothing."""

    def fail(**_):
        raise Exception("URL fetch failure on ADDRESS: None -- unreachable")

    monkeypatch.setattr(keras.applications, "ResNet50", fail)


@pytest.fixture
def small_resnet50(monkeypatch):
    """In ResNet-50's place a network that takes the same pictures, with twelve weights."""

    def build(include_top=True, pooling=None, input_shape=None, weights="imagenet"):
        assert (include_top, pooling, weights) == (False, "avg", None)
        images = keras.Input(input_shape)
        pixels = keras.layers.Conv2D(3, 1, strides=32, bias_initializer="ones")(images)
        return keras.Model(images, keras.layers.GlobalAveragePooling2D()(pixels), name="resnet50")

    monkeypatch.setattr(keras.applications, "ResNet50", build)
    return lambda: build(False, "avg", (256, 128, 3), None)


class Tiny(keras_reid.ReIDModel):
    """A network of one convolution."""

    def __init__(self, input_shape=(16, 8, 3), identities=None, **kwargs):
        super().__init__({"input_shape": input_shape}, identities=identities, **kwargs)
        self.run_eagerly = True  # quicker than compiling a step for a few pictures

    @staticmethod
    def graph(options, images):
        return {"global": keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(6, 3)(images))}, {}


@pytest.fixture
def tiny(monkeypatch):
    """The one network there is, with weights of its own."""
    monkeypatch.setattr(networks, "_NETWORKS", {"tiny": ("Tiny", {})})
    monkeypatch.setattr(networks, "Tiny", Tiny, raising=False)
    return networks.create("tiny")


def test_histogram_of_two_colours_by_hand():
    # The upper stripe is red; the lower one half red, half white. Two levels: below 128, and from 128 on.
    image = np.zeros((1, 4, 4, 3), np.uint8)
    image[..., 0] = 255
    image[:, 2:, 2:] = 255
    upper = [[0, 1], [1, 0], [1, 0]]
    lower = [[0, 1], [0.5, 0.5], [0.5, 0.5]]
    expected = np.sqrt(np.array([upper, lower], "float32") / 6).reshape(1, 12)
    found = baselines.stripe_histogram(image, stripes=2, levels=2)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert found.dtype == np.float32


@pytest.mark.parametrize(("value", "level"), [(0, 0), (31, 0), (32, 1), (127, 3), (128, 4), (255, 7)])
def test_bounds_of_levels(value, level):
    found = baselines.stripe_histogram(np.full((1, 6, 1, 3), value, np.uint8)).reshape(6, 3, 8)
    assert (found.argmax(axis=2) == level).all()


def test_rows_that_cannot_be_shared_out_equally_go_to_the_upper_stripes():
    image = np.zeros((1, 3, 1, 3), np.uint8)
    image[:, 1] = 255
    found = baselines.stripe_histogram(image, stripes=2, levels=2).reshape(2, 3, 2) ** 2 * 6
    np.testing.assert_allclose(found, [[[0.5, 0.5]] * 3, [[1, 0]] * 3], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4))
def test_histogram_is_of_colours_in_stripes_and_of_nothing_else(seed, rows_each, width):
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (2, 6 * rows_each, width, 3), np.uint8)
    found = baselines.stripe_histogram(images)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    stripes = images.reshape(2, 6, rows_each * width, 3)
    shuffled = draw.permutation(stripes, axis=2).reshape(images.shape)
    np.testing.assert_allclose(baselines.stripe_histogram(shuffled), found, atol=1e-6)
    enlarged = images.repeat(2, axis=1).repeat(3, axis=2)
    np.testing.assert_allclose(baselines.stripe_histogram(enlarged), found, atol=1e-6)
    upside_down = baselines.stripe_histogram(images[:, ::-1]).reshape(2, 6, -1)
    np.testing.assert_allclose(upside_down[:, ::-1].reshape(found.shape), found, atol=1e-6)
    np.testing.assert_array_equal(baselines.stripe_histogram(images[1:]), found[1:])


def test_blocks_do_not_change_what_comes_out(people):
    paths = keras_reid.data.load(people).train.paths
    at_once = baselines.in_blocks(baselines.stripe_histogram, (128, 64), 64)(paths)
    np.testing.assert_array_equal(baselines.in_blocks(baselines.stripe_histogram, (128, 64), 4)(paths), at_once)
    assert at_once.shape == (6, 144)


def test_pictures_are_preprocessed_as_imagenets_weights_want_it(small_resnet50):
    model = small_resnet50()
    kernel = np.eye(3, dtype="float32").reshape(1, 1, 3, 3)
    model.set_weights([kernel, np.zeros(3, "float32")])
    image = np.full((1, 256, 128, 3), (200, 50, 25), np.uint8)
    # Blue, green, red, without the means of ImageNet; then of length 1.
    expected = np.array([25 - 103.939, 50 - 116.779, 200 - 123.68])
    found = baselines.pooled(model)(image)
    np.testing.assert_allclose(found, [expected / np.linalg.norm(expected)], atol=1e-5)
    assert (image == (200, 50, 25)).all()


def test_resnet50_from_a_file(small_resnet50, tmp_path):
    model = small_resnet50()
    model.save_weights(tmp_path / "resnet50.weights.h5")
    loaded = baselines.resnet50(tmp_path / "resnet50.weights.h5")
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_standardised_pictures_do_not_know_gain_and_offset():
    images = np.random.default_rng(0).integers(0, 120, (2, 8, 4, 3), dtype="uint8")
    brighter = images * np.array([2, 1, 2], "uint8") + np.array([0, 60, 9], "uint8")
    # Cut off rather than rounded, so that a value on the border may fall on either side.
    assert np.abs(baselines.standardised(images).astype(int) - baselines.standardised(brighter)).max() <= 1
    grey = np.full((1, 8, 4, 3), 9, "uint8")
    assert (baselines.standardised(grey) == 127).all()


def test_no_file(tmp_path):
    path = tmp_path / "resnet50.weights.h5"
    with pytest.raises(ReIDError) as error:
        baselines.resnet50(path)
    assert str(error.value) == f"There is no file '{path}'. Make it with training/convert_resnet50.py."


@pytest.mark.parametrize("kind", ["text", "truncated", "other network"])
def test_a_file_that_is_no_resnet50(kind, small_resnet50, tmp_path):
    path = tmp_path / "resnet50.weights.h5"
    if kind == "text":
        path.write_text("no weights")
    else:
        other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        other.save_weights(path)
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ReIDError) as error:
        baselines.resnet50(path)
    assert str(error.value).startswith(f"'{path}' does not hold the weights of keras.applications.ResNet50 (")
    assert str(error.value).endswith("). Make the file with training/convert_resnet50.py.")


def test_download_that_fails(no_resnet50):
    with pytest.raises(ReIDError) as error:
        baselines.resnet50()
    assert str(error.value) == (
        "Keras could not download the ImageNet weights (URL fetch failure on ADDRESS: None -- unreachable). Make them "
        "with training/convert_resnet50.py and name the file: --resnet50 resnet50.weights.h5"
    )


def test_other_faults_are_not_taken_for_a_failed_download(monkeypatch):
    def fail(**_):
        raise TypeError("a fault of the program")

    monkeypatch.setattr(keras.applications, "ResNet50", fail)
    with pytest.raises(TypeError, match="a fault of the program"):
        baselines.resnet50()


def test_table_with_a_failed_download(people, no_resnet50, capsys):
    assert baselines.main(["--data", people]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"{people}: 3 queries, 3 gallery images"
    assert shown[2] == "method                               dimensions  rank-1  rank-5     mAP    mINP"
    assert shown[3] == "stripe colour histogram                     144   1.000   1.000   1.000   1.000"
    assert shown[4].startswith("the same, channels standardised             144   ")
    assert shown[5] == "ResNet-50, ImageNet, average-pooled  missing, see below"
    assert shown[7].startswith("ResNet-50, ImageNet, average-pooled: Keras could not download the ImageNet weights (")


def test_json_with_resnet50_and_a_model(people, small_resnet50, tiny, tmp_path, capsys):
    small_resnet50().save_weights(tmp_path / "resnet50.weights.h5")
    tiny.save_weights(tmp_path / "tiny.weights.h5")
    model = f"tiny={tmp_path / 'tiny.weights.h5'}"
    files = ["--resnet50", str(tmp_path / "resnet50.weights.h5"), "--model", model]
    assert baselines.main(["--data", people, *files, "--batch-size", "2", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["data"], shown["queries"], shown["gallery"]) == (people, 3, 3)
    histogram, _, resnet50, ours = shown["rows"]
    assert (histogram["rank1"], histogram["mINP"], histogram["dimensions"]) == (1, 1, 144)
    assert (resnet50["method"], resnet50["dimensions"]) == ("ResNet-50, ImageNet, average-pooled", 3)
    assert (ours["method"], ours["dimensions"]) == (model, 6)
    expected = tiny.evaluate_retrieval(keras_reid.data.load(people))
    assert {name: ours[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resnet50", "no.weights.h5"], "There is no file 'no.weights.h5'. Make it with"),
        (["--model", "tiny=no.weights.h5"], "There is no file 'no.weights.h5'."),
        (["--model", "tinny"], "tinny"),
    ],
)
def test_what_is_named_and_cannot_be_had_fails_before_anything_is_measured(
    arguments, message, people, no_resnet50, tiny, capsys
):
    assert baselines.main(["--data", people, *arguments]) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert "measuring" not in printed.err
    assert printed.out == ""


def test_a_data_set_without_query():
    whole = keras_reid.data.load("people")
    data = keras_reid.data.ReIDData("people", Path("here"), whole.train, whole.query.take([]), whole.gallery.take([0]))
    with pytest.raises(ReIDError) as error:
        baselines.rows(data)
    assert str(error.value) == "'here' has 0 query and 1 gallery images: both are needed."


def test_wrong_usage(capsys):
    with pytest.raises(SystemExit) as error:
        baselines.main(["--data", "people", "--batch-size", "0"])
    assert error.value.code == 2
    assert "--batch-size must be at least 1, received 0" in capsys.readouterr().err

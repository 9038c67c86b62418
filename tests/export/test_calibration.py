import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid.export import calibration
from keras_reid.export.calibration import (
    Extremes,
    affordable,
    calibrate,
    links,
    observe,
    shown,
    with_other_colours,
    with_purer_colours,
    worth_reading,
)
from keras_reid.export.flatbuffer import Graph
from keras_reid.export.network import Network
from keras_reid.export.tflite import _converted


@pytest.fixture(scope="module")
def content(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibration") / "saved_model"
    Network.of(tiny).write_saved_model(folder, 1)
    return _converted(folder, None)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 16, 3), dtype=np.uint8)


def test_large_networks_are_shown_fewer_pictures():
    pictures = np.arange(720).reshape(720, 1, 1, 1)
    assert affordable(pictures, 10**6) is pictures
    for multiply_adds, number in ((10**9, 250), (10**12, 64)):
        few = affordable(pictures, multiply_adds)
        assert len(set(few.ravel())) == len(few) == number
        assert 300 < few.mean() < 420  # from all of them, whatever their order
    assert len(affordable(pictures[:50], 10**12)) == 50


def test_of_very_many_pictures_some_are_read():
    paths = [f"{number:04}.jpg" for number in range(5000)]
    few = worth_reading(iter(paths), 10**12)
    assert len(set(few)) == len(few) == 1024
    assert worth_reading(paths, 10**12) == few == sorted(few)
    assert len(worth_reading(paths, 10**8)) == 2500  # that a small network is shown
    assert worth_reading(paths[:9], 10**12) == paths[:9]
    assert worth_reading(None, 10**12) is None


def answers(content, pixels):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (images,), (embedding,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for picture in pixels:
        interpreter.set_tensor(images["index"], picture[None].astype("float32"))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(embedding["index"])[0])
    return np.stack(rows)


def test_finds_the_tensors_between_two_convolutions(content):
    found = [(link.writer.name, link.reader.name) for link in links(Graph(content))]
    # conv0 -> depthwise0 -> conv1 -> depthwise1; what depthwise1 writes is read by several.
    assert found == [
        ("CONV_2D", "DEPTHWISE_CONV_2D"),
        ("DEPTHWISE_CONV_2D", "CONV_2D"),
        ("CONV_2D", "DEPTHWISE_CONV_2D"),
    ]


def test_changes_nothing_in_float32_and_levels_the_channels(content, pixels):
    before, after = Graph(content), Graph(calibrate(content, pixels))
    np.testing.assert_allclose(answers(after.content, pixels), answers(content, pixels), atol=2e-6)

    for number, link in enumerate(links(before)):
        spread = []
        for graph in (before, after):
            tensor = links(graph)[number].tensor
            low, high = observe(graph.content, pixels, [tensor], {tensor})[tensor]
            reach = np.maximum(-low, high).max(axis=0)
            spread.append(np.std(np.log(reach[reach > 1e-6])))
        assert spread[1] < spread[0]
        if link.reader.name == "DEPTHWISE_CONV_2D":
            # All channels equal for the pictures that were measured, which are these and their other colours.
            assert spread[1] < 0.5 * spread[0]


def test_writes_down_the_ranges(content, pixels):
    graph = Graph(calibrate(content, pixels))
    tensors = graph._graph.tensors
    (images,) = graph.inputs
    assert (tensors[images].quantization.min, tensors[images].quantization.max) == (0, 255)
    first = graph.operations[0]
    assert first.name == "MUL"  # pixels × 1/127.5
    expected = np.quantile(shown(pixels).reshape(18, -1).max(axis=1) / 127.5, 0.99)
    np.testing.assert_allclose(tensors[first.outputs[0]].quantization.max, expected, rtol=1e-5)


class Weights(dict):
    """As much of a graph as `equalise` needs."""

    values = dict.__getitem__
    set_values = dict.__setitem__


@settings(max_examples=25, deadline=None)
@given(
    reach=st.lists(st.floats(0, 1e4), min_size=3, max_size=3),
    depthwise=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_factors_cancel_whatever_the_ranges_are(reach, depthwise, seed):
    """Scaling what is written and what is read must multiply to the same weights."""
    draw = np.random.default_rng(seed)
    weights = Weights()
    weights[1] = draw.normal(size=(3, 1, 1, 2)).astype("float32")
    weights[2] = draw.normal(size=3).astype("float32")
    weights[3] = draw.normal(size=(1, 3, 3, 3) if depthwise else (4, 1, 1, 3)).astype("float32")
    old = dict(weights)
    writer = calibration.Operation("CONV_2D", (0,), (9,), ("x",), {1: (3, 1, 1, 2), 2: (3,)}, 1)
    reader = calibration.Operation("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", (9,), (10,), ("y",), {3: ()}, 1)
    extremes = Extremes(np.zeros((1, 3)), np.array([reach]))
    low, high = calibration.equalise(weights, calibration.Link(9, writer, reader), extremes)
    factors = weights[1][:, 0, 0, 0] / old[1][:, 0, 0, 0]
    assert np.all(factors > 0)
    np.testing.assert_allclose(weights[2], old[2] * factors, rtol=1e-4)
    np.testing.assert_allclose(weights[3] * factors, old[3], rtol=1e-4)
    np.testing.assert_allclose(high, [reach * factors], rtol=1e-4)
    assert not low.any()


@pytest.mark.parametrize(("pictures", "shown"), [(6, 12), (240, 480), (241, 241)])
def test_other_colours_are_permutations(pictures, shown):
    pixels = np.random.default_rng(0).integers(0, 256, (pictures, 4, 2, 3), dtype=np.uint8)
    found = with_other_colours(pixels)
    assert len(found) == shown
    originals = np.concatenate([pixels, pixels])[:shown]
    np.testing.assert_array_equal(np.sort(found, axis=-1), np.sort(originals, axis=-1))
    same = [np.array_equal(a, b) for a, b in zip(found, originals, strict=True)]
    assert sum(same) == -(-shown // 2)  # half of them as they were


def test_purer_colours_keep_the_grey_and_leave_it_farther():
    pixels = np.array([[[[100, 110, 120], [128, 128, 128], [0, 0, 255]]]], dtype=np.uint8)
    np.testing.assert_array_equal(with_purer_colours(pixels), [[[[92, 110, 128], [128, 128, 128], [0, 0, 255]]]])

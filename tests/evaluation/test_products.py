"""Products on the processor and, by the code of the GPU, through Keras."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid.evaluation import evaluate, products


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Keras' matrix products in place of NumPy's, on whatever device Keras has."""
    import keras

    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    assert products.gpu_ready()


def test_no_gpu_here():
    import keras

    has_one = any(str(device).lower().startswith("gpu") for device in keras.distribution.list_devices())
    assert products.gpu_ready() is has_one


def test_keras_is_not_imported_for_the_question():
    code = "import sys; from keras_reid.evaluation import products; print(products.gpu_ready(), 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_through_keras_as_exact_as_numpy(as_on_a_gpu):
    generator = np.random.default_rng(0)
    rows, gallery = (generator.normal(size=(count, 300)).astype("float32") for count in (7, 50))
    rows, gallery = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (rows, gallery))
    exact = rows.astype("float64") @ gallery.T.astype("float64")
    out = np.empty((7, 50), "float32")
    assert products.product_with(gallery)(rows, out) is out
    assert np.abs(out - exact).max() < 1e-6


def test_the_precision_of_tensorfloat32_is_enough(monkeypatch):
    """Every factor is rounded to 10 bits of mantissa, as a GPU does it, and sums are exact."""
    from keras import ops

    def rounded(values):
        bits = np.asarray(values, "float32").view(np.uint32)
        return ((bits + 0x1000) & 0xFFFFE000).view("float32").astype("float64")

    monkeypatch.setattr(ops, "convert_to_tensor", np.asarray)
    monkeypatch.setattr(ops, "transpose", np.transpose)
    monkeypatch.setattr(ops, "convert_to_numpy", np.asarray)
    monkeypatch.setattr(ops, "matmul", lambda a, b: rounded(np.ascontiguousarray(a)) @ rounded(np.ascontiguousarray(b)))
    generator = np.random.default_rng(0)
    rows, gallery = (generator.normal(size=(count, 300)) for count in (7, 50))
    rows, gallery = ((side / np.linalg.norm(side, axis=1, keepdims=True)).astype("float32") for side in (rows, gallery))
    exact = rows.astype("float64") @ gallery.T.astype("float64")
    assert np.abs(rounded(rows) @ rounded(gallery).T - exact).max() > 1e-5
    assert np.abs(products._on_gpu(gallery)(rows, np.empty((7, 50), "float32")) - exact).max() < 1e-7


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=20))
def test_split_is_exact_and_its_first_part_fits_tensorfloat32(values):
    rows = np.array([values], "float32")
    high, low = products._split(rows)
    np.testing.assert_array_equal(high + low, rows)
    assert not (high.view(np.uint32) & 0x1FFF).any()
    assert (np.abs(low) <= np.abs(rows) * 2.0**-10 + 2.0**-126).all()


def test_figures_through_keras(as_on_a_gpu):
    generator = np.random.default_rng(0)
    query, gallery = (generator.integers(-8, 9, (count, 6)) / 8 for count in (20, 60))
    labels = generator.integers(1, 6, 20), np.ones(20, int), generator.integers(1, 6, 60), np.full(60, 2)
    arguments = query, labels[0], labels[1], gallery, labels[2], labels[3]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "gpu_ready", lambda: False)
        expected = evaluate(*arguments)
    assert evaluate(*arguments) == expected


@pytest.mark.parametrize("count", [1, 31, 64, 1000])
def test_parts_cover_everything_once(count):
    covered = np.zeros(count, int)
    for part in products.in_threads(lambda part: part, count):
        covered[part] += 1
    assert (covered == 1).all()


def test_errors_of_threads_arrive(monkeypatch):
    monkeypatch.setattr(products, "_cores", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        products.in_threads(lambda part: 1 // part.start, 1000)

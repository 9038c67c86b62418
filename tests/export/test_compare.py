import numpy as np
import pytest

from keras_reid import ReIDError
from keras_reid.export.network import Network
from keras_reid.export.parity import compare, pictures


class Answers:
    """A network whose embeddings are given."""

    name = "given"
    image_size = (8, 8)

    def __init__(self, rows):
        self.rows = np.array(rows, "float32")

    def answers(self, pixels):
        return self.rows[: len(pixels)]


PIXELS = np.zeros((2, 8, 8, 3), np.uint8)
ROWS = [[1, 0], [0.6, 0.8]]


def test_figures_worked_by_hand():
    # The second row is turned: cosine 0.6·0.8 + 0.8·0.6 = 0.96, differences 0.2.
    found = compare(Answers(ROWS), lambda pixels: np.array([[1, 0], [0.8, 0.6]]), PIXELS, 0.95, "test")
    assert found.pictures == 2
    assert found.lowest_cosine == pytest.approx(0.96)
    assert found.largest_difference == pytest.approx(0.2)


def test_below_the_threshold_is_an_error():
    with pytest.raises(ReIDError) as error:
        compare(Answers(ROWS), lambda pixels: np.array([[1, 0], [0.8, 0.6]]), PIXELS, 0.97, "LiteRT int8")
    assert str(error.value) == (
        "The LiteRT int8 export of 'given' is not kept: its lowest cosine against the Keras model over 2 pictures is "
        "0.960000, below the threshold 0.97 (largest difference 0.2)."
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0])
def test_nan_and_zero_fail_whatever_the_threshold(bad):
    with pytest.raises(ReIDError, match="is not kept"):
        compare(Answers(ROWS), lambda pixels: np.array([[1, 0], [bad, bad]]), PIXELS, -1, "test")


def test_a_broken_keras_model_is_named():
    with pytest.raises(ReIDError) as error:
        compare(Answers([[1, 0], [np.nan, 0]]), lambda pixels: np.array(ROWS), PIXELS, 0, "test")
    assert str(error.value) == (
        "The Keras model 'given' answers with NaN or infinity; load good weights before exporting it."
    )


def test_pictures_default_to_the_bundled_people(tiny):
    network = Network.of(tiny)
    assert pictures(network, None).shape == (96, 32, 16, 3)
    assert pictures(network, None, split="train").shape == (480, 32, 16, 3)
    assert pictures(network, np.zeros((40, 20, 3), np.uint8)).shape == (1, 32, 16, 3)

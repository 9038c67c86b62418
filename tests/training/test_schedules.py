import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.training import Constant, Cosine, Falling


def rates(schedule, steps_per_epoch, epochs, rate=1.0):
    """The learning rate of the first and of the last step of every epoch."""
    found = schedule(rate, steps_per_epoch, epochs)
    steps = [(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch - 1) for epoch in range(epochs)]
    return [tuple(float(found(step)) if callable(found) else found for step in pair) for pair in steps]


def test_constant():
    assert Constant()(0.5, 10, 3) == 0.5


def test_falling_at_whole_epochs():
    assert rates(Falling(at=(1 / 3, 2 / 3)), 4, 6) == [
        *[(pytest.approx(1.0),) * 2] * 2,
        *[(pytest.approx(0.1),) * 2] * 2,
        *[(pytest.approx(0.01),) * 2] * 2,
    ]


def test_falls_that_coincide_multiply():
    assert rates(Falling(at=(0.5, 0.75), factor=0.5), 3, 2) == [(1.0, 1.0), (0.5, 0.5)]
    assert rates(Falling(at=(0.4, 0.5), factor=0.5), 3, 2) == [(1.0, 1.0), (0.25, 0.25)]


def test_a_single_epoch_does_not_fall():
    assert Falling(at=(1 / 3, 2 / 3))(0.3, 10, 1) == 0.3


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4, unique=True), st.integers(1, 12), st.integers(1, 5))
def test_falling_as_the_milestones_of_fit(at, epochs, steps):
    expected = [0.1 ** sum(epoch >= fraction * epochs - 1e-6 for fraction in at) for epoch in range(epochs)]
    assert [first for first, _ in rates(Falling(at=tuple(sorted(at))), steps, epochs)] == pytest.approx(expected)


def test_cosine():
    rate = Cosine(warm_up=0.2, end=0.1)(2.0, 5, 4)
    expected = [0, 0.5, 1.0, 1.5, 2.0]  # four steps of rise
    expected += [2.0 * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / 16))) for step in range(1, 17)]
    assert [float(rate(step)) for step in range(21)] == pytest.approx(expected, abs=1e-6)


def test_cosine_without_rise():
    rate = Cosine(warm_up=0.0)(2.0, 5, 4)
    assert [float(rate(step)) for step in (0, 10, 20)] == pytest.approx([2.0, 1.0, 0.0], abs=1e-6)


def test_a_rise_alone():
    """Of one step nothing can be risen in, and of ten one is left to fall in."""
    assert float(Cosine(warm_up=0.9)(2.0, 1, 1)(0)) == 2.0
    assert float(Cosine(warm_up=0.99)(2.0, 5, 2)(9)) == pytest.approx(2.0)
    with pytest.raises(ReIDError) as error:
        Cosine(warm_up=1.0)
    assert str(error.value) == "Cosine expects `warm_up` in [0, 1), a share of all steps. Received: 1.0"

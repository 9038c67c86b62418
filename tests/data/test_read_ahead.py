import threading

import pytest

from keras_reid.data.read_ahead import ReadAhead


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_any_order_of_epochs_and_indices(workers):
    reader = ReadAhead(lambda epoch, index: (epoch, index), 6, workers)
    asked = [(0, 0), (0, 1), (0, 0), *((0, i) for i in range(6)), (5, 5), (1, 3), *((1, i) for i in range(6)), (0, 2)]
    assert [reader.get(*key) for key in asked] == asked


def test_the_next_are_read_while_nobody_waits():
    read = {index: threading.Event() for index in range(6)}
    calls = []

    def reading(epoch: int, index: int) -> int:
        calls.append(index)
        read[index].set()
        return index

    reader = ReadAhead(reading, 6, workers=1)
    reader.get(0, 0)
    assert read[2].wait(10)
    assert [reader.get(0, index) for index in range(6)] == list(range(6))
    assert sorted(calls) == list(range(6))  # each once, and none behind the end


def test_without_workers_nothing_is_read_ahead():
    calls = []
    ReadAhead(lambda epoch, index: calls.append((threading.current_thread(), index)), 6, workers=0).get(0, 0)
    assert calls == [(threading.current_thread(), 0)]


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_are_raised_to_who_asks(workers):
    def reading(epoch: int, index: int) -> int:
        if index == 1:
            raise ValueError("damaged")
        return index

    reader = ReadAhead(reading, 6, workers)
    assert reader.get(0, 0) == 0
    with pytest.raises(ValueError, match="damaged"):
        reader.get(0, 1)
    assert reader.get(0, 2) == 2

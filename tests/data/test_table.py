from pathlib import Path

import numpy as np
import pytest

from keras_reid import ReIDError
from keras_reid.data import ReIDData, Split


def split(identities, **options) -> Split:
    count = len(identities)
    return Split(np.array([f"/{i}.jpg" for i in range(count)]), np.array(identities), np.arange(count) % 2, **options)


class TestSplit:
    def test_labels_number_the_identities_in_ascending_order(self):
        table = split([30, 7, 7, 1501, 30])
        assert table.labels.tolist() == [1, 0, 0, 2, 1]
        assert table.labels.dtype == np.int32
        assert table.number_of_identities == 3
        assert table.number_of_cameras == 2
        assert len(table) == 5

    def test_columns_are_arrays_whatever_was_given(self):
        table = Split(["a", "b"], [1, 2], [3, 4], tracklets=[5, 6])
        assert table.paths.dtype.kind == "U"
        assert [column.dtype for column in (table.identities, table.cameras, table.tracklets)] == [np.int64] * 3

    def test_take(self):
        table = split([30, 7, 9], tracklets=np.array([4, 5, 6]), names={30: "thirty"}, name="train")
        part = table.take([2, 0])
        assert part.identities.tolist() == [9, 30]
        assert part.paths.tolist() == ["/2.jpg", "/0.jpg"]
        assert part.cameras.tolist() == [0, 0]
        assert part.tracklets.tolist() == [6, 4]
        assert part.names == {30: "thirty"}
        assert part.name == "train"
        assert len(table.take(table.identities < 10)) == 2

    def test_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            split([1]).name = "query"

    def test_columns_of_different_lengths(self):
        with pytest.raises(ReIDError) as caught:
            Split(["a", "b"], [1, 2], [3])
        assert str(caught.value) == "A split needs one of `cameras` for each of its 2 paths. Received shape (1,)."

    def test_batches_passes_everything_on(self):
        batches = split([5, 5, 6, 6, 7, 7]).batches(identities=3, images=2, image_size=(9, 8), seed=3, workers=0)
        assert len(batches) == 1
        assert batches.batch_size == 6
        assert batches.seed == 3
        assert batches.image_size == (9, 8)
        # The two images of a person are from its two cameras.
        assert [sorted(pair) for pair in np.sort(batches.plan()[0].reshape(3, 2), axis=0)] == [[0, 1], [2, 3], [4, 5]]


def test_summary():
    data = ReIDData("ward", Path("/"), split([1, 1, 2]), split([3]), split([]))
    assert data.summary() == [
        {"split": "train", "images": 3, "identities": 2, "cameras": 2},
        {"split": "query", "images": 1, "identities": 1, "cameras": 1},
        {"split": "gallery", "images": 0, "identities": 0, "cameras": 0},
    ]
    assert list(data.splits) == ["train", "query", "gallery"]

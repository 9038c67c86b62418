"""Data sets joined and crossed: nobody becomes somebody else."""

import warnings

import numpy as np
import pytest
from layouts import write
from test_market1501 import GALLERY, QUERY, TRAIN

from keras_reid import ReIDError
from keras_reid.data import cross, join, load, market1501

WARD = ("train/0002_c1_f0001.jpg", "query/0001_c1_f0001.jpg", "gallery/0001_c2_f0001.jpg")


@pytest.fixture
def both(tmp_path):
    return (
        market1501.read(write(tmp_path / "m", *TRAIN, *QUERY, *GALLERY)),
        load("ward", write(tmp_path / "w", *WARD)),
    )


def test_join_keeps_people_and_cameras_apart(both):
    data = join(both)
    assert data.name == "market1501 + ward"
    # Of Market-1501 the people 1, 2, 7 and the cameras 1, 3, 4, 6; of WARD 1, 2 and the cameras 1, 2.
    assert data.train.identities.tolist() == [2, 3, 5]
    assert data.query.identities.tolist() == [1, 4]
    assert data.gallery.identities.tolist() == [-1, 0, 1, 4]
    assert data.gallery.cameras.tolist() == [1, 3, 4, 6]
    assert data.query.cameras.tolist() == [1, 5]
    assert data.train.names == {2: "market1501:0002", 3: "market1501:0007", 5: "ward:0002"}
    for part, whole in zip(both, (slice(0, 3), slice(3, 4)), strict=True):
        assert data.gallery.paths[whole].tolist() == part.gallery.paths.tolist()


def test_cross(both):
    data = cross(*both)
    assert data.name == "market1501 -> ward"
    assert data.train is both[0].train
    assert data.gallery is both[1].gallery


def test_by_name(both):
    market, ward = (data.root for data in both)
    with pytest.warns(UserWarning, match="differs from the published market1501") as caught:
        joined = load(f"market1501:{market} + ward:{ward}")
    assert {warning.filename for warning in caught} == {__file__}
    assert joined.gallery.paths.tolist() == join(both).gallery.paths.tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        crossed = load(f"ward:{ward} + market1501:{market} -> ward:{ward}")
        assert crossed.name == "ward + market1501 -> ward"
        assert len(crossed.train) == 3
        with pytest.raises(ReIDError, match="One data set is trained on and one searched in"):
            load(f"ward:{ward} -> ward:{ward} -> ward:{ward}")
    with pytest.raises(ReIDError, match="give at least one"):
        join([])


def test_joined_tracklets(both):
    ward = both[1]
    first, second = (
        type(ward)(
            ward.name,
            ward.root,
            *(
                type(s)(s.paths, s.identities, s.cameras, np.full(len(s), 7), s.names, s.name)
                for s in ward.splits.values()
            ),
        )
        for _ in range(2)
    )
    assert join([first, second]).gallery.tracklets.tolist() == [1, 2]
    assert join([first, ward]).gallery.tracklets is None

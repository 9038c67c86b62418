import pytest
from layouts import rows, write

from keras_reid import ReIDError
from keras_reid.data import load, ward


def test_layout(tmp_path):
    root = write(tmp_path, "train/0012_c2_f0040.jpg", "query/0003_c010_f0001.png", "gallery/0003_c1_f0002.JPG")
    data = ward.read(root)
    assert data.name == "ward"
    assert rows(data.train, root) == [("train/0012_c2_f0040.jpg", 12, 2)]
    assert rows(data.query, root) == [("query/0003_c010_f0001.png", 3, 10)]
    assert rows(data.gallery, root) == [("gallery/0003_c1_f0002.JPG", 3, 1)]
    assert data.query.names == {3: "0003"}


def test_another_layout(tmp_path):
    for number in range(7):
        write(tmp_path, f"{number}.jpg")
    with pytest.raises(ReIDError) as caught:
        ward.read(tmp_path)
    assert str(caught.value) == (
        f"'{tmp_path}' is not in ward's layout: looked for the folders train, query, gallery with images named like "
        "0001_c1_f0040.jpg; missing: train, query, gallery. Found: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, … (7 entries)."
    )


def test_ward_itself(shared):
    data = load("ward", shared / "data/ward")
    assert [tuple(row.values()) for row in data.summary()] == [
        ("train", 1608, 25, 3),
        ("query", 75, 25, 3),
        ("gallery", 1669, 25, 3),
    ]
    assert not set(data.train.identities) & set(data.gallery.identities)

import pytest
from layouts import rows, write

from keras_reid import ReIDError
from keras_reid.data import load, market1501

TRAIN = ("bounding_box_train/0007_c3s3_077419_03.jpg", "bounding_box_train/0002_c1s1_000451_03.jpg")
QUERY = ("query/0001_c1s1_001051_00.jpg",)
GALLERY = (
    "bounding_box_test/-1_c1s1_000401_03.jpg",
    "bounding_box_test/0000_c4s2_000451_01.jpg",
    "bounding_box_test/0001_c6s4_001051_00.jpg",
)


def test_layout(tmp_path):
    data = market1501.read(write(tmp_path, *TRAIN, *QUERY, *GALLERY))
    assert data.name == "market1501"
    assert data.root == tmp_path
    assert rows(data.train, tmp_path) == [(TRAIN[1], 2, 1), (TRAIN[0], 7, 3)]
    assert rows(data.query, tmp_path) == [(QUERY[0], 1, 1)]
    assert data.train.names == {2: "0002", 7: "0007"}
    assert data.gallery.name == "gallery"


def test_junk_and_distractors_stay_in_the_gallery_and_leave_the_training_split(tmp_path):
    junk = ("bounding_box_train/-1_c1s1_000401_03.jpg", "bounding_box_train/0000_c1s1_000401_03.jpg")
    data = market1501.read(write(tmp_path, *TRAIN, *junk, *QUERY, *GALLERY))
    assert rows(data.gallery, tmp_path) == [(GALLERY[0], -1, 1), (GALLERY[1], 0, 4), (GALLERY[2], 1, 6)]
    assert data.train.identities.tolist() == [2, 7]


def test_other_files_do_not_matter(tmp_path):
    root = write(tmp_path, *TRAIN, *QUERY, *GALLERY)
    (root / "query/Thumbs.db").write_bytes(b"x")
    (root / "readme.txt").write_text("x")
    (root / "query/.hidden.jpg").write_bytes(b"x")
    assert len(load("market1501", root).query) == 1


def message(root) -> str:
    with pytest.raises(ReIDError) as caught:
        market1501.read(root)
    return str(caught.value)


def test_missing_folders(tmp_path):
    write(tmp_path, *TRAIN, "pictures/1.jpg")
    assert message(tmp_path) == (
        f"'{tmp_path}' is not in market1501's layout: looked for the folders bounding_box_train, query, "
        "bounding_box_test with images named like 0002_c1s1_000451_03.jpg; missing: query, bounding_box_test. "
        "Found: bounding_box_train/, pictures/."
    )


def test_empty_folder(tmp_path):
    write(tmp_path, *TRAIN, *QUERY)
    (tmp_path / "bounding_box_test").mkdir()
    assert message(tmp_path) == (
        f"'{tmp_path / 'bounding_box_test'}' has no images: looked for files named like 0002_c1s1_000451_03.jpg. "
        "Found: nothing."
    )


def test_foreign_name(tmp_path):
    write(tmp_path, *TRAIN, *QUERY, *GALLERY, "query/0001_c1_f0040.jpg")
    assert message(tmp_path) == (
        f"'{tmp_path / 'query/0001_c1_f0040.jpg'}' is not named as in market1501's layout: "
        "expected a name like 0002_c1s1_000451_03.jpg. Rename or remove it."
    )


def test_no_folder(tmp_path):
    assert message(tmp_path / "no") == f"'{tmp_path / 'no'}' does not exist: give the data set's folder."
    write(tmp_path, "a.jpg")
    assert message(tmp_path / "a.jpg") == f"'{tmp_path / 'a.jpg'}' is a file: give the data set's folder."


def test_multi_query(tmp_path):
    other = "query/0001_c2s1_001051_00.jpg"
    write(tmp_path, *TRAIN, *QUERY, other, *GALLERY)
    assert market1501.read(tmp_path).multi_query is None
    drawn = ("gt_bbox/0001_c1s1_000001_01.jpg", "gt_bbox/0001_c1s2_000009_00.jpg", "gt_bbox/0002_c1s1_000001_00.jpg")
    data = market1501.read(write(tmp_path, *drawn))
    # The query in camera 2 has no box drawn by hand: it stands for itself.
    assert rows(data.multi_query, tmp_path) == [(drawn[0], 1, 1), (drawn[1], 1, 1), (other, 1, 2)]
    assert data.multi_query.tracklets.tolist() == [0, 0, 1]
    write(tmp_path, "gt_bbox/1.jpg")
    assert message(tmp_path).startswith(f"'{tmp_path / 'gt_bbox/1.jpg'}' is not named as in market1501's layout:")

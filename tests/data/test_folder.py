import pytest
from layouts import rows, write

from keras_reid import ReIDError
from keras_reid.data import folder, load


def message(*arguments, **options) -> str:
    with pytest.raises(ReIDError) as caught:
        folder.read(*arguments, **options)
    return str(caught.value)


def test_splits_from_top_folders(tmp_path):
    root = write(tmp_path, "train/zoe/cam1_a.jpg", "train/ann/cam2_b.jpg", "query/bob/c1.jpg", "gallery/bob/c2.png")
    data = load("folder", root)
    assert data.name == "folder"
    # ann, bob, zoe are 1, 2, 3, over all splits together.
    assert rows(data.train, root) == [("train/ann/cam2_b.jpg", 1, 2), ("train/zoe/cam1_a.jpg", 3, 1)]
    assert rows(data.query, root) == [("query/bob/c1.jpg", 2, 1)]
    assert rows(data.gallery, root) == [("gallery/bob/c2.png", 2, 2)]
    assert data.train.names == {1: "ann", 3: "zoe"}


def test_a_split_may_be_missing(tmp_path):
    data = folder.read(write(tmp_path, "query/bob/c1.jpg", "gallery/bob/c2.jpg"))
    assert [len(split) for split in data.splits.values()] == [0, 1, 1]


def test_without_top_folders_people_are_chosen(tmp_path):
    root = write(tmp_path, *(f"{name}/c{camera}_{i}.jpg" for name in "abcd" for camera in (1, 2) for i in (1, 2)))
    data = folder.read(root)
    assert [len(split) for split in data.splits.values()] == [8, 4, 4]
    assert not set(data.train.identities) & set(data.query.identities)


@pytest.mark.parametrize(
    ("name", "camera"),
    [
        ("c1.jpg", 1),
        ("C02_0001.jpg", 2),
        ("0001_c3s1_000151.jpg", 3),
        ("front cam 4.jpg", 4),
        ("camera_05-7.jpg", 5),
        ("Cam-6.jpg", 6),
        ("magic3_c7.jpg", 7),
    ],
)
def test_camera_names(tmp_path, name, camera):
    data = folder.read(write(tmp_path, f"gallery/ann/{name}"))
    assert data.gallery.cameras.tolist() == [camera]


def test_own_pattern_and_cameras_with_names(tmp_path):
    root = write(tmp_path, "gallery/ann/yard-1.jpg", "gallery/ann/door-1.jpg", "gallery/ann/yard-2.jpg")
    data = load("folder", root, camera=r"^(\w+)-")
    assert rows(data.gallery, root) == [
        ("gallery/ann/door-1.jpg", 1, 1),
        ("gallery/ann/yard-1.jpg", 1, 2),
        ("gallery/ann/yard-2.jpg", 1, 2),
    ]


def test_file_without_camera(tmp_path):
    write(tmp_path, "gallery/ann/1.jpg")
    assert message(tmp_path) == (
        f"'{tmp_path / 'gallery/ann/1.jpg'}' does not say its camera: looked for "
        "'(?<![A-Za-z])c(?:am|amera)?[-_ ]?(\\\\d+)' in the file's name, as in 'c1_0001.jpg'. "
        "Rename it, or give `camera`, a regular expression whose first group is the camera."
    )


def test_no_people(tmp_path):
    write(tmp_path, "a.jpg")
    assert message(tmp_path) == (
        f"'{tmp_path}' has no people: looked for a folder a person with images in it, either in train/, query/ and "
        "gallery/ or directly. Found: a.jpg."
    )


def test_pictures_without_a_folder_a_person_are_not_of_a_person_called_train(tmp_path):
    write(tmp_path, "train/1_c1_f1.jpg", "query/2_c1_f1.jpg", "gallery/2_c2_f1.jpg")
    assert message(tmp_path) == (
        f"'{tmp_path}' has no people: looked for a folder a person with images in it, either in train/, query/ and "
        "gallery/ or directly. Found: gallery/, query/, train/."
    )


def test_bad_patterns(tmp_path):
    assert message(tmp_path, camera="c(") == (
        "`camera` is no regular expression (missing ), unterminated subpattern at position 1). Received: 'c('."
    )
    assert message(tmp_path, camera="c1") == (
        "`camera` needs a group around the camera, as in 'cam(\\d+)'. Received: 'c1'."
    )

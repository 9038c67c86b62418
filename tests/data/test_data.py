import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from layouts import write

import keras_reid
from keras_reid import ReIDError, data
from keras_reid.data import load, names, parse, read_image


def message(*arguments) -> str:
    with pytest.raises(ReIDError) as caught:
        load(*arguments)
    return str(caught.value)


def test_names():
    assert names() == [
        *(
            "csv",
            "cuhk01",
            "cuhk03",
            "dukemtmc",
            "folder",
            "market1501",
            "mars",
            "msmt17",
            "occluded_duke",
            "people",
            "ward",
        )
    ]


def test_parse():
    assert parse("people") == ("people", None)
    assert parse("market1501:/data/Market-1501") == ("market1501", "/data/Market-1501")
    assert parse("folder:C:\\people") == ("folder", "C:\\people")


def test_one_argument_or_two(tmp_path):
    root = write(tmp_path, "train/1_c1_f1.jpg", "query/2_c1_f1.jpg", "gallery/2_c2_f1.jpg")
    assert load("ward", root).root == load(f"ward:{root}").root == root


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, "w/train/1_c1_f1.jpg", "w/query/2_c1_f1.jpg", "w/gallery/2_c2_f1.jpg")
    assert load("ward:~/w").root == tmp_path / "w"


def test_unknown_name():
    known = "Known: csv, cuhk01, cuhk03, dukemtmc, folder, market1501, mars, msmt17, occluded_duke, people, ward."
    assert message("market1051", "/data") == f"Unknown data set 'market1051'. {known} Did you mean 'market1501'?"
    assert message("xyz") == f"Unknown data set 'xyz'. {known}"


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_without_its_format(tmp_path, kind):
    assert message(kind(tmp_path)) == (
        f"Unknown data set '{tmp_path}'. Known: csv, cuhk01, cuhk03, dukemtmc, folder, market1501, mars, "
        f"msmt17, occluded_duke, people, ward. To read '{tmp_path}', name its "
        f"format too: 'folder:{tmp_path}'."
    )


def test_unknown_options_are_not_overlooked():
    with pytest.raises(TypeError, match="camera"):
        load("people", camera="(c)")


def test_no_root():
    assert message("ward") == "The data set 'ward' needs its folder: load('ward', folder) or 'ward:folder'."
    assert message("people", "/data") == "The data set 'people' is bundled with the package and takes no folder."


def test_people():
    people = load("people")
    assert people.name == "people"
    assert [tuple(row.values()) for row in people.summary()] == [
        ("train", 480, 48, 119),
        ("query", 96, 32, 52),
        ("gallery", 288, 32, 81),
    ]
    assert not set(people.train.identities) & set(people.gallery.identities)
    assert set(people.query.identities) == set(people.gallery.identities)
    assert read_image(people.query.paths[0]).shape == (160, 64, 3)
    for identity, camera in zip(people.query.identities, people.query.cameras, strict=True):
        theirs = people.gallery.identities == identity
        assert np.any(people.gallery.cameras[theirs] != camera)


def test_people_are_the_shared_ones(shared):
    for name, split in load("people").splits.items():
        for path in split.paths[::50]:
            original = shared / "data/people" / name / Path(path).name
            assert original.read_bytes() == Path(path).read_bytes()


def test_tables_are_read_without_keras():
    program = "import sys, keras_reid.data as d; d.load('people'); print('keras' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "False"


def test_public_names():
    for name in data.__all__:
        assert getattr(keras_reid.data, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Batch'"):
        _ = data.Batch

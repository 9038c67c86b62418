"""Readers of the published data sets on small copies of their layouts, whole and broken."""

import warnings

import h5py
import numpy as np
import pytest
from layouts import rows, write
from matlab_files import write_matlab

from keras_reid import ReIDError
from keras_reid.data import load, published

DUKE = (
    "bounding_box_train/0001_c2_f0046182.jpg",
    "query/0005_c2_f0046985.jpg",
    "bounding_box_test/0005_c1_f0051341.jpg",
    "bounding_box_test/7139_c8_f0051341.jpg",
)
LISTS = {
    "list_train.txt": ("0000/0000_000_01_0303morning_0008_0.jpg 0", "0001/0001_000_15_0303noon_0008_0.jpg 1"),
    "list_val.txt": ("0001/0001_001_02_0303noon_0009_0.jpg 1",),
    "list_query.txt": ("0000/0000_000_03_0303morning_0010_1.jpg 0",),
    "list_gallery.txt": ("0000/0000_001_04_0303morning_0011_1.jpg 0", "0002/0002_000_05_0303noon_0012_0.jpg 2"),
}


def quiet(name, root, **options):
    """`load` without the warning that such a small copy earns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(name, root, **options)


def error(name, root, **options):
    with pytest.raises(ReIDError) as caught:
        quiet(name, root, **options)
    return str(caught.value)


def said(name, root, **options):
    with pytest.warns(UserWarning, match="differs from the published") as caught:
        load(name, root, **options)
    assert {warning.filename for warning in caught} == {__file__}
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", ["dukemtmc", "occluded_duke"])
def test_duke(tmp_path, name):
    write(tmp_path, *DUKE)
    data = quiet(name, tmp_path)
    assert (data.name, data.protocol) == (name, "standard")
    assert rows(data.train, tmp_path) == [(DUKE[0], 1, 2)]
    assert rows(data.query, tmp_path) == [(DUKE[1], 5, 2)]
    assert rows(data.gallery, tmp_path) == [(DUKE[2], 5, 1), (DUKE[3], 7139, 8)]
    assert data.summary()[2] == {
        "split": "gallery", "images": 2, "identities": 2, "cameras": 2, "published": 17661, "published people": 1110
    }  # fmt: skip
    withdrawn, counts = said(name, tmp_path)
    assert withdrawn.startswith("DukeMTMC was withdrawn by its authors in 2019")
    images = "16,522" if name == "dukemtmc" else "15,618"
    assert counts.startswith(
        f"'{tmp_path}' differs from the published {name}: 1 images in train instead of {images}; 1 people in train "
        "instead of 702; 1 images in query instead of 2,2"
    )
    (tmp_path / DUKE[1]).rename(tmp_path / "query/0005_c2s1_000001_00.jpg")
    assert "expected a name like 0002_c1_f0044158.jpg" in error(name, tmp_path)


def msmt17(root, train="train", test="test", skip=()):
    root.mkdir(parents=True, exist_ok=True)
    for name, lines in LISTS.items():
        folder = root / (train if name in ("list_train.txt", "list_val.txt") else test)
        write(folder, *(line.split()[0] for line in lines if line not in skip))
        (root / name).write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("folders", [("train", "test"), ("mask_train_v2", "mask_test_v2")])
@pytest.mark.parametrize("below", ["", "MSMT17_V{}"])
def test_msmt17(tmp_path, folders, below):
    version = "1" if folders[0] == "train" else "2"
    root = msmt17(tmp_path / below.format(version), *folders)
    for options in ({}, {"version": version}):
        data = quiet("msmt17", tmp_path, **options)
        train, test = folders
        assert rows(data.train, root) == [
            (f"{train}/0000/0000_000_01_0303morning_0008_0.jpg", 1, 1),
            (f"{train}/0001/0001_000_15_0303noon_0008_0.jpg", 2, 15),
            (f"{train}/0001/0001_001_02_0303noon_0009_0.jpg", 2, 2),
        ]
        assert rows(data.query, root) == [(f"{test}/0000/0000_000_03_0303morning_0010_1.jpg", 3, 3)]
        assert data.gallery.identities.tolist() == [3, 5]  # nobody is 0, and nobody of the training is searched for
        assert data.gallery.names == {3: "0000", 5: "0002"}
    other = "2" if version == "1" else "1"
    assert "is not in msmt17's layout: looked for " in error("msmt17", tmp_path, version=other)


def test_broken_msmt17(tmp_path):
    assert error("msmt17", tmp_path) == (
        f"'{tmp_path}' is not in msmt17's layout: looked for train/, test/ or mask_train_v2/, mask_test_v2/, and the "
        "lists list_train.txt, list_val.txt, list_query.txt, list_gallery.txt. Found: nothing."
    )
    msmt17(tmp_path, skip=LISTS["list_query.txt"])
    path = tmp_path / "test/0000/0000_000_03_0303morning_0010_1.jpg"
    assert error("msmt17", tmp_path) == (
        f"Line 1 of '{tmp_path / 'list_query.txt'}' names '{path}', which does not exist."
    )
    (tmp_path / "list_train.txt").write_text("0000_a.jpg\n")
    assert error("msmt17", tmp_path) == (
        f"Line 1 of '{tmp_path / 'list_train.txt'}' is not as in msmt17's layout: expected one like "
        "'0000/0000_000_01_0303morning_0008_0.jpg 0'. Received: '0000_a.jpg'."
    )
    assert error("msmt17", tmp_path, version="3") == "MSMT17 has the versions '1' and '2'. Received: '3'."


def test_cuhk01(tmp_path):
    write(tmp_path, *(f"campus/{person:04}{picture:03}.png" for person in range(1, 6) for picture in range(1, 5)))
    data = quiet("cuhk01", tmp_path)
    assert [len(split) for split in data.splits.values()] == [8, 6, 6]
    assert set(data.query.identities) == set(data.gallery.identities)
    assert not set(data.train.identities) & set(data.query.identities)
    assert set(data.query.cameras) == {1}
    assert set(data.gallery.cameras) == {2}
    draws = {tuple(np.unique(quiet("cuhk01", tmp_path, split=split).train.identities)) for split in range(5)}
    assert len(draws) > 1
    again = quiet("cuhk01", tmp_path / "campus")
    assert again.train.paths.tolist() == data.train.paths.tolist()
    assert error("cuhk01", tmp_path, split=-1) == "`split` is the number of a draw, from 0. Received: -1."
    write(tmp_path, "campus/1.png")
    assert error("cuhk01", tmp_path).endswith("expected a name like 0001001.png. Rename or remove it.")


def mars(root, junk_folder="00-1"):
    test = ["0002C1T0001F001.jpg", "0002C1T0001F002.jpg", "0002C2T0001F001.jpg", "0000C1T0001F001.jpg"]
    test.append("00-1C3T0001F001.jpg")
    train = ["0001C1T0001F001.jpg", "0001C2T0001F001.jpg", "0001C2T0001F002.jpg"]
    write(root, *(f"bbox_train/{name[:4]}/{name}" for name in train))
    write(root, *(f"bbox_test/{name[:4]}/{name}" for name in test))
    (root / "info").mkdir()
    (root / "info/train_name.txt").write_text("\n".join(train))
    (root / "info/test_name.txt").write_text("\n".join(test) + "\n")
    write_matlab(root / "info/tracks_train_info.mat", track_train_info=np.array([[1, 1, 1, 1], [2, 3, 1, 2]], float))
    tracks = np.array([[1, 2, 2, 1], [3, 3, 2, 2], [4, 4, 0, 1], [5, 5, -1, 3]], float)
    write_matlab(root / "info/tracks_test_info.mat", track_test_info=tracks)
    write_matlab(root / "info/query_IDX.mat", query_IDX=np.array([[1.0]]))
    return root


def test_mars(tmp_path):
    data = quiet("mars", mars(tmp_path))
    assert data.protocol == "tracklets"
    assert data.train.tracklets.tolist() == [1, 2, 2]
    assert rows(data.query, tmp_path) == [
        ("bbox_test/0002/0002C1T0001F001.jpg", 2, 1),
        ("bbox_test/0002/0002C1T0001F002.jpg", 2, 1),
    ]
    assert data.query.tracklets.tolist() == [1, 1]
    assert data.gallery.tracklets.tolist() == [2, 3, 4]
    assert data.gallery.identities.tolist() == [2, 0, -1]
    assert published.counts(data.gallery, of_tracklets=True) == (2, 1)
    (counts,) = said("mars", tmp_path)
    assert "2 tracklets in train instead of 8,298; 1 people in train instead of 625;" in counts


def test_broken_mars(tmp_path):
    mars(tmp_path)
    write_matlab(tmp_path / "info/query_IDX.mat", query_IDX=np.array([[9.0]]))
    assert error("mars", tmp_path) == (
        f"'{tmp_path / 'info/query_IDX.mat'}' names tracklets from 9 to 9, but "
        f"'{tmp_path / 'info/tracks_test_info.mat'}' has 4."
    )
    write_matlab(tmp_path / "info/query_IDX.mat", query_idx=np.array([[1.0]]))
    assert error("mars", tmp_path) == (
        f"'{tmp_path / 'info/query_IDX.mat'}' has no table 'query_IDX'. Found: query_idx."
    )
    write_matlab(tmp_path / "info/query_IDX.mat", query_IDX=np.array([[1.0]]))
    write_matlab(tmp_path / "info/tracks_train_info.mat", track_train_info=np.array([[2.0, 7, 1, 1]]))
    assert error("mars", tmp_path) == (
        f"A tracklet is of the pictures 2 to 7, but '{tmp_path / 'info/train_name.txt'}' has 3."
    )
    (tmp_path / "info/train_name.txt").unlink()
    assert "missing: info/train_name.txt." in error("mars", tmp_path)


def cuhk03(root, people=3):
    """Two pairs of cameras with `people` and one person, with two pictures in one view and one in the other."""
    root.mkdir(parents=True, exist_ok=True)
    with h5py.File(root / "cuhk-03.mat", "w") as file:
        generator = np.random.default_rng(0)
        kind = h5py.special_dtype(ref=h5py.Reference)
        for boxes in ("labeled", "detected"):
            pairs = []
            for pair, count in enumerate((people, 1)):
                table = file.create_dataset(f"{boxes}_{pair}", (10, count), kind)
                for person in range(count):
                    for number in range(10):
                        filled = number in (0, 1, 5)
                        data = generator.integers(0, 256, (3, 16, 40), "u1") if filled else np.zeros(2, "u8")
                        name = f"{boxes}_{pair}_{person}_{number}"
                        table[number, person] = file.create_dataset(name, data=data).ref
                pairs.append(table.ref)
            file.create_dataset(boxes, data=np.array([pairs], kind))
        draws = [
            file.create_dataset(f"draw{n}", data=np.array(t, float).T).ref for n, t in enumerate(([[1, 2]], [[2, 1]]))
        ]
        file.create_dataset("testsets", data=np.array([draws], kind))
    files = [f"{pair}_{person:03}_{view}_{number:02}.png" for pair, person in ((1, 1), (1, 2), (1, 3), (2, 1))
             for view, number in ((1, 1), (1, 2), (2, 6))]  # fmt: skip
    for boxes in ("labeled", "detected"):
        write_matlab(
            root / f"cuhk03_new_protocol_config_{boxes}.mat",
            filelist=files,
            labels=np.repeat([1.0, 2, 3, 4], 3)[:, None],
            train_idx=np.arange(1.0, 7)[:, None],
            query_idx=np.array([[7.0, 10]]).T,
            gallery_idx=np.array([[8.0, 9, 11, 12]]).T,
        )
    return root


@pytest.mark.parametrize("boxes", ["labeled", "detected"])
def test_cuhk03_new(tmp_path, boxes):
    data = quiet("cuhk03", cuhk03(tmp_path), boxes=boxes)
    assert (data.name, data.protocol) == (f"cuhk03_{boxes}", "standard")
    folder = f"images_{boxes}"
    assert rows(data.query, tmp_path) == [(f"{folder}/1_003_1_01.png", 3, 1), (f"{folder}/2_001_1_01.png", 4, 3)]
    assert rows(data.gallery, tmp_path)[:2] == [(f"{folder}/1_003_1_02.png", 3, 1), (f"{folder}/1_003_2_06.png", 3, 2)]
    assert data.train.identities.tolist() == [1, 1, 1, 2, 2, 2]
    from keras_reid.data import read_image

    with h5py.File(tmp_path / "cuhk-03.mat") as file:
        np.testing.assert_array_equal(read_image(data.query.paths[1]), file[f"{boxes}_1_0_0"][:].T)
    (tmp_path / "cuhk-03.mat").unlink()  # not needed any more
    assert quiet("cuhk03", tmp_path, boxes=boxes).query.paths.tolist() == data.query.paths.tolist()


def test_cuhk03_vanilla(tmp_path):
    cuhk03(tmp_path / "cuhk03_release")
    data = quiet("cuhk03", tmp_path, protocol="vanilla")
    assert (data.name, data.protocol) == ("cuhk03_detected_vanilla", "single_shot")
    assert [len(split) for split in data.splits.values()] == [9, 3, 3]
    assert data.query.paths.tolist() == data.gallery.paths.tolist()
    assert data.query.identities.tolist() == [2, 2, 2]
    assert data.query.cameras.tolist() == [1, 1, 2]
    assert quiet("cuhk03", tmp_path, protocol="vanilla", split=1).query.cameras.tolist() == [3, 3, 4]
    message = "`split` must be one of the 2 draws, from 0. Received: 2."
    assert error("cuhk03", tmp_path, protocol="vanilla", split=2) == message


def test_broken_cuhk03(tmp_path):
    assert error("cuhk03", tmp_path) == (
        f"'{tmp_path}' is not in cuhk03's layout: looked for cuhk-03.mat, cuhk03_new_protocol_config_detected.mat; "
        "missing: cuhk-03.mat, cuhk03_new_protocol_config_detected.mat. Found: nothing."
    )
    assert error("cuhk03", tmp_path, boxes="drawn") == (
        "`boxes` must be one of 'labeled', 'detected'. Received: 'drawn'."
    )
    cuhk03(tmp_path)
    whole = (tmp_path / "cuhk-03.mat").read_bytes()
    (tmp_path / "cuhk-03.mat").write_bytes(whole[:1000])
    assert "is no MAT-file of version 7.3, or damaged (" in error("cuhk03", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) in ([], [".images_detected.half"])
    (tmp_path / "cuhk-03.mat").write_bytes(whole)
    data = quiet("cuhk03", tmp_path)
    (tmp_path / "images_detected" / "1_003_1_01.png").unlink()
    assert error("cuhk03", tmp_path).startswith(f"'{data.query.paths[0]}' does not exist, nor do 0 other pictures:")


def test_a_whole_copy_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(published.PUBLISHED, "cuhk01", {"train": (4, 1), "query": (2, 1), "gallery": (2, None)})
    write(tmp_path, *(f"{person:04}{picture:03}.png" for person in (1, 2) for picture in range(1, 5)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("cuhk01", tmp_path)


@pytest.mark.parametrize("name", published.PUBLISHED)
def test_published_counts_belong_to_readers(name):
    from keras_reid.data import names

    assert any(name.startswith(reader) for reader in names())
    assert set(published.PUBLISHED[name]) == {"train", "query", "gallery"}

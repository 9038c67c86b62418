import pytest

from keras_reid import ReIDError
from keras_reid.export import staging
from keras_reid.export.staging import size_of, staged


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path):
    with staged(tmp_path / "new/folder/a.bin") as fresh:
        fresh.write_bytes(b"12345")
        assert not (tmp_path / "new/folder/a.bin").exists()
        assert fresh.parent.parent == tmp_path / "new/folder"  # on the same file system
    assert (tmp_path / "new/folder/a.bin").read_bytes() == b"12345"
    assert names(tmp_path / "new/folder") == ["a.bin"]
    assert size_of(tmp_path / "new") == 5


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file(tmp_path, error):
    (tmp_path / "a.bin").write_bytes(b"old")

    def write_half():
        with staged(tmp_path / "a.bin") as fresh:
            fresh.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def write_folder(fresh, text):
    fresh.mkdir()
    (fresh / "saved_model.pb").write_text(text)


def test_a_folder_replaces_another(tmp_path):
    for text in ("old", "new"):
        with staged(tmp_path / "model", folder=True) as fresh:
            write_folder(fresh, text)
    assert (tmp_path / "model/saved_model.pb").read_text() == "new"
    assert names(tmp_path) == ["model"]


def test_a_folder_steps_back_if_the_new_one_does_not_come(tmp_path):
    write_folder(tmp_path / "model", "old")
    with pytest.raises(OSError, match="No such file"), staged(tmp_path / "model", folder=True):
        pass  # nothing was written
    assert (tmp_path / "model/saved_model.pb").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_a_folder_steps_back_at_ctrl_c(tmp_path, monkeypatch):
    write_folder(tmp_path / "model", "old")
    moved = []

    def replace(source, target):
        moved.append(target)
        if len(moved) == 2:
            raise KeyboardInterrupt
        real(source, target)

    real = staging.os.replace
    monkeypatch.setattr(staging.os, "replace", replace)
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "model", folder=True) as fresh:
        write_folder(fresh, "new")
    assert (tmp_path / "model/saved_model.pb").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(ReIDError, match=r"'.*/a\.bin/b\.bin' cannot be written: "), staged(tmp_path / "a.bin/b.bin"):
        pytest.fail("the block must not run")


def test_what_must_not_be_overwritten(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("mine")
    for path, folder, message in (
        (
            "a.bin",
            True,
            f"A SavedModel is a folder. Received: path='{tmp_path}/a.bin', which is a file; give another path.",
        ),
        (
            "full",
            False,
            f"Expected the path of a file. Received: path='{tmp_path}/full', which is a folder; add a file name.",
        ),
        (
            "full",
            True,
            f"Expected the path of a new folder or of a SavedModel to replace. Received: path='{tmp_path}/full', "
            "which is a folder with something else in it; give another path.",
        ),
    ):
        with pytest.raises(ReIDError) as error, staged(tmp_path / path, folder):
            pytest.fail("the block must not run")
        assert str(error.value) == message


def test_the_users_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with staged("~/model.tflite") as fresh:
        fresh.write_bytes(b"whole")
    assert (tmp_path / "model.tflite").read_bytes() == b"whole"

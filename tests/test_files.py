"""Files appear whole or not at all, and where they are kept."""

import os

import pytest

from keras_reid.files import atomically, home


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with atomically(path) as new:
        new.write_text("ne")
        assert path.read_text() == "old"
        assert (new.parent, new.suffix) == (tmp_path, ".json")
        new.write_text("new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["report.json"]


def test_nothing_is_left_of_a_failure(tmp_path):
    path = tmp_path / "report.json"

    def interrupted():
        with atomically(path) as new:
            new.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []


def test_missing_folders_are_made(tmp_path):
    with atomically(tmp_path / "a" / "b" / "report.json") as new:
        new.write_text("new")
    assert (tmp_path / "a" / "b" / "report.json").read_text() == "new"


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_REID_HOME", "~/elsewhere")
    assert home() == tmp_path / "elsewhere"
    for unset in (lambda: monkeypatch.setenv("KERAS_REID_HOME", ""), lambda: monkeypatch.delenv("KERAS_REID_HOME")):
        unset()
        assert home() == tmp_path / ".cache" / "keras_reid"


def test_the_users_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with atomically("~/a/report.json") as new:
        new.write_text("new")
    assert (tmp_path / "a" / "report.json").read_text() == "new"

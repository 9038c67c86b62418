"""Where weights come from: installation, cache, mirror, and what is said when they come from nowhere."""

import dataclasses
import shutil

import pytest
from file_server import FileServer

from keras_reid import ReIDError
from keras_reid.files import home
from keras_reid.zoo.fetching import cached_path, fetch, shipped_path
from keras_reid.zoo.manifest import Manifest


@pytest.fixture
def entry(zoo):
    return Manifest.read().entries["tiny"]


@pytest.fixture
def mirror(entry, tmp_path):
    """The weights, no longer shipped with the installation but in a folder elsewhere."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    shutil.move(shipped_path(entry), folder / entry.file)
    return folder


@pytest.fixture
def server(mirror, entry):
    with FileServer(content=(mirror / entry.file).read_bytes()) as server:
        yield server


def test_shipped_weights_need_no_network(entry, monkeypatch):
    monkeypatch.setenv("KERAS_REID_OFFLINE", "1")
    assert fetch(entry) == shipped_path(entry)
    assert not home().exists()


def test_shipped_weights_that_are_damaged(entry):
    path = shipped_path(entry)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ReIDError) as caught:
        fetch(entry)
    assert str(caught.value) == (
        f"The weights of 'tiny' that came with this installation are damaged: '{path}' has not the SHA-256 "
        f"{entry.sha256}. Install keras-reid again."
    )


def test_download_then_cache_then_offline(entry, server, monkeypatch):
    monkeypatch.setenv("KERAS_REID_ZOO_URL", server.url + "/zoo/v1/")
    seen = []
    path = fetch(entry, progress=lambda done, total: seen.append((done, total)))
    assert path == home() / "weights" / f"tiny-{entry.sha256[:12]}.weights.h5"
    assert seen[-1] == (entry.size, entry.size)
    assert fetch(entry) == path
    monkeypatch.setenv("KERAS_REID_OFFLINE", "1")
    assert fetch(entry) == path
    assert server.requests == [("/zoo/v1/tiny.weights.h5", None)]


def test_damaged_cache_is_downloaded_again(entry, server, monkeypatch):
    monkeypatch.setenv("KERAS_REID_ZOO_URL", server.url)
    path = fetch(entry)
    content = path.read_bytes()
    path.write_bytes(bytes(entry.size))
    assert fetch(entry).read_bytes() == content


def test_read_only_cache_that_has_the_file(entry, server, monkeypatch):
    monkeypatch.setenv("KERAS_REID_ZOO_URL", server.url)
    path = fetch(entry)

    def refuse(*_):
        raise OSError("read-only")

    monkeypatch.setattr("keras_reid.lock.os.open", refuse)
    assert fetch(entry) == path


def test_address_in_the_manifest(entry, server, zoo):
    dataclasses.replace(Manifest.read(), base_url=server.url + "/releases").write(zoo / "manifest.json")
    fetch(entry)
    assert server.requests == [("/releases/tiny.weights.h5", None)]


def test_mirror_goes_before_the_address_in_the_manifest(entry, server, zoo, monkeypatch):
    dataclasses.replace(Manifest.read(), base_url=server.url + "/releases").write(zoo / "manifest.json")
    monkeypatch.setenv("KERAS_REID_ZOO_URL", server.url + "/mirror")
    fetch(entry)
    assert server.requests == [("/mirror/tiny.weights.h5", None)]


@pytest.mark.parametrize("offline", [None, "1"])
def test_mirror_in_a_folder(entry, mirror, monkeypatch, offline):
    monkeypatch.setenv("KERAS_REID_ZOO_URL", mirror.as_uri())
    if offline:
        monkeypatch.setenv("KERAS_REID_OFFLINE", offline)
    assert fetch(entry) == cached_path(entry)


def test_no_address(entry, mirror):
    with pytest.raises(ReIDError) as caught:
        fetch(entry)
    assert str(caught.value) == (
        "The weights of 'tiny' did not come with this installation and no address to download them from is known: set "
        "KERAS_REID_ZOO_URL to a folder or server that has tiny.weights.h5, e.g. file:///path/to/zoo/weights."
    )


def test_offline(entry, server, monkeypatch):
    monkeypatch.setenv("KERAS_REID_ZOO_URL", server.url)
    monkeypatch.setenv("KERAS_REID_OFFLINE", "1")
    with pytest.raises(ReIDError) as caught:
        fetch(entry)
    assert str(caught.value) == (
        "The weights of 'tiny' are not on this machine and KERAS_REID_OFFLINE forbids the download. Unset it, set "
        "KERAS_REID_ZOO_URL to a folder (file://…) that has tiny.weights.h5, or put the file at "
        f"'{cached_path(entry)}'."
    )
    assert server.requests == []
    assert not home().exists()


@pytest.mark.parametrize("value", ["", "0"])
def test_offline_unset(entry, server, monkeypatch, value):
    monkeypatch.setenv("KERAS_REID_ZOO_URL", server.url)
    monkeypatch.setenv("KERAS_REID_OFFLINE", value)
    assert fetch(entry) == cached_path(entry)

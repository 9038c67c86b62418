"""Downloads from a real server on the loopback address that cuts, lies and fails; no half-written file, ever."""

import errno
import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple

import pytest
from file_server import CONTENT, SHA256, SIZE, FileServer

from keras_reid import ReIDError
from keras_reid.zoo.download import download

SCRIPT = """
import sys
from keras_reid.zoo.download import download
url, path, size, sha256 = sys.argv[1:5]
print("ready", flush=True)
download(url, path, int(size), sha256, pause=0.01, timeout=60)
print("done", flush=True)
"""


@pytest.fixture
def path(tmp_path):
    """The final path, watched while the test runs: whenever it exists it is whole."""
    path, stop, torn = tmp_path / "cache" / "a.weights.h5", threading.Event(), []

    def watch():
        while not stop.wait(0.001):
            if path.exists() and path.stat().st_size != SIZE:
                torn.append(path.stat().st_size)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield path
    stop.set()
    watcher.join()
    assert torn == []
    if path.exists():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256


def put(path, content):
    """Place a file at the final path at once, so that the watcher sees no part of it."""
    path.parent.mkdir()
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").rename(path)


def fetch(server, path, **options):
    url = server if isinstance(server, str) else server.url + "/a.weights.h5"
    return download(url, path, SIZE, SHA256, **{"pause": 0.01, "timeout": 60, **options})


def beside(path):
    return sorted(file.name for file in path.parent.iterdir())


def start(server, path):
    arguments = [server.url + "/a.weights.h5", str(path), str(SIZE), SHA256]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE, text=True)


def test_whole_file(path):
    seen = []
    with FileServer() as server:
        assert fetch(server, path, progress=lambda done, total: seen.append((done, total))) == path
    assert path.read_bytes() == CONTENT
    assert beside(path) == [path.name]
    assert seen[-1] == (SIZE, SIZE)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_file_that_is_there_is_not_asked_for(path):
    put(path, CONTENT)
    with FileServer() as server:
        fetch(server, path)
        assert server.requests == []


def test_cut_connection_is_continued(path):
    with FileServer(["cut", "cut"]) as server:
        fetch(server, path)
        ranges = [asked for _, asked in server.requests]
    assert ranges == [None, f"bytes={SIZE // 2}-", f"bytes={SIZE // 2 + SIZE // 4}-"]
    assert path.read_bytes() == CONTENT


def test_cut_connection_to_a_server_without_ranges(path):
    with FileServer(["cut"], ranges=False) as server:
        fetch(server, path)
        assert len(server.requests) == 2
    assert path.read_bytes() == CONTENT


def test_unannounced_length_that_is_cut(path):
    with FileServer(["cut"], announce=False) as server:
        fetch(server, path)
        assert len(server.requests) == 2
    assert path.read_bytes() == CONTENT


def test_server_that_always_cuts_and_cannot_continue(path):
    with FileServer(["cut"] * 20, ranges=False) as server:
        with pytest.raises(ReIDError) as caught:
            fetch(server, path, attempts=3)
        assert len(server.requests) == 4  # the first brought something new, the next three nothing
        url = server.url
    assert str(caught.value) == (
        f"Could not download {url}/a.weights.h5: the connection ended early, 3 times in a row; {SIZE // 2} of {SIZE} "
        "bytes are there. Try again later, and it continues from there, or set KERAS_REID_ZOO_URL to a mirror within "
        "reach (file:// for a folder)."
    )
    assert beside(path) == [path.name + ".partial"]


def test_another_range_than_asked_for(path):
    with FileServer(["cut", "shifted"]) as server:
        fetch(server, path)
        assert [asked for _, asked in server.requests] == [None, f"bytes={SIZE // 2}-", None]
    assert path.read_bytes() == CONTENT


def test_piece_of_another_version_is_thrown_away(path):
    path.parent.mkdir()
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(b"\xff" * 1000)
    with FileServer() as server:
        fetch(server, path)
        assert [asked for _, asked in server.requests] == ["bytes=1000-", None]
    assert beside(path) == [path.name]


def test_piece_that_is_too_long_is_thrown_away(path):
    path.parent.mkdir()
    path.with_name(path.name + ".partial").write_bytes(CONTENT + b"more")
    with FileServer() as server:
        fetch(server, path)
        assert [asked for _, asked in server.requests] == [None]


def test_whole_piece_needs_no_request(path):
    path.parent.mkdir()
    path.with_name(path.name + ".partial").write_bytes(CONTENT)
    with FileServer() as server:
        fetch(server, path)
        assert server.requests == []
    assert beside(path) == [path.name]


def test_damaged_file_at_the_final_path_is_replaced(path):
    put(path, bytes(SIZE))
    with FileServer() as server:
        fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_short_file_with_a_wrong_length(path):
    with FileServer(["short"]) as server:
        with pytest.raises(ReIDError) as caught:
            fetch(server, path)
        assert len(server.requests) == 1
        url = server.url
    assert str(caught.value) == (
        f"The file at {url}/a.weights.h5 has {SIZE // 3} bytes, the published one {SIZE}: the mirror holds an "
        "incomplete file or another version. Upload it there again, or set KERAS_REID_ZOO_URL to another mirror."
    )
    assert beside(path) == []


def test_wrong_bytes(path):
    with FileServer(["wrong"]) as server:
        with pytest.raises(ReIDError) as caught:
            fetch(server, path)
        assert len(server.requests) == 1
        url = server.url
    assert str(caught.value) == (
        f"The file at {url}/a.weights.h5 is not the published one: expected SHA-256 {SHA256}, received "
        f"{hashlib.sha256(bytes(SIZE)).hexdigest()}. It was deleted; try again, and if it happens again, the mirror "
        "holds another version or something on the way changes the file."
    )
    assert beside(path) == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_refusal_is_not_repeated(path, status):
    with FileServer([status]) as server:
        with pytest.raises(ReIDError) as caught:
            fetch(server, path)
        assert len(server.requests) == 1
        url = server.url
    reason = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 410: "Gone"}[status]
    assert str(caught.value) == (
        f"Could not download {url}/a.weights.h5: the server answered {status} {reason}. Check KERAS_REID_ZOO_URL, and "
        "whether a newer keras-reid is out that knows where the file is."
    )
    assert beside(path) == []


@pytest.mark.parametrize("trouble", [500, 503, 429, "reset"])
def test_trouble_that_passes(path, trouble):
    with FileServer([trouble, trouble]) as server:
        fetch(server, path)
        assert len(server.requests) == 3
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("trouble", ["silent", "stall"])
def test_silence_is_an_end_of_its_own(path, trouble):
    with FileServer([trouble, trouble]) as server:
        fetch(server, path, timeout=0.3, attempts=20)
        assert len(server.requests) >= 3  # a busy machine may be silent once more
    assert path.read_bytes() == CONTENT


def test_trouble_that_stays(path):
    with FileServer([500] * 9) as server:
        with pytest.raises(
            ReIDError, match=r"the server answered 500 Internal Server Error, 3 times in a row; 0 of 512000 bytes"
        ):
            fetch(server, path, attempts=3)
        assert len(server.requests) == 3
    assert beside(path) == []


def test_nobody_listens(path):
    with FileServer() as server:
        url = server.url
    with pytest.raises(
        ReIDError, match=r"^Could not download http://127.*: no connection \(.*refused\), 2 times in a row; 0 of"
    ):
        fetch(url + "/a.weights.h5", path, attempts=2)
    assert beside(path) == []


def test_redirect_is_followed_and_the_range_with_it(path):
    with FileServer(["/elsewhere", "cut", "/elsewhere"]) as server:
        fetch(server, path)
        assert server.requests == [
            ("/a.weights.h5", None),
            ("/elsewhere", None),
            ("/a.weights.h5", f"bytes={SIZE // 2}-"),
            ("/elsewhere", f"bytes={SIZE // 2}-"),
        ]


def test_redirect_in_a_circle(path):
    with FileServer(["/a.weights.h5"] * 50) as server, pytest.raises(ReIDError, match="the server answered 302"):
        fetch(server, path)


def test_mirror_in_a_folder(path, tmp_path):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "a.weights.h5").write_bytes(CONTENT)
    path.parent.mkdir()
    path.with_name(path.name + ".partial").write_bytes(CONTENT[:7])
    fetch((tmp_path / "mirror" / "a.weights.h5").as_uri(), path)
    assert beside(path) == [path.name]


def test_mirror_folder_without_the_file(path, tmp_path):
    url = (tmp_path / "mirror" / "a.weights.h5").as_uri()
    with pytest.raises(
        ReIDError, match=r"^Could not read file:.*No such file or directory.*Check KERAS_REID_ZOO_URL\.$"
    ):
        fetch(url, path)


@pytest.mark.parametrize("url", ["/srv/zoo/a.weights.h5", "ftp://host/a.weights.h5", "zoo.example/a.weights.h5"])
def test_address_of_another_kind(path, url):
    with pytest.raises(ReIDError) as caught:
        fetch(url, path)
    assert str(caught.value) == (
        f"Expected an address that starts with https://, http:// or file://. Received: '{url}'."
    )


def test_no_room_is_seen_before_the_request(path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(SIZE, 1, SIZE - 1))
    with FileServer() as server:
        with pytest.raises(ReIDError) as caught:
            fetch(server, path)
        assert server.requests == []
        url = server.url
    assert str(caught.value) == (
        f"Could not download {url}/a.weights.h5: no room for its {SIZE} bytes in '{path.parent}'. Make room, or set "
        "KERAS_REID_HOME to a folder on another disk."
    )
    assert beside(path) == []


def test_disk_that_fills_up_on_the_way(path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, before[1]))
    try:
        with FileServer() as server, pytest.raises(ReIDError, match="no room for its 512000 bytes"):
            fetch(server, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert beside(path) == []


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with FileServer() as server, pytest.raises(ReIDError) as caught:
        fetch(server, tmp_path / "cache" / "a.weights.h5")
    assert str(caught.value).endswith(
        f"'{tmp_path / 'cache'}' cannot be written (File exists). Set KERAS_REID_HOME to a folder you can write to."
    )


def test_read_only_file_system(path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("keras_reid.lock.os.open", refuse)
    with FileServer() as server, pytest.raises(ReIDError, match=r"cannot be written \(Read-only file system\)"):
        fetch(server, path)


def test_folder_that_cannot_be_written(path):
    path.parent.mkdir(mode=0o500)
    if os.access(path.parent, os.W_OK):
        pytest.skip("this user may write everywhere")
    with FileServer() as server, pytest.raises(ReIDError, match=r"cannot be written \(Permission denied\)"):
        fetch(server, path)


def test_concurrent_processes_download_once(path):
    with FileServer(slow=1.0) as server:
        processes = [start(server, path) for _ in range(4)]
        outputs = [process.communicate(timeout=60)[0] for process in processes]
        assert outputs == ["ready\ndone\n"] * 4
        assert [asked for _, asked in server.requests] == [None]
        assert server.whole_answers == 1
    assert beside(path) == [path.name]


def test_killed_process_leaves_no_final_file_and_the_next_continues(path):
    partial = path.with_name(path.name + ".partial")
    with FileServer(slow=20.0) as server:
        process = start(server, path)
        deadline = time.monotonic() + 30
        while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        there = partial.stat().st_size
        assert 0 < there < SIZE
        assert not path.exists()
        server.slow = 0.0
        fetch(server, path)
        assert [asked for _, asked in server.requests] == [None, f"bytes={there}-"]
    assert beside(path) == [path.name]

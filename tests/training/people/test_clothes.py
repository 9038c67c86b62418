"""Downloading MakeHuman's clothes from a server on the loopback address that cuts, lies and fails."""

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from people_package import module

from keras_reid import ReIDError

clothes = module("clothes")
FILES = {f"base/clothes/shirt/shirt.{kind}": kind.encode() * 30_000 for kind in ("mhclo", "obj", "mhmat")}
CUT = "base/clothes/shirt/shirt.obj"


@contextlib.contextmanager
def serving(files, cut=()):
    """An address that has these files, and what it was asked for; of each in `cut` it sends half at the first time."""
    asked, to_cut = [], list(cut)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            name, begin = self.path.removeprefix("/"), self.headers.get("Range")
            asked.append((name, begin))
            if name not in files:
                return self.send_error(404)
            start = int(begin.removeprefix("bytes=").removesuffix("-")) if begin else 0
            content = files[name][start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(files[name]) - 1}/{len(files[name])}")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if name in to_cut:
                to_cut.remove(name)
                content = content[: len(content) // 2]
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_REID_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A list of three files in place of the pinned one."""
    path = tmp_path / "list.sha256"
    lines = [f"{hashlib.sha256(content).hexdigest()} {len(content)} {name}\n" for name, content in FILES.items()]
    path.write_text("".join(lines))
    monkeypatch.setattr(clothes, "LIST", path)


def there(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_cut_connection_is_continued_and_nothing_is_fetched_twice(home, listed):
    with serving(FILES, cut=[CUT]) as (address, asked):
        folder = clothes.downloaded(address)
        assert there(folder) == FILES
        assert asked == [(name, None) for name in list(FILES)[:2]] + [(CUT, "bytes=45000-")] + [(list(FILES)[2], None)]
        assert clothes.downloaded(address) == folder
        assert len(asked) == 4
    assert clothes.downloaded("http://127.0.0.1:9") == folder  # nor is the network needed then
    assert folder == home / "people" / "makehuman-8cf9645"


def test_an_interrupted_download_goes_on(home, listed):
    folder = home / "people" / "makehuman-8cf9645"
    half = folder / f"{CUT}.partial"
    half.parent.mkdir(parents=True)
    half.write_bytes(FILES[CUT][:1000])
    with serving(FILES) as (address, asked):
        assert there(clothes.downloaded(address)) == FILES
    assert (CUT, "bytes=1000-") in asked


def test_a_changed_file_is_fetched_again(home, listed):
    with serving(FILES) as (address, asked):
        folder = clothes.downloaded(address)
        (folder / CUT).write_bytes(bytes(90_000))
        assert there(clothes.downloaded(address)) == FILES
    assert [name for name, _ in asked].count(CUT) == 2


def test_wrong_bytes_are_refused_by_the_pinned_list(home):
    sha256, size, name = clothes.LIST.read_text().splitlines()[0].split()
    wrong = bytes(int(size))
    with serving({name: wrong}) as (address, _), pytest.raises(ReIDError) as error:
        clothes.downloaded(address)
    assert str(error.value) == (
        f"The file at {address}/{name} is not the published one: expected SHA-256 {sha256}, received "
        f"{hashlib.sha256(wrong).hexdigest()}. It was deleted; try again, and if it happens again, the mirror holds "
        "another version or something on the way changes the file. Or give --clothes a folder with a copy of "
        "makehumancommunity/makehuman-assets, or 'body' to do without."
    )
    assert there(home) == {}


def test_a_server_without_the_files(home):
    with (
        serving({}) as (address, _),
        pytest.raises(ReIDError, match=r"the server answered 404.*Or give --clothes a folder"),
    ):
        clothes.downloaded(address)
    assert there(home) == {}


def test_the_pinned_list():
    lines = [line.split() for line in clothes.LIST.read_text().splitlines()]
    assert len({name for _, _, name in lines}) == len(lines) == 60
    assert all(len(sha256) == 64 and int(sha256, 16) for sha256, _, _ in lines)
    assert 10_000_000 < sum(int(size) for _, size, _ in lines) < 15_000_000
    for kind in ("clothes", "hair"):
        meshes = {name.rpartition("/")[0] for _, _, name in lines if f"/{kind}/" in name and name.endswith(".mhclo")}
        assert meshes <= {name.rpartition("/")[0] for _, _, name in lines if name.endswith(".obj")}


def test_the_pinned_list_is_that_of_the_repository(home, shared):
    files = {name: (shared / "assets/makehuman" / name) for _, _, name in map(str.split, clothes.LIST.open())}
    if not all(path.is_file() for path in files.values()):
        pytest.skip("the shared material has no copy of MakeHuman's clothes")
    with serving({name: path.read_bytes() for name, path in files.items()}) as (address, asked):
        folder = clothes.downloaded(address)
    assert len(asked) == 60
    assert len(module("assets")._proxy_files(folder)) == sum(name.endswith(".mhclo") for name in files)

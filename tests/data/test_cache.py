import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_reid import ReIDError
from keras_reid.data import cache, load_images
from keras_reid.data.cache import DecodedImages

SIZE = (12, 8)


@pytest.fixture
def paths(tmp_path) -> list[str]:
    """Twenty different pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 16, 3), np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:02}.png")
    return sorted(map(str, folder.iterdir()))


@pytest.fixture
def decoded_counts(monkeypatch) -> list[int]:
    """How many images each call of `load_images` decodes."""
    counts: list[int] = []

    def counting(images, *arguments, **options):
        result = load_images(images, *arguments, **options)
        counts.append(len(result[0]))
        return result

    monkeypatch.setattr(cache, "load_images", counting)
    return counts


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_same_images_as_without_it(tmp_path, paths):
    decoded = DecodedImages(paths, SIZE, tmp_path / "cache")
    assert len(decoded) == 20
    rows = np.array([3, 19, 0, 3])
    found = decoded[rows]
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, load_images([paths[row] for row in rows], SIZE)[0])


def test_nothing_is_decoded_twice(tmp_path, paths, decoded_counts, monkeypatch):
    monkeypatch.setattr(cache, "_BLOCK", 8)
    first = DecodedImages(paths, SIZE, tmp_path / "cache")
    assert decoded_counts == [8, 8, 4]
    second = DecodedImages(paths, SIZE, tmp_path / "cache")
    np.testing.assert_array_equal(first[np.arange(20)], second[np.arange(20)])
    assert decoded_counts == [8, 8, 4]
    assert files(tmp_path / "cache") == [first.file.name]


def test_other_paths_or_another_size_are_another_file(tmp_path, paths):
    found = [
        DecodedImages(paths, SIZE, tmp_path / "cache"),
        DecodedImages(paths, (8, 12), tmp_path / "cache"),
        DecodedImages(paths[::-1], SIZE, tmp_path / "cache"),
    ]
    assert len({decoded.file for decoded in found}) == len(files(tmp_path / "cache")) == 3
    np.testing.assert_array_equal(found[0][np.array([0])], found[2][np.array([19])])


def test_default_folder(tmp_path, paths, monkeypatch):
    monkeypatch.setenv("KERAS_REID_HOME", str(tmp_path / "home"))
    assert DecodedImages(paths, SIZE).file.parent == tmp_path / "home" / "images"


def test_progress(tmp_path, paths, monkeypatch):
    monkeypatch.setattr(cache, "_BLOCK", 8)
    calls = []
    DecodedImages(paths, SIZE, tmp_path / "cache", progress=lambda *numbers: calls.append(numbers))
    assert calls == [(8, 20), (16, 20), (20, 20)]


def test_changed_image_makes_the_file_stale(tmp_path, paths):
    old = DecodedImages(paths, SIZE, tmp_path / "cache")
    before = old[np.array([4])]
    Image.fromarray(np.full((24, 16, 3), 7, np.uint8)).save(paths[4])
    new = DecodedImages(paths, SIZE, tmp_path / "cache")
    assert new[np.array([4])].max() == 7
    assert files(tmp_path / "cache") == [new.file.name] != [old.file.name]
    # Who still has the old file open goes on with it.
    np.testing.assert_array_equal(old[np.array([4])], before)


def test_touched_image_makes_the_file_stale(tmp_path, paths, decoded_counts):
    DecodedImages(paths, SIZE, tmp_path / "cache")
    os.utime(paths[0], (1, 1))
    DecodedImages(paths, SIZE, tmp_path / "cache")
    assert decoded_counts == [20, 20]


def test_damaged_image_is_decoded_again_with_a_warning(tmp_path, paths):
    file = DecodedImages(paths, SIZE, tmp_path / "cache").file
    content = bytearray(file.read_bytes())
    content[-5] ^= 1  # in the last image
    file.write_bytes(content)
    decoded = DecodedImages(paths, SIZE, tmp_path / "cache")
    with pytest.warns(UserWarning, match=r"is damaged at image 19 \('.*19\.png'\), which is decoded again"):
        found = decoded[np.array([18, 19])]
    np.testing.assert_array_equal(found, load_images(paths[18:], SIZE)[0])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:50],
        lambda content: b"",
        lambda content: b"PK\x03\x04" + content[4:],
        lambda content: content.replace(b"(20,)", b"(19,)"),
        lambda content: content.replace(b"(12, 8, 3)", b"(8, 12, 3)"),
    ],
)
def test_damaged_file_is_made_again(tmp_path, paths, damage):
    file = DecodedImages(paths, SIZE, tmp_path / "cache").file
    content = file.read_bytes()
    assert damage(content) != content
    file.write_bytes(damage(content))
    found = DecodedImages(paths, SIZE, tmp_path / "cache")[np.arange(20)]
    np.testing.assert_array_equal(found, load_images(paths, SIZE)[0])
    assert file.read_bytes() == content


class TestInterrupted:
    def interrupt(self, folder, paths, after: int) -> Path:
        """Decode `after` blocks of five and break off; the unfinished file."""

        def stop(done: int, total: int) -> None:
            if done == 5 * after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            DecodedImages(paths, SIZE, folder, progress=stop)
        (partial,) = [path for path in folder.iterdir() if path.suffix == ".partial"]
        assert files(folder) == [partial.name]
        return partial

    @pytest.fixture(autouse=True)
    def blocks_of_five(self, monkeypatch):
        monkeypatch.setattr(cache, "_BLOCK", 5)

    def test_goes_on_where_it_was(self, tmp_path, paths, decoded_counts):
        self.interrupt(tmp_path / "cache", paths, after=2)
        decoded = DecodedImages(paths, SIZE, tmp_path / "cache")
        assert decoded_counts == [5, 5, 5, 5]
        np.testing.assert_array_equal(decoded[np.arange(20)], load_images(paths, SIZE)[0])
        assert files(tmp_path / "cache") == [decoded.file.name]

    def test_damaged_rest_is_not_trusted(self, tmp_path, paths, decoded_counts):
        partial = self.interrupt(tmp_path / "cache", paths, after=2)
        content = bytearray(partial.read_bytes())
        row = 4 + 12 * 8 * 3
        content[-3 * row + 10] ^= 1  # the eighth of ten images
        partial.write_bytes(content[:-7])  # and the tenth is cut off
        decoded = DecodedImages(paths, SIZE, tmp_path / "cache")
        assert decoded_counts == [5, 5, 5, 5, 3]  # the last thirteen
        np.testing.assert_array_equal(decoded[np.arange(20)], load_images(paths, SIZE)[0])

    @pytest.mark.parametrize("content", [b"", b"x" * 300, b"\x93NUMPY"])
    def test_foreign_rest_is_not_trusted(self, tmp_path, paths, content):
        self.interrupt(tmp_path / "cache", paths, after=2).write_bytes(content)
        decoded = DecodedImages(paths, SIZE, tmp_path / "cache")
        np.testing.assert_array_equal(decoded[np.arange(20)], load_images(paths, SIZE)[0])

    def test_rest_of_an_earlier_state_is_removed(self, tmp_path, paths):
        self.interrupt(tmp_path / "cache", paths, after=2)
        os.utime(paths[0], (1, 1))
        decoded = DecodedImages(paths, SIZE, tmp_path / "cache")
        assert files(tmp_path / "cache") == [decoded.file.name]

    def test_bad_image(self, tmp_path, paths):
        Path(paths[12]).write_bytes(b"")
        with pytest.raises(ReIDError) as caught:
            DecodedImages(paths, SIZE, tmp_path / "cache")
        assert str(caught.value) == f"Image '{paths[12]}' is empty (0 bytes): copy it again or leave it out."
        assert [Path(name).suffix for name in files(tmp_path / "cache")] == [".partial"]


DECODE = """
import sys, time
from keras_reid.data import cache
cache._BLOCK = 2
def report(done, total):
    print(done, flush=True)
    time.sleep(float(sys.argv[2]))
decoded = cache.DecodedImages(sys.argv[3:], (12, 8), sys.argv[1], progress=report)
print("sum", int(decoded[list(range(len(decoded)))].sum()))
"""


def start(folder: Path, pause: float, paths: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", DECODE, str(folder), str(pause), *paths], stdout=subprocess.PIPE, text=True
    )


def test_killed_process(tmp_path, paths, decoded_counts):
    process = start(tmp_path / "cache", 60, paths)
    assert process.stdout.readline() == "2\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    began = time.monotonic()
    decoded = DecodedImages(paths, SIZE, tmp_path / "cache")
    assert time.monotonic() - began < 15  # the dead process holds no lock
    np.testing.assert_array_equal(decoded[np.arange(20)], load_images(paths, SIZE)[0])
    assert files(tmp_path / "cache") == [decoded.file.name]


def test_processes_at_once(tmp_path, paths):
    processes = [start(tmp_path / "cache", 0.1, paths) for _ in range(3)]
    outputs = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert {lines[-1] for lines in outputs} == {f"sum {load_images(paths, SIZE)[0].sum(dtype=int)}"}
    # One of them decoded, the others waited for it.
    assert sorted(len(lines) for lines in outputs) == [1, 1, 11]
    assert len(files(tmp_path / "cache")) == 1


def test_missing_image(tmp_path, paths):
    os.unlink(paths[3])
    with pytest.raises(ReIDError) as caught:
        DecodedImages(paths, SIZE, tmp_path / "cache")
    assert str(caught.value) == f"Image '{paths[3]}' does not exist: check the path."
    with pytest.raises(ReIDError) as caught:
        DecodedImages([f"{paths[0]}/a.png"], SIZE, tmp_path / "cache")
    assert str(caught.value) == f"Image '{paths[0]}/a.png' cannot be read (Not a directory): check the path."


def test_folder_that_cannot_be_written(tmp_path, paths):
    (tmp_path / "cache").touch()
    with pytest.raises(ReIDError) as caught:
        DecodedImages(paths, SIZE, tmp_path / "cache")
    assert str(caught.value) == (
        f"The decoded images cannot be kept in '{tmp_path / 'cache'}' (File exists): give a folder that can be written "
        "and has 0 MB of space as `cache`, set KERAS_REID_HOME to one, or decode in every epoch with `cache=False`."
    )


def test_no_room(tmp_path, paths, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9 - 100, 100))
    with pytest.raises(ReIDError, match=r"cannot be kept in '.*' \(No space left on device\)"):
        DecodedImages(paths, SIZE, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_full_disk(tmp_path, paths):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))  # no file may grow larger
    try:
        with pytest.raises(ReIDError, match=r"cannot be kept in '.*' \(File too large\)"):
            DecodedImages(paths, SIZE, tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(DecodedImages(paths, SIZE, tmp_path / "cache")[np.arange(20)]) == 20

"""A data set of rendered people: the same whatever the processes, and after `kill -9`."""

import csv
import filecmp
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_reid import ReIDError, data
from keras_reid.shipped import shipped_package

pytest.importorskip("numba", reason="needs the extra 'people'")
pytest.importorskip("cv2", reason="needs the extra 'people'")
people = shipped_package("training", "people")
if not people.installed():
    pytest.skip("needs the extra 'people'", allow_module_level=True)

SMALL = {"identities": 4, "test_identities": 2, "images": 6, "views": 3, "cameras": 5, "test_cameras": 3}
RENDER = """
import sys
from keras_reid.shipped import shipped_package
people = shipped_package("training", "people")
if __name__ == "__main__":
    settings = people.Settings(identities=4, test_identities=2, images=6, views=3, cameras=5, test_cameras=3)
    people.render(sys.argv[1], settings, processes=1, progress=lambda done, total: print(done, flush=True))
"""


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def same(first: Path, second: Path) -> bool:
    names = files(first)
    return names == files(second) and not any(filecmp.cmpfiles(first, second, names, shallow=False)[1:])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered") / "set"
    seen = []
    found = people.render(folder, people.Settings(**SMALL), processes=2, progress=lambda *at: seen.append(at))
    return folder, found, seen


def test_layout_and_table(rendered):
    folder, found, seen = rendered
    assert found["pictures"] == {"train": 24, "query": 6, "gallery": 6}
    assert seen == [(done, 36) for done in range(0, 37, 6)]
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "bounding_box_test", "bounding_box_train", "montage.jpg", "query", "render.json", "truth.csv"
    }  # fmt: skip
    assert list(folder.parent.iterdir()) == [folder]
    market, table = data.load("market1501", folder), data.load("csv", folder / "truth.csv")
    for split in ("train", "query", "gallery"):
        named, listed = getattr(market, split), getattr(table, split)
        assert sorted(map(str, named.paths)) == sorted(map(str, listed.paths))
    assert set(market.train.identities) == {1, 2, 3, 4}
    assert set(market.query.identities) == set(market.gallery.identities) == {5, 6}
    assert set(market.train.cameras) <= set(range(1, 6))
    assert set(market.query.cameras) == {6, 7, 8}
    with open(folder / "truth.csv", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert all(0 <= float(line["yaw"]) < 360 for line in lines)
    assert all(0 <= float(line["occlusion"]) <= 1 for line in lines)
    assert data.read_image(folder / lines[0]["path"]).shape == (160, 64, 3)


def test_same_again_with_another_number_of_processes(rendered, tmp_path):
    people.render(tmp_path / "set", people.Settings(**SMALL), processes=1)
    assert same(rendered[0], tmp_path / "set")


def test_killed_and_resumed(rendered, tmp_path):
    folder = tmp_path / "set"
    script = tmp_path / "render.py"
    script.write_text(RENDER)
    process = subprocess.Popen([sys.executable, str(script), str(folder)], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line) >= 12:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    partial = tmp_path / ".set.partial"
    assert not folder.exists()
    there = len(list((partial / "parts").iterdir()))
    assert 2 <= there < 6
    (partial / "query" / ".0005_c6s1.1-2.jpg").write_bytes(b"half")
    wait_for_orphans(partial)
    seen = []
    people.render(folder, people.Settings(**SMALL), processes=1, progress=lambda done, _: seen.append(done))
    assert seen[0] >= 6 * there
    assert same(rendered[0], folder)


def wait_for_orphans(partial: Path) -> None:
    """The killed parent's worker ends by itself; what it was writing is there or not."""
    before = None
    while before != (now := files(partial)):
        before = now
        time.sleep(0.5)


def test_finished_is_left_alone_and_others_are_refused(rendered):
    folder, found, _ = rendered
    times = {name: (folder / name).stat().st_mtime_ns for name in files(folder)}
    assert people.render(folder, people.Settings(**SMALL)) == found
    assert times == {name: (folder / name).stat().st_mtime_ns for name in files(folder)}
    with pytest.raises(ReIDError) as error:
        people.render(folder, people.Settings(**{**SMALL, "seed": 3}))
    assert str(error.value) == (
        f"'{folder}' holds another rendering (seed 0 there, 3 now): give another folder, or remove this one."
    )


def test_foreign_folder_is_refused(tmp_path):
    with pytest.raises(ReIDError) as error:
        people.render(tmp_path, people.Settings(**SMALL))
    assert str(error.value) == (
        f"'{tmp_path}' exists already and holds no rendered people: give the name of a folder that does not."
    )


def test_folder_without_clothes(tmp_path):
    with pytest.raises(ReIDError, match=r"holds no clothes: looked for clothes/\*/\*\.mhclo"):
        people.render(tmp_path / "set", people.Settings(**SMALL), clothes=tmp_path)
    assert not (tmp_path / "set").exists()


def test_command(tmp_path):
    command = [sys.executable, "-c", "from keras_reid.cli import main; main()", "data", "render", "--out", "set"]
    small = ["--identities", "1", "--test-identities", "2", "--images", "4", "--views", "2", "--size", "48x24"]
    done = subprocess.run([*command, *small, "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert '"train": 4' in done.stdout
    assert data.load("market1501", tmp_path / "set").train.paths.size == 4
    done = subprocess.run([*command, "--size", "huge"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    message = "Error: `--size` must be HEIGHTxWIDTH in pixels, such as 160x64. Received: 'huge'.\n"
    assert (done.returncode, done.stderr) == (1, message)

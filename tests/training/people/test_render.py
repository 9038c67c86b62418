"""A data set of rendered people: the same whatever the processes, and after `kill -9`."""

import csv
import filecmp
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from people_package import generator, module, people, skip_without_bodies

from keras_reid import ReIDError, data

skip_without_bodies()

SMALL = {"identities": 4, "test_identities": 2, "images": 6, "views": 3, "cameras": 5, "test_cameras": 3}
SMALL |= {"height": 64, "width": 32}
RENDER = f"""
import sys
SMALL = {SMALL}
from keras_reid.shipped import shipped_package
people = shipped_package("training", "people")
if __name__ == "__main__":
    settings = people.Settings(**SMALL)
    people.render(sys.argv[1], settings, processes=1, progress=lambda done, total: print(done, flush=True))
"""


UNGUARDED = RENDER.replace('if __name__ == "__main__":', "if True:")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def same(first: Path, second: Path) -> bool:
    names = files(first)
    return names == files(second) and not any(filecmp.cmpfiles(first, second, names, shallow=False)[1:])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered") / "set"
    seen = []
    found = people.render(folder, people.Settings(**SMALL), processes=1, progress=lambda *at: seen.append(at))
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
    assert f"people in {len({line['camera'] for line in lines})} virtual cameras" in (folder / "README.md").read_text()
    assert all(0 <= float(line["occlusion"]) <= 1 for line in lines)
    assert data.read_image(folder / lines[0]["path"]).shape == (64, 32, 3)


def test_same_again_with_another_number_of_processes(rendered, tmp_path):
    people.render(tmp_path / "set", people.Settings(**SMALL), processes=2)
    assert same(rendered[0], tmp_path / "set")


def test_a_program_that_its_workers_run_again_is_told(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(UNGUARDED)
    command = [sys.executable, program, tmp_path / "set"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "A program that renders people does so under: if __name__ == '__main__':" in done.stderr
    assert not (tmp_path / "set").exists()


def test_killed_and_resumed(rendered, tmp_path):
    folder = tmp_path / "set"
    script = tmp_path / "render.py"
    script.write_text(RENDER)
    with subprocess.Popen([sys.executable, str(script), str(folder)], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) >= 12:
                os.kill(process.pid, signal.SIGKILL)
                break
    partial = tmp_path / ".set.partial"
    assert not folder.exists()
    there = len(list((partial / "people").iterdir()))
    assert 2 <= there < 6
    (partial / "set" / "query" / ".0005_c6s1.1-2.jpg").write_bytes(b"half")
    (partial / "set" / ".truth.1-2.csv").write_bytes(b"half")
    wait_for_orphans(partial)
    with pytest.raises(ReIDError) as error:
        people.render(folder, people.Settings(**{**SMALL, "height": 96, "images": 8}), processes=1)
    assert str(error.value) == (
        f"'{partial}' holds another rendering (images 6 there, 8 now; height 64 there, 96 now): give another folder, "
        "or remove this one."
    )
    seen = []
    people.render(folder, people.Settings(**SMALL), processes=1, progress=lambda done, _: seen.append(done))
    assert seen[0] >= 6 * there
    assert same(rendered[0], folder)
    assert not partial.exists()


def test_nothing_is_lost_where_the_folder_was_made_meanwhile(rendered, tmp_path):
    folder, begun = tmp_path / "set", tmp_path / ".set.partial"

    def disturb(done, total):
        if done == total:
            folder.mkdir()
            (folder / "mine.txt").write_text("mine")

    with pytest.raises(OSError, match="not empty"):
        people.render(folder, people.Settings(**SMALL), processes=1, progress=disturb)
    assert files(folder) == ["mine.txt"]
    (folder / "mine.txt").unlink()
    folder.rmdir()
    with pytest.raises(ReIDError, match=r"holds another rendering \(seed 0 there, 1 now\)"):
        people.render(folder, people.Settings(**{**SMALL, "seed": 1}))
    seen = []
    people.render(folder, people.Settings(**SMALL), processes=1, progress=lambda done, _: seen.append(done))
    assert seen == [36]
    assert same(rendered[0], folder)
    (begun / "people").mkdir(parents=True)  # as a run leaves it that is killed when it had everything
    people.render(folder, people.Settings(**SMALL))
    assert not begun.exists()


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


@pytest.mark.parametrize("name", [None, "."])
def test_foreign_folder_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReIDError) as error:
        people.render(name or tmp_path, people.Settings(**SMALL))
    assert str(error.value) == (
        f"'{tmp_path}' exists already and holds no rendered people: give the name of a folder that does not."
    )


@pytest.mark.parametrize("number", [-1, 0])
def test_processes(tmp_path, number):
    with pytest.raises(ReIDError, match=rf"^`processes` must be at least 1\. Received: {number}\.$"):
        people.render(tmp_path / "set", processes=number)


def test_a_process_that_is_ended_from_outside(rendered, tmp_path):
    def end(done, total):
        if done == 6:
            multiprocessing.active_children()[0].kill()

    with pytest.raises(ReIDError, match=r"^A process that drew people was ended from outside, .* fewer .* than 1\."):
        people.render(tmp_path / "set", people.Settings(**SMALL), processes=1, progress=end)
    people.render(tmp_path / "set", people.Settings(**SMALL), processes=1)
    assert same(rendered[0], tmp_path / "set")


def test_whole_people():
    assets, outfit, posing = module("assets"), module("outfit"), module("posing")
    found = assets.load(assets.prepare(None))
    for seed in range(12):
        person = module("person").random_person(found, generator(seed))
        mesh = person.mesh
        assert set(np.unique(mesh.triangles)) == set(range(len(mesh.vertices)))
        assert set(np.unique(mesh.parts)) <= set(outfit.Part)
        np.testing.assert_allclose(mesh.shares.sum(axis=1), 1, atol=1e-5)
        assert mesh.shares.min() >= 0
        assert 1.1 < person.facts["height"] < 2.2
        assert set(person.facts) <= set(module("writer").COLUMNS)
        again = module("person").random_person(found, generator(seed))
        assert (again.mesh.vertices == mesh.vertices).all()
        assert again.facts == person.facts
        posed = posing.posed(found, person, 0.5, (1.0, -2.0), generator(seed))
        low, high = posed.vertices.min(axis=0), posed.vertices.max(axis=0)
        assert low[1] == pytest.approx(0, abs=1e-6)
        assert 0.85 * person.facts["height"] < high[1] < 1.15 * person.facts["height"]
        assert np.linalg.norm(posed.feet - [1, -2], axis=1).max() < 1
        np.testing.assert_allclose(np.linalg.norm(posed.normals, axis=1), 1, atol=0.01)


def test_a_persons_cameras():
    folder = module("assets").prepare(None)
    drawn = module("people").Generator(people.Settings(**SMALL), folder)
    for number in range(4):
        assert sorted(drawn.cameras_of(number)[:3]) == sorted(set(drawn.cameras_of(number)))
        assert set(drawn.cameras_of(number)) <= set(range(1, 6))
    assert set(drawn.cameras_of(4)) == {6, 7, 8}


def test_command(rendered, tmp_path):
    folder, found, _ = rendered
    command = [sys.executable, "-m", "keras_reid", "data", "render"]
    asked = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items() if name not in ("height", "width")]
    command_line = [*command, f"--out={folder}", *asked, "--size=64x32", "--json"]
    done = subprocess.run(command_line, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"folder": str(folder), **found}
    done = subprocess.run(
        [*command, "--out=set", "--size=huge"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "Invalid value for --size: Must be HEIGHTxWIDTH in pixels, such as 160x64" in done.stderr

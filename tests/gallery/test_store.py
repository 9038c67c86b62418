"""The gallery's folder: mapped, shared by processes, and whole whenever somebody is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_reid import ReIDError
from keras_reid.gallery import Gallery

# A child that is killed at the n-th write, which it has half done, or at the n-th step of replacing a file.
KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from keras_reid.gallery import Gallery, store

folder, what = Path(sys.argv[1]), sys.argv[2]

def vectors(ids):
    rows = np.stack([np.cos(np.asarray(ids) / 100), np.sin(np.asarray(ids) / 100)], axis=1)
    return rows.astype("float32")

def child(fatal):
    steps = 0
    def counted(function, damage=lambda *_, **__: None):
        def call(*arguments, **options):
            nonlocal steps
            steps += 1
            if steps == fatal:
                damage(*arguments, **options)
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return call
    write = store._write
    store._write = counted(write, lambda path, place, data: write(path, place, bytes(data)[: -1]))
    os.replace, os.rename, os.fsync = counted(os.replace), counted(os.rename), counted(os.fsync)
    store.shutil.rmtree = counted(store.shutil.rmtree)
    gallery = Gallery.load(folder) if store.holds_gallery(folder) else Gallery(2)
    first = gallery._store.next_id
    if what == "add":
        ids = np.arange(first, first + 5)
        gallery.add(vectors(ids), ids, paths=[f"{n}.jpg" for n in ids])
    elif what == "remove":
        gallery.remove([int(gallery.ids[gallery.chosen()][0])])
    else:
        gallery.save(folder)

outcomes = []
for fatal in range(1, 200):
    pid = os.fork()
    if pid == 0:
        child(fatal)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    killed = os.WIFSIGNALED(status)
    assert killed or status == 0
    if store.holds_gallery(folder):
        gallery = Gallery.load(folder)
        ids = gallery.ids
        assert (gallery.vectors == vectors(ids)).all(), fatal
        entries = gallery.entries(ids)
        assert [entry.camera for entry in entries] == ids.tolist(), fatal
        assert [entry.path for entry in entries] == [f"{n}.jpg" for n in ids], fatal
        outcomes.append(len(gallery))
    else:
        outcomes.append(None)
    if not killed:
        break
else:
    raise SystemExit("the child was killed every time")
print(*outcomes)
"""


def small(folder, count=20):
    ids = np.arange(count)
    gallery = Gallery(2)
    rows = np.stack([np.cos(ids / 100), np.sin(ids / 100)], axis=1).astype("float32")
    assert gallery.add(rows, ids, paths=[f"{n}.jpg" for n in ids]).tolist() == ids.tolist()
    gallery.save(folder)
    return gallery


def killed(folder, what):
    command = [sys.executable, "-c", KILLED, str(folder), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [None if word == "None" else int(word) for word in done.stdout.split()]


def test_killed_while_adding(tmp_path):
    small(tmp_path / "g")
    counts = killed(tmp_path / "g", "add")
    assert len(counts) > 10  # so many places to die at
    # All five or none, every time; what was half-written is in nobody's way.
    assert np.isin(np.diff([20, *counts]), [0, 5]).all()
    assert counts[-1] - counts[-2] == 5
    assert counts[0] == 20


def test_a_copy_has_what_others_have_done(tmp_path):
    small(tmp_path / "g")
    early, late = Gallery.load(tmp_path / "g"), Gallery.load(tmp_path / "g")
    count = len(early)
    late.remove([3])
    early.save(tmp_path / "copy")
    assert len(Gallery.load(tmp_path / "copy")) == count - 1


def test_another_gallery_that_has_come_here_is_not_damaged(tmp_path):
    adding, asking, other = small(tmp_path / "g"), Gallery.load(tmp_path / "g"), Gallery(3)
    other.add(np.eye(3, dtype="float32"))
    other.save(tmp_path / "g")
    with pytest.raises(ReIDError, match=r"holds vectors of 3 dimensions\. Received: vectors of 2"):
        adding.add(np.eye(2, dtype="float32"))
    with pytest.raises(ReIDError, match=r"holds vectors of 3 dimensions\. Received: query of 2"):
        asking.search(np.eye(2, dtype="float32"))
    np.testing.assert_array_equal(Gallery.load(tmp_path / "g").vectors, np.eye(3))


def test_killed_while_removing(tmp_path):
    small(tmp_path / "g")
    counts = killed(tmp_path / "g", "remove")
    assert np.isin(np.diff([20, *counts]), [0, -1]).all()
    assert counts[-1] < 20


def test_killed_while_saving_over_itself(tmp_path):
    small(tmp_path / "g").remove([3])
    counts = killed(tmp_path / "g", "save")
    assert len(counts) > 10
    assert set(counts) == {19}
    assert sorted(path.name for path in (tmp_path / "g").iterdir() if not path.name.startswith(".")) == [
        json.loads((tmp_path / "g" / "manifest.json").read_text())["data"], "manifest.json"
    ]  # fmt: skip


def test_killed_while_saving_for_the_first_time(tmp_path):
    counts = killed(tmp_path / "g", "save")
    assert counts[0] is None
    assert set(counts[:-1]) <= {None, 0}
    assert counts[-1] == 0


def test_killed_at_any_moment(tmp_path):
    """A process that adds without end, killed from outside."""
    small(tmp_path / "g", 5)
    code = (
        "import sys, numpy as np\nfrom keras_reid.gallery import Gallery\n"
        "gallery = Gallery.load(sys.argv[1])\nprint('ready', flush=True)\n"
        "while True:\n    first = gallery._store.next_id\n    ids = np.arange(first, first + 7)\n"
        "    rows = np.stack([np.cos(ids / 100), np.sin(ids / 100)], axis=1)\n"
        "    gallery.add(rows, ids, paths=[f'{n}.jpg' for n in ids])\n"
    )
    for wait in (0.0, 0.05, 0.11):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "g")], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        gallery = Gallery.load(tmp_path / "g")
        ids = gallery.ids
        assert ids.tolist() == list(range(len(ids)))
        assert len(ids) % 7 == 5
        np.testing.assert_array_equal(gallery.vectors[:, 0], np.cos(ids / 100).astype("float32"))
        assert [entry.path for entry in gallery.entries(ids)] == [f"{n}.jpg" for n in ids]


def test_several_processes_add_to_one_folder(tmp_path):
    small(tmp_path / "g", 3)
    code = (
        "import sys, numpy as np\nfrom keras_reid.gallery import Gallery\n"
        "gallery = Gallery.load(sys.argv[1])\n"
        "for _ in range(10): gallery.add([[1.0, 0.0]], paths=[sys.argv[2]])\n"
    )
    here = Gallery.load(tmp_path / "g")
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "g"), name]) for name in "ab"]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(here) == 23
    paths = [entry.path for entry in here.entries(np.arange(23))]
    assert (paths.count("a"), paths.count("b")) == (10, 10)


def test_saving_keeps_what_others_have_done(tmp_path):
    small(tmp_path / "g", 3)
    here, there = Gallery.load(tmp_path / "g"), Gallery.load(tmp_path / "g")
    assert there.add([[1.0, 0.0]], paths=["new"]).tolist() == [3]
    assert there.remove([1]) == 1
    here.save()
    assert [entry.path for entry in here.entries([3])] == ["new"]
    assert here.ids.tolist() == [0, 2, 3]
    assert here.add([[0.0, 1.0]]).tolist() == [4]


def test_removed_by_another_process_meanwhile(tmp_path):
    small(tmp_path / "g", 3)
    here, there = Gallery.load(tmp_path / "g"), Gallery.load(tmp_path / "g")
    there.remove([1])
    there.save()
    assert here.remove([1, 1, 2]) == 1
    assert np.flatnonzero(here.chosen()).tolist() == [0]
    with pytest.raises(ReIDError, match=r"^Ids are whole numbers, as `add` returns them\. Received: \[0\.5\]"):
        here.remove([0.5])


def test_loading_reads_no_vectors(tmp_path):
    small(tmp_path / "g")
    gallery = Gallery.load(tmp_path / "g")
    assert isinstance(gallery.vectors, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        gallery.vectors[0] = 0


def test_save_frees_what_was_removed_and_keeps_ids(tmp_path):
    gallery = small(tmp_path / "g")
    gallery.remove(np.arange(0, 20, 2))
    size = os.path.getsize(next((tmp_path / "g").glob("data-*/vectors")))
    gallery.save()
    assert os.path.getsize(next((tmp_path / "g").glob("data-*/vectors"))) == size / 2
    assert gallery.ids.tolist() == list(range(1, 20, 2))
    assert gallery.add([[1.0, 0.0]]).tolist() == [20]
    gallery.save(tmp_path / "copy")
    assert Gallery.load(tmp_path / "copy").ids.tolist() == [*range(1, 20, 2), 20]
    assert Gallery.load(tmp_path / "g").ids.tolist() == [*range(1, 20, 2), 20]


def test_what_is_no_gallery(tmp_path):
    with pytest.raises(ReIDError) as caught:
        Gallery.load(tmp_path / "no")
    assert str(caught.value) == (
        f"'{tmp_path / 'no'}' is no gallery: it has no manifest.json. Make one with Gallery(…).save(folder)."
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("Dear")
    with pytest.raises(ReIDError, match="exists and is no gallery: give another folder"):
        Gallery(2).save(tmp_path / "full")
    with pytest.raises(ReIDError, match="A gallery in memory needs a folder"):
        Gallery(2).save()
    with pytest.raises(ReIDError, match="`dimensions` must be at least 1"):
        Gallery(0)
    small(tmp_path / "g")
    manifest = json.loads((tmp_path / "g" / "manifest.json").read_text())
    (tmp_path / "g" / "manifest.json").write_text(json.dumps({**manifest, "format": 9}))
    with pytest.raises(ReIDError, match="is a gallery of format 9; this version reads 1"):
        Gallery.load(tmp_path / "g")
    for text, message in (
        ("{", r"is damaged \(JSONDecodeError"),
        ("[]", r"is damaged \(TypeError"),
        ('{"format": 1, "data": "data-000001"}', r"is damaged \(it has no about, count, dimensions, "),
    ):
        (tmp_path / "g" / "manifest.json").write_text(text)
        with pytest.raises(ReIDError, match=message):
            Gallery.load(tmp_path / "g")
    (tmp_path / "g" / "manifest.json").write_text(json.dumps({**manifest, "count": 99}))
    with pytest.raises(ReIDError, match="is missing or shorter than its gallery's manifest says"):
        Gallery.load(tmp_path / "g")


def test_an_empty_folder_becomes_a_gallery(tmp_path):
    """As a volume that was made for it; so does one in which somebody was killed who made it."""
    for left in ([], ["data-000001/vectors", ".lock"]):
        folder = tmp_path / str(len(left))
        folder.mkdir()
        for name in left:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("half")
        gallery = Gallery(2)
        gallery.add([[1.0, 0.0]])
        gallery.save(folder)
        assert Gallery.load(folder).search([[1.0, 0.0]], 1).ids.tolist() == [[0]]


def test_entries_of_what_others_have_removed_since(tmp_path):
    small(tmp_path / "g")
    mine, theirs = Gallery.load(tmp_path / "g"), Gallery.load(tmp_path / "g")
    found = mine.search([[1.0, 0.0]], 1).ids[0]
    theirs.remove(found)
    theirs.save()
    assert [entry.id for entry in mine.entries(found)] == found.tolist()
    mine.refresh()
    with pytest.raises(ReIDError, match=f"The gallery has no crop {found[0]}"):
        mine.entries(found)
    (added,) = theirs.add([[0.0, 1.0]])
    assert [entry.id for entry in mine.entries([added])] == [added]

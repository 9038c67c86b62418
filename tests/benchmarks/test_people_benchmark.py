"""Which pictures are left without what, and as many of them for every line of the table."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from keras_reid import ReIDError
from keras_reid.data import ReIDData, Split

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "people.py"
specification = importlib.util.spec_from_file_location("people_benchmark", PATH)
people = importlib.util.module_from_spec(specification)
specification.loader.exec_module(people)

HEADS = ["path", "identity", "camera", "yaw", "elevation", "occlusion", "cut", "sunny"]
HEADS += ["coat", "bag", "hat", "scarf", "top_pattern", "coat_pattern", "legs_pattern"]
LINES = [
    ["a.jpg", "1", "1", "10", "5", "0.0", "0.0", "False", "", "", "", "", "plain", "", "plain"],
    ["b.jpg", "1", "8", "170", "40", "0.3", "0.0", "True", "jacket", "", "", "", "print", "plain", "denim"],
    ["c.jpg", "2", "2", "80", "14", "0.0", "0.2", "False", "", "tote", "", "", "plain", "", ""],
    ["d.jpg", "2", "3", "275", "16", "0.0", "0.0", "True", "", "", "cap", "#fff", "plain", "tartan", "plain"],
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "truth.csv").write_text("\n".join(",".join(line) for line in [HEADS, *LINES]) + "\n")
    return tmp_path


def split(names):
    return Split([f"/somewhere/{name}" for name in names], np.arange(len(names)), np.ones(len(names), int))


def test_what_is_left(folder):
    truth = people.truth_of(split(["d.jpg", "a.jpg", "b.jpg", "c.jpg"]), folder)
    left = {name: "".join(truth["path"][which(truth)]).replace(".jpg", "") for name, which in people.WITHOUT.items()}
    assert left == {
        "nothing": "dabc",
        "three quarters of the cameras": "ac",
        "views from above 15°": "ac",
        "views from the side": "ab",
        "people and things in front, cut boxes": "da",
        "sun and shadows": "ac",
        "coats, bags, hats and scarves": "a",
        "patterns": "ac",
    }


def test_a_table_that_lacks_a_picture(folder):
    with pytest.raises(ReIDError, match=r"truth\.csv' has no line for '/somewhere/e\.jpg'\.$"):
        people.truth_of(split(["a.jpg", "e.jpg"]), folder)
    with pytest.raises(ReIDError, match=r"truth\.csv' is not there: render the people with "):
        people.truth_of(split(["a.jpg"]), folder / "other")


def test_as_many_people_and_pictures():
    truth = {"identity": np.repeat(["1", "2", "3", "4"], [9, 3, 8, 12])}
    left = np.ones(32, bool)
    left[0] = False
    rows = people.chosen(truth, left, people=2, pictures=8)
    identities, counts = np.unique(truth["identity"][rows], return_counts=True)
    assert len(identities) == 2
    assert set(counts) == {8}
    assert len(set(rows)) == 16
    assert 0 not in rows
    assert list(people.chosen(truth, left, 2, 8)) == list(rows)
    with pytest.raises(ReIDError, match=r"^4 people with 8 such pictures each are needed, there are 3\.$"):
        people.chosen(truth, left, 4, 8)


def test_table(folder, monkeypatch, capsys, tmp_path):
    data = ReIDData("market1501", tmp_path, *(split(["a.jpg", "b.jpg", "c.jpg", "d.jpg"]) for _ in range(3)))
    monkeypatch.setattr(people.sets, "load", lambda spec: data)
    monkeypatch.setattr(people, "chosen", lambda truth, left, number, pictures, seed: np.flatnonzero(left))
    monkeypatch.setattr(people, "measure", lambda one, other, rows, seed: {"rendered": len(rows) / 8, "real": seed / 2})
    assert people.main(["--rendered", str(folder), "--data", "ward:WARD"]) == 0
    assert capsys.readouterr().out.splitlines()[:4] == [
        "| without | mAP, rendered | mAP, market1501 |",
        "| --- | ---: | ---: |",
        "| nothing | 0.500 ± 0.000 | 0.250 ± 0.250 |",
        "| three quarters of the cameras | 0.250 ± 0.000 | 0.250 ± 0.250 |",
    ]
    assert people.main(["--rendered", str(folder), "--data", "ward:WARD", "--seeds", "1"]) == 0
    assert "±" not in capsys.readouterr().out
    monkeypatch.undo()
    assert people.main(["--rendered", str(tmp_path / "nowhere"), "--data", "people"]) == 1
    assert "nowhere" in capsys.readouterr().err

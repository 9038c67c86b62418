"""Folders of trainings: what is taken from a finished one, and what is said of another."""

import pytest
from tiny_network import MEASURED

from keras_reid import ReIDError
from keras_reid.zoo.finished_run import FinishedRun, check_chain, draw_course


def message(call):
    with pytest.raises(ReIDError) as caught:
        call()
    return str(caught.value)


def test_what_is_taken(finished, tmp_path):
    run = FinishedRun.read(finished("first", options={"width": 4}))
    assert run.recipe == "first"
    assert run.weights == tmp_path / "runs" / "first" / "first.weights.h5"
    assert run.weights.is_file()
    assert run.options == {"width": 4}
    assert run.effort == {"epochs": 3, "seconds": 750}


def test_no_folder():
    assert message(lambda: FinishedRun.read("nowhere")) == "There is no folder 'nowhere' of a training."


def test_not_finished(finished):
    folder = finished()
    (folder / "run.json").unlink()
    assert message(lambda: FinishedRun.read(folder)) == (
        f"The training in '{folder}' is not finished, it has no run.json: start its command again, and it goes on."
    )


def test_damaged(finished):
    folder = finished()
    (folder / "run.json").write_text("{")
    assert message(lambda: FinishedRun.read(folder)).startswith(f"'{folder / 'run.json'}' cannot be read: ")


def test_curve_of_several(finished, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "keras_reid.training.curve.draw_curve", lambda *given, **options: drawn.append((given, options))
    )
    runs = [FinishedRun.read(finished(name)) for name in ("first", "second")]
    draw_course(runs, tmp_path / "curve.png")
    draw_course(runs[:1], tmp_path / "curve.png")
    ((rows, path), options), (_, alone) = drawn
    assert path == tmp_path / "curve.png"
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert options["begun"] == [("first", 1), ("second", 4)]
    assert alone["begun"] == ()


def test_curve_needs_the_log(finished, tmp_path):
    folder = finished()
    (folder / "log.csv").unlink()
    assert message(lambda: draw_course([FinishedRun.read(folder)], tmp_path / "curve.png")) == (
        f"The training in '{folder}' has no log.csv to draw its curve from."
    )


def test_figures_of_a_fine_tuning(finished):
    assert FinishedRun.read(finished("tuned", weights="published")).tuned("tiny") == {
        "data": "ward",
        "people": 25,
        "queries": 75,
        "gallery": 1669,
        "rank1": 0.6123,
        "rank5": 0.7,
        "rank10": 0.8,
        "mAP": 0.5,
        "mINP": 0.3,
        "recipe": "tuned",
        "epochs": 3,
        "seconds": 750,
        "command": "keras-reid train --recipe tuned --data ward:WARD",
    }


def test_no_fine_tuning(finished):
    run = FinishedRun.read(finished())
    assert message(lambda: run.tuned("tiny")) == (
        f"The training in '{run.folder}' started at random weights, so it is no fine-tuning."
    )
    assert (
        message(lambda: run.tuned("wide"))
        == f"Expected the training in '{run.folder}' to be of 'wide'. It is of 'tiny'."
    )
    figures = {name: value for name, value in MEASURED.items() if name not in ("val_mAP", "val_mINP")}
    run = FinishedRun.read(finished("short", weights="published", figures=figures))
    assert (
        message(lambda: run.tuned("tiny")) == f"The training in '{run.folder}' measured no mAP, mINP in its last epoch."
    )


def test_chain(finished):
    first, second = (FinishedRun.read(finished(*how)) for how in (("first",), ("second", "somewhere/first.weights.h5")))
    check_chain([first])
    check_chain([first, second])
    assert message(lambda: check_chain([second, first])) == (
        f"Expected the training in '{first.folder}' to have started from the weights of '{second.folder}', "
        "'second.weights.h5'. It started from random weights. Give runs in their order."
    )

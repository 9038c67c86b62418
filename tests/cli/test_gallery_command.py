"""`keras-reid gallery` and the report of `keras-reid evaluate`."""

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from keras_reid.gallery import Gallery


@pytest.fixture
def filled(run, people, zoo):
    status, out, err = run("gallery", "add", "all.gallery", "gallery", "--file-times", "--json")
    assert (status, json.loads(out)["crops"]) == (0, 12), err
    return people


def test_add_search_remove(run, filled, network, zoo):
    pictures = sorted(Path("gallery").iterdir())
    status, out, _ = run(
        "gallery", "search", "all.gallery", "--query", "query", "--top", 3, "--picture", "f.png", "--json"
    )
    assert status == 0
    found = json.loads(out)
    assert (found["model"], found["picture"]) == ("han_small", "f.png")
    assert Path("f.png").read_bytes().startswith(b"\x89PNG")
    for one in found["queries"]:
        cosines = {
            str(path.resolve()): (network.embed(one["query"]) @ network.embed(str(path)).T).item() for path in pictures
        }
        best = sorted(cosines, key=cosines.get, reverse=True)[:3]
        assert [match["path"] for match in one["matches"]] == best
        for match in one["matches"]:
            assert match["camera"] == int(Path(match["path"]).name[6:9])
            assert match["time"] == Path(match["path"]).stat().st_mtime
    camera = found["queries"][0]["matches"][1]["camera"]
    line = ("gallery", "search", "all.gallery", "--query", found["queries"][0]["query"], "--camera", camera, "--json")
    assert {match["camera"] for match in json.loads(run(*line)[1])["queries"][0]["matches"]} == {camera}
    assert "nobody" in run("gallery", "search", "all.gallery", "--query", "query", "--since", 9e12)[1]
    assert json.loads(run("gallery", "info", "all.gallery", "--json")[1])["crops"] == 12
    os.rename("all.gallery", "[red].gallery")
    assert run("gallery", "info", "[red].gallery")[1].startswith("[red].gallery")  # no markup
    os.rename("[red].gallery", "all.gallery")
    status, out, _ = run("gallery", "remove", "all.gallery", pictures[0], "--json")
    assert json.loads(out) == {"gallery": "all.gallery", "removed": 1, "crops": 11}
    assert "11 removed, 0 crops" in run("gallery", "remove", "all.gallery", "gallery")[1]


def test_add_goes_on_and_adds_nothing_twice(run, people, zoo):
    first, second, *_ = pictures = sorted(Path("gallery").iterdir())
    whole = pictures[7].read_bytes()
    pictures[7].write_bytes(b"no picture")
    assert run("gallery", "add", "all.gallery", "gallery", "--batch-size", 4)[0] == 1
    assert len(Gallery.load("all.gallery")) == 4  # the batch before that with the unreadable one
    added = run("gallery", "add", "all.gallery", "gallery", "--batch-size", 1, "--on-error", "skip")[1]
    assert added == "all.gallery: 7 added, 4 were there, 11 crops\n"
    status, added, err = run("gallery", "add", "all.gallery", "gallery", "--on-error", "skip")
    assert (status, added) == (0, "all.gallery: 0 added, 11 were there, 11 crops\n")
    assert f"Left out: Image '{pictures[7]}' is not a picture" in err
    status, _, err = run("gallery", "add", "none.gallery", pictures[7], "--on-error", "skip")
    assert (status, Path("none.gallery").exists()) == (1, False)
    assert "None of the 1 pictures can be read." in err
    pictures[7].write_bytes(whole)
    found = json.loads(run("gallery", "add", "all.gallery", "gallery", first, second.resolve(), "--json")[1])
    assert (len(found["added"]), found["already"], found["crops"]) == (1, 13, 12)
    gallery = Gallery.load("all.gallery")
    assert {entry.path for entry in gallery.entries(gallery.ids)} == {str(path.resolve()) for path in pictures}


def test_two_commands_at_once_add_nothing_twice(run, people, zoo, network, monkeypatch):
    """As where one is started every minute, and the first has an hour's work."""
    first, *others = sorted(Path("gallery").iterdir())
    assert run("gallery", "add", "all.gallery", first)[0] == 0
    left = others[:-2]

    @contextlib.contextmanager
    def after_another(path):
        assert path == Path("all.gallery/.adding")
        for other in left:
            places = [str(other.resolve())]
            Gallery.load("all.gallery").add(network.embed(str(other)), paths=places)
        left.clear()
        yield

    monkeypatch.setattr("keras_reid.lock.locked", after_another)
    line = ("gallery", "add", "all.gallery", "gallery", "--batch-size", 4)
    assert run(*line)[1] == "all.gallery: 2 added, 10 were there, 12 crops\n"
    gallery = Gallery.load("all.gallery")
    assert len({entry.path for entry in gallery.entries(gallery.ids)}) == 12


def test_remove_says_what_is_not_there(run, filled, zoo):
    paths = sorted(Path("gallery").iterdir())
    status, out, err = run("gallery", "remove", "all.gallery", paths[0], "gallery/nobody.jpg", "elsewhere")
    assert (status, out) == (1, "all.gallery: 1 removed, 11 crops\n")
    assert err.endswith("Error: 'all.gallery' has no crops of gallery/nobody.jpg, elsewhere.\n")


def test_an_interrupted_removal_is_finished(run, filled, zoo):
    paths = sorted(Path("gallery").iterdir())
    gallery = Gallery.load("all.gallery")
    (crop,) = [entry.id for entry in gallery.entries(gallery.ids) if Path(entry.path).name == paths[0].name]
    gallery.remove([crop])  # as the command, and then it was killed
    status, out, _ = run("gallery", "remove", "all.gallery", paths[0])
    assert (status, out) == (0, "all.gallery: 0 removed, 11 crops\n")
    assert len(Gallery.load("all.gallery").ids) == 11


def test_remove_knows_paths_as_a_program_gave_them(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gallery = Gallery(2)
    gallery.save("mine.gallery")
    gallery.add(np.eye(2, dtype="float32"), paths=["crops/1.jpg", "other/1.jpg"])
    assert "1 removed, 1 crops" in run("gallery", "remove", "mine.gallery", "crops/1.jpg")[1]
    assert "1 removed, 0 crops" in run("gallery", "remove", "mine.gallery", "other")[1]


@pytest.mark.parametrize("folder", [".", ""])
def test_the_folder_here_is_not_that_of_everything(run, tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    gallery = Gallery(3)
    gallery.save("mine.gallery")
    gallery.add(np.eye(3, dtype="float32"), paths=["", "of/another/folder.jpg", str(tmp_path / "own.jpg")])
    assert "1 removed, 2 crops" in run("gallery", "remove", "mine.gallery", folder)[1]
    assert [entry.path for entry in Gallery.load("mine.gallery").entries([0, 1])] == ["", "of/another/folder.jpg"]


def test_search_prints_what_it_cannot_draw(run, filled, zoo):
    line = ("gallery", "search", "all.gallery", "--query", "query", "--top", 12, "--picture")
    status, out, err = run(*line, "found.jpg")
    assert (status, out, "ends in .png" in err) == (2, "", True)
    gone = sorted(Path("gallery").iterdir())[0]
    gone.unlink()
    status, out, err = run(*line, "found.png")
    assert (status, gone.name in out, gone.name in err) == (1, True, True)
    assert not Path("found.png").exists()


def test_names_that_are_no_text(run, people, zoo):
    name = os.fsdecode(b"gallery/m\xfcller.jpg")
    os.rename(sorted(Path("gallery").iterdir())[0], name)
    assert run("gallery", "add", "all.gallery", "gallery")[0] == 0
    status, out, err = run("gallery", "search", "all.gallery", "--query", name, "--top", 1, "--json")
    assert status == 0, err
    (match,) = json.loads(out)["queries"][0]["matches"]
    assert match["path"] == os.path.abspath(name)
    assert "m\\udcfcller.jpg" in run("gallery", "search", "all.gallery", "--query", name)[1]


def test_cameras_by_name(run, filled, zoo):
    """One picture of another name does not take the others' cameras away."""
    pictures = sorted(Path("query").iterdir())
    pictures[0].rename("query/anna.jpg")
    assert run("gallery", "add", "some.gallery", "query")[0] == 0
    cameras = {int(path.name[6:9]) for path in pictures[1:]}
    assert json.loads(run("gallery", "info", "some.gallery", "--json")[1])["cameras"] == len(cameras)


def test_another_model(run, filled, zoo):
    status, out, err = run("gallery", "add", "all.gallery", "query", "--model", "han_large")
    assert (status, out) == (1, "")
    assert err.endswith(
        "Error: 'all.gallery' was filled with han_small (published), whose vectors cannot be compared with those of "
        "han_large (published): name that model, or another folder.\n"
    )
    status, _, err = run("gallery", "add", "new.gallery", "query", "--weights", "none")
    message = "`--weights none` draws other weights each time: no two of their vectors can be compared.\n"
    assert (status, err.endswith(message), Path("new.gallery").exists()) == (1, True, False)


def test_a_file_of_weights_that_was_written_anew(run, people, zoo):
    file = Path("mine.weights.h5")
    file.write_bytes(b"one")
    line = ("gallery", "add", "mine.gallery", "gallery", "--weights", file)
    assert run(*line)[0] == 0
    assert run("gallery", "search", "mine.gallery", "--query", "query")[0] == 0
    file.rename("moved.weights.h5")
    assert run(*line[:-1], "moved.weights.h5")[0] == 0
    file.write_bytes(b"two")
    for again in (line, ("gallery", "search", "mine.gallery", "--query", "query")):
        status, out, err = run(*again)
        assert (status, out) == (1, "")
        assert err.endswith(
            f"Error: 'mine.gallery' was filled with han_small ({file.resolve()}) when these were other weights: "
            "vectors of now cannot be compared with its own. Embed its crops anew, in another folder.\n"
        )


def test_a_gallery_of_a_program(run, people, zoo, network):
    for number, about in enumerate((None, {"model": "han_small"}, {"network": "han_small"})):
        folder = f"{number}.gallery"
        Gallery(network.embedding_size, about).save(folder)
        for line in (("add", folder, "gallery"), ("search", folder, "--query", "query")):
            status, out, err = run("gallery", *line)
            message = "does not say which model it was filled with: add to it, and search it, in Python.\n"
            assert (status, out, err.endswith(f"Error: '{folder}' {message}")) == (1, "", True)


def test_no_gallery(run):
    status, _, err = run("gallery", "info", "nowhere")
    assert (status, "'nowhere' is no gallery" in err) == (1, True)


def test_evaluate_writes_a_report(run, people, zoo):
    (people / "train").mkdir()
    for path in list((people / "query").iterdir()):
        (people / "train" / path.name).write_bytes(path.read_bytes())
    status, out, err = run("evaluate", "--data", "ward:.", "--report", "report", "--json")
    assert status == 0, err
    found = json.loads(out)
    assert (found["protocol"], found["report"]["html"]) == ("standard", "report/report.html")
    plain = json.loads(run("evaluate", "--data", "ward:.", "--json")[1])
    assert {key: plain[key] for key in ("rank1", "mAP", "mINP")} == {
        key: found[key] for key in ("rank1", "mAP", "mINP")
    }
    assert f"| {found['rank1']:.3f} |" in (people / "report/report.md").read_text()
    status, _, err = run("evaluate", "--data", "ward:.", "--protocol", "multi_query")
    assert (status, "has no images for multi-query" in err) == (1, True)


def test_evaluate_counts_tracklets(run, people, zoo):
    rows = ["path,identity,camera,split,tracklet"]
    for split in ("query", "gallery"):
        for path in sorted(Path(split).iterdir()):
            identity, camera = path.name[:4], int(path.name[6:9])
            rows += [f"{path},{identity},{camera},{split},{identity}{camera:03}"] * 2
    Path("all.csv").write_text("\n".join(rows))
    status, out, err = run("evaluate", "--data", "csv:all.csv", "--protocol", "tracklets", "--json")
    assert status == 0, err
    found = json.loads(out)
    tracklets = {row.rpartition(",")[2] for row in rows if ",gallery," in row}
    assert (found["queries"], found["gallery"]) == (3, len(tracklets))

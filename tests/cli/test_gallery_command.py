"""`keras-reid gallery` and the report of `keras-reid evaluate`."""

import json
from pathlib import Path

import pytest


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
    status, out, _ = run("gallery", "remove", "all.gallery", pictures[0], "--json")
    assert json.loads(out) == {"gallery": "all.gallery", "removed": 1, "crops": 11}
    assert "11 removed, 0 crops" in run("gallery", "remove", "all.gallery", "gallery")[1]


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

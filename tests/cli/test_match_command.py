"""`keras-reid match`."""

import json
import shutil
from pathlib import Path

import pytest


def test_match_ranks_by_similarity_and_knows_right_from_wrong(run, people, zoo, network):
    status, out, _ = run(
        "match", "--query", "query", "--gallery", "gallery", "--top", 20, "--json", "--picture", "out/matches.png"
    )
    assert (status, zoo) == (0, [("han_small", "published")])
    found = json.loads(out)
    assert (found["model"], found["threshold"], found["picture"]) == ("han_small", None, "out/matches.png")
    assert (people / "out/matches.png").read_bytes().startswith(b"\x89PNG")
    gallery = sorted(str(path.relative_to(people)) for path in (people / "gallery").iterdir())
    assert [Path(asked["query"]).name[:4] for asked in found["queries"]] == ["1001", "1002", "1003"]
    for asked in found["queries"]:
        identity, camera = Path(asked["query"]).name.split("_")[:2]
        # The camera rule, spelt out.
        expected = [path for path in gallery if not Path(path).name.startswith(f"{identity}_{camera}_")]
        assert sorted(match["path"] for match in asked["matches"]) == expected
        for match in asked["matches"]:
            cosine = (network.embed(asked["query"]) @ network.embed(match["path"]).T).item()
            assert match["similarity"] == pytest.approx(cosine, abs=1e-4)
            assert match["right"] is Path(match["path"]).name.startswith(identity)
        similarities = [match["similarity"] for match in asked["matches"]]
        assert similarities == sorted(similarities, reverse=True)


def test_match_leaves_out_what_is_below_the_threshold(run, people, zoo):
    everything = json.loads(run("match", "--query", "query", "--gallery", "gallery", "--json")[1])
    cut = everything["queries"][0]["matches"][1]["similarity"]
    line = ("match", "--query", "query", "--gallery", "gallery", "--threshold", cut)
    for before, after in zip(everything["queries"], json.loads(run(*line, "--json")[1])["queries"], strict=True):
        assert after["matches"] == [match for match in before["matches"] if match["similarity"] >= cut]
    status, out, _ = run(*line[:-1], "1", "--picture", "none.png")
    assert (status, out.count("nobody"), "first match" in out) == (0, 3, False)
    first_right = sum(asked["matches"][0]["right"] for asked in everything["queries"])
    assert f"The first match is right for {first_right} of 3 queries.\n" in run(*line[:-2])[1]


def test_match_of_files_without_identities(run, people, zoo):
    shutil.copy(next((people / "query").iterdir()), "anna.jpg")
    status, out, _ = run("match", "--query", "anna.jpg", "--gallery", "gallery", "--top", 2, "--json")
    (asked,) = json.loads(out)["queries"]
    assert (status, asked["query"], len(asked["matches"])) == (0, "anna.jpg", 2)
    assert [match["right"] for match in asked["matches"]] == [None, None]


def test_match_skips_or_stops_at_unreadable_pictures(run, people, zoo):
    (people / "gallery" / "1009_c001_f0000.jpg").write_bytes(b"")
    line = ("match", "--query", "query", "--gallery", "gallery")
    reason = "Image 'gallery/1009_c001_f0000.jpg' is empty (0 bytes): copy it again or leave it out."
    status, out, err = run(*line, "--picture", "m.png")
    assert (status, out) == (1, "")
    assert err.endswith(f"Error: {reason}\n")
    assert not (people / "m.png").exists()
    status, out, err = run(*line, "--on-error", "skip", "--json")
    assert status == 0
    assert json.loads(out)["skipped"] == [{"path": "gallery/1009_c001_f0000.jpg", "reason": reason}]
    status, out, err = run(*line, "--on-error", "skip")
    assert (status, f"Left out: {reason}\n" in err) == (0, True)


def test_match_in_nothing(run, people, zoo):
    (people / "empty").mkdir()
    status, out, err = run("match", "--query", "query", "--gallery", "empty")
    assert (status, out) == (1, "")
    assert err.endswith(
        "Error: 'empty' has no pictures: looked for .jpg, .jpeg, .png, .bmp, .webp, .tif, .tiff, .gif, .ppm in it and "
        "the folders below. Found: nothing.\n"
    )
    for path in (people / "query").iterdir():
        path.write_text("no picture")
    status, out, err = run("match", "--query", "query", "--gallery", "gallery", "--on-error", "skip")
    assert (status, out) == (1, "")
    assert "Error: None of the 3 pictures can be read. The first: Image 'query/1001_" in err


def test_match_prints_what_it_cannot_draw(run, people, zoo):
    Path("file").write_text("")
    status, out, err = run(
        "match", "--query", "query", "--gallery", "gallery", "--json", "--picture", "file/matches.png"
    )
    assert (status, len(json.loads(out)["queries"])) == (1, 3)
    assert "file" in err


def test_nobody_is_the_right_match_of_nobody(run, people, zoo):
    """Identity 0 is that of people whom nobody asks for: not one person."""
    first, second = sorted((people / "gallery").iterdir())[:2]
    shutil.copy(first, "0000_c1_01.jpg")
    shutil.copy(second, "0000_c2_01.jpg")
    out = run("match", "--query", "0000_c1_01.jpg", "--gallery", "0000_c2_01.jpg", "--json")[1]
    assert [item["right"] for item in json.loads(out)["queries"][0]["matches"]] == [None]

"""The report on the bundled people, by a "network" of colours."""

import base64
import dataclasses
import os
import re
from pathlib import Path

import numpy as np
import pytest

from keras_reid import ReIDError
from keras_reid.data import load, load_images
from keras_reid.evaluation import evaluate
from keras_reid.report import measure, write_report


def embed(paths):
    images, _, _ = load_images(paths, (32, 16))
    rows = images.reshape(len(images), 8, -1, 3).mean(axis=2).reshape(len(images), -1) - 100.0
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def people():
    return load("people")


@pytest.fixture(scope="module")
def measured(people):
    return measure(people, embed, "Colours on <people> | all", worst=3, shown=4)


def test_figures_are_those_of_evaluate(measured, people):
    query, gallery = people.query, people.gallery
    expected = evaluate(
        embed(query.paths), query.identities, query.cameras, embed(gallery.paths), gallery.identities, gallery.cameras
    )
    assert measured.figures == expected
    assert measured.cmc[0] == expected["rank1"]
    assert measured.counts == {"queries": 96, "gallery": 288}
    assert measured.thresholds[1e-3].false_match_rate <= 1e-3
    precisions = [asked.average_precision for asked in measured.worst]
    assert precisions == sorted(precisions)
    assert len(measured.worst) == 3
    for asked in measured.worst:
        own = Path(asked.path).name[:4]
        distances = [distance for _, distance, _ in asked.found]
        assert distances == sorted(distances)
        assert distances[0] == pytest.approx(1 - (embed([asked.path]) @ embed([asked.found[0][0]]).T).item(), abs=1e-5)
        assert [hit for _, _, hit in asked.found] == [Path(path).name[:4] == own for path, _, _ in asked.found]


def test_files(measured, tmp_path):
    files = write_report(measured, tmp_path / "report")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "curves.png", "report.html", "report.md", "worst.png"
    ]  # fmt: skip
    markdown, page = files["markdown"].read_text(), files["html"].read_text()
    assert markdown.startswith(
        "# Colours on <people> | all\n\n| queries | gallery | rank-1 | rank-5 | rank-10 | mAP | mINP |\n"
    )
    assert f"| 96 | 288 | {measured.figures['rank1']:.3f} |" in markdown
    assert "<title>Colours on &lt;people&gt; | all</title>" in page
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert [base64.b64decode(picture) for picture in pictures] == [
        files["curves"].read_bytes(), files["worst"].read_bytes()
    ]  # fmt: skip
    assert page.count("<tr>") == 1 + 1 + 1 + len(measured.thresholds) + 1 + 3 + 1 + min(30, len(measured.pairs))
    assert "http" not in page  # nothing is fetched to show it


def test_names_that_are_no_text(measured, tmp_path):
    named = dataclasses.replace(measured, title=os.fsdecode(b"m\xfcller"))
    files = write_report(named, tmp_path)
    assert files["markdown"].read_text().startswith("# m\\udcfcller\n")
    assert "<title>m\\udcfcller</title>" in files["html"].read_text()


def test_reranked(people):
    found = measure(people, embed, "re-ranked", rerank=True, worst=1, shown=2)
    assert found.distance_name == "re-ranked distance"
    assert found.worst[0].found[0][1] <= found.worst[0].found[1][1]


def test_single_shot_has_no_rankings(people):
    with pytest.raises(ReIDError, match="A report shows rankings"):
        measure(people, embed, "no", protocol="single_shot")

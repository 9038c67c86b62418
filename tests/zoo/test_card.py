"""Model cards."""

import pytest
from tiny_network import an_entry

from keras_reid.zoo.card import card

FIGURES = {
    "data": "people",
    "queries": 96,
    "gallery": 288,
    "rank1": 0.71234,
    "rank5": 0.9,
    "rank10": 0.95,
    "mAP": 0.5,
    "mINP": 0.25,
    "command": "keras-reid evaluate --data people --model tiny",
}
THRESHOLD = {"cosine": 0.7072, "false_match_rate": 0.001, "true_match_rate": 0.5, "pairs": 27000, "data": "people"}
EXPORTS = [{"format": "tflite int8", "size": 1234567, "cosine": 0.9987654, "difference": 0.0123, "pictures": 96}]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "w").write_bytes(b"abc")
    return tmp_path / "w"


def test_everything_measured_is_on_the_card(path):
    entry = an_entry(path, figures=[FIGURES], threshold=THRESHOLD, exports=EXPORTS, options={"width": 5})
    lines = card(entry).splitlines()
    assert lines[0] == "# tiny"
    assert "| people | 96 | 288 | 0.712 | 0.900 | 0.950 | 0.500 | 0.250 |" in lines
    assert "    keras-reid evaluate --data people --model tiny" in lines
    assert "    keras-reid train --recipe tiny" in lines
    assert "| tflite int8 | 1,234,567 | 0.998765 | 1.2e-02 |" in lines
    assert f"| SHA-256 | `{entry.sha256}` |" in lines
    assert "| network | `tiny`, `width=5` |" in lines
    assert "| licence | Apache-2.0 |" in lines
    assert (
        "From a cosine of 0.7072 on, two pictures are called the same person. On `people` that is wrong for 0.10% of "
        "27,000 pairs of different people, and right for 50.0% of the pairs of one person in two cameras." in lines
    )


def test_what_is_not_measured_is_said(path):
    text = card(an_entry(path))
    assert "None is published: choose one on pictures of your own cameras." in text
    assert "Not measured for this file; every export measures itself and fails where it differs too much." in text


def test_rendered_people_are_named_as_a_limit(path):
    assert "none of whom exists" in card(an_entry(path, trained_on="48 rendered people"))
    assert "none of whom exists" not in card(an_entry(path, trained_on="Market-1501"))

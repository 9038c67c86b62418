"""Model cards."""

import ast
import re
import textwrap

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
RATES = {"cosine": 0.7072, "false_match_rate": 0.001, "true_match_rate": 0.5, "pairs": 27000}
THRESHOLDS = [
    {"claim": 0.01, **RATES, "false_match_rate": 0.0098, "data": "ward", "people": "training people"},
    {"claim": 0.001, **RATES, "data": "ward", "people": "training people"},
]
MATCH_RATES = [{"data": "people", "claim": 0.01, **RATES, "false_match_rate": 0.0213, "pairs": 1800}]
EXPORTS = [{"format": "tflite int8", "size": 1234567, "cosine": 0.9987654, "difference": 0.0123, "pictures": 96}]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "w").write_bytes(b"abc")
    return tmp_path / "w"


MEASURED = {
    "figures": [FIGURES],
    "runs": [
        {"recipe": "tiny_first", "epochs": 7, "seconds": 2400},
        {"recipe": "tiny", "epochs": 2, "seconds": 59},
    ],
    "curve": "cards/tiny_curve.png",
    "tuned": [
        {
            **FIGURES,
            "data": "ward",
            "people": 25,
            "epochs": 3,
            "seconds": 750,
            "command": "keras-reid train --recipe tiny_ward --data ward:WARD",
        }
    ],
    "beside": [
        {
            **FIGURES,
            "data": "market1501 -> ward",
            "people": 2800,
            "recipe": "plain",
            "epochs": 7,
            "seconds": 2400,
            "command": "keras-reid train --recipe plain …",
        }
    ],
    "thresholds": THRESHOLDS,
    "match_rates": MATCH_RATES,
    "matches": "cards/tiny_matches.jpg",
    "exports": EXPORTS,
    "int8": [
        {
            "data": "ward",
            "model_rank1": 0.84,
            "int8_rank1": 0.83,
            "model_mAP": 0.7366,
            "int8_mAP": 0.7312,
            "same_person": 1.0,
            "same_picture": 0.9867,
            "command": "keras-reid export tiny --quantize int8 && keras-reid evaluate …",
        }
    ],
    "latency": [
        {"format": "float32", "milliseconds": 20.04, "ratio": 1.0, "processor": "Abacus 9"},
        {"format": "int8", "milliseconds": 9.02, "ratio": 0.45, "processor": "Abacus 9"},
    ],
}


def test_everything_measured_is_on_the_card(path):
    entry = an_entry(path, options={"width": 5}, **MEASURED)
    lines = card(entry).splitlines()
    assert lines[0] == "# tiny"
    assert f"| SHA-256 | `{entry.sha256}` |" in lines
    assert "| network | `tiny`, `width=5` |" in lines
    assert "| licence | Apache-2.0 |" in lines
    assert "    keras-reid train --recipe tiny" in lines
    assert "| people | 96 | 288 | 0.712 | 0.900 | 0.950 | 0.500 | 0.250 |" in lines
    assert "    keras-reid evaluate --data people --model tiny" in lines
    assert "| tflite int8 | 1,234,567 | 0.998765 | 1.2e-02 |" in lines


def test_trainings_and_pictures(path):
    lines = card(an_entry(path, **MEASURED)).splitlines()
    assert lines[lines.index("| training | epochs | time |") + 2 :][:5] == [
        "| `tiny_first` | 7 | 40 min |",
        "| `tiny` | 2 | 59 s |",
        "",
        "![Loss, rank-1 and mAP over the epochs](tiny_curve.png)",
        "",
    ]
    assert "![Some of the bundled people's queries with their nearest pictures](tiny_matches.jpg)" in lines


def test_fine_tuning_has_a_row_and_its_command(path):
    lines = card(an_entry(path, **MEASURED)).splitlines()
    text = "ward, fine-tuned on its 25 training people for 3 epochs in 12 min"
    assert f"| {text} | 96 | 288 | 0.712 | 0.900 | 0.950 | 0.500 | 0.250 |" in lines
    assert "    keras-reid train --recipe tiny_ward --data ward:WARD" in lines


def test_another_network_stands_beside(path):
    lines = card(an_entry(path, **MEASURED)).splitlines()
    text = "ward, another network beside it: `plain`, 7 epochs in 40 min"
    assert f"| {text} | 96 | 288 | 0.712 | 0.900 | 0.950 | 0.500 | 0.250 |" in lines
    assert "    keras-reid train --recipe plain …" in lines


def test_claims_stand_beside_reality(path):
    lines = card(an_entry(path, **MEASURED)).splitlines()
    (text,) = (line for line in lines if "They were chosen on `ward`, its training people," in line)
    assert "at most the claimed share of 27,000 pairs of different people in two cameras" in text
    assert "| 1.0% | 0.7072 | 0.98% | 50.0% |" in lines
    assert "| 0.1% | 0.7072 | 0.10% | 50.0% |" in lines
    assert "| people | 1.0% | 2.13% | 1,800 | 50.0% |" in lines


def test_thresholds_are_measured_again_as_the_card_says(zoo, monkeypatch, capsys):
    import keras_reid

    people = keras_reid.data.load("people")
    entry = an_entry(zoo / "weights" / "tiny.weights.h5", thresholds=THRESHOLDS, match_rates=MATCH_RATES)
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", card(entry), re.MULTILINE)
    (again,) = (textwrap.dedent(block) for block in blocks if "match_rates" in block)
    monkeypatch.setattr(keras_reid.data, "load", lambda spec: {"people": people, "ward:WARD": people}[spec])
    exec(again, {"keras_reid": keras_reid, "model": keras_reid.zoo.load("tiny")})
    thresholds, rates = map(ast.literal_eval, capsys.readouterr().out.splitlines())
    assert [row["people"] for row in thresholds] == ["training people"] * 2
    assert [row["claim"] for row in rates] == [0.01, 0.001]


def test_cost_of_int8(path):
    lines = card(an_entry(path, **MEASURED)).splitlines()
    assert "| data | rank-1 | rank-1 in int8 | mAP | mAP in int8 | same person | same picture |" in lines
    assert "| ward | 0.840 | 0.830 | 0.737 | 0.731 | 1.000 | 0.987 |" in lines
    assert "    keras-reid export tiny --quantize int8 && keras-reid evaluate …" in lines


def test_latency_is_a_ratio_first(path):
    lines = card(an_entry(path, **MEASURED)).splitlines()
    assert "| float32 | 1.00 | 20.0 ms |" in lines
    assert "| int8 | 0.45 | 9.0 ms |" in lines
    (text,) = (line for line in lines if "Abacus 9" in line)
    assert text.endswith("Only the ratios can be compared with other machines, or with the same one on another day:")
    assert [
        line for line in lines if "python tflite/benchmark.py tiny.tflite tiny_float16.tflite tiny_int8.tflite" in line
    ]


def test_what_is_not_measured_is_said(path):
    text = card(an_entry(path))
    assert "None is published: choose one on pictures of your own cameras." in text
    assert "![" not in text
    assert "Retrieval with the int8" not in text
    assert "Time of the LiteRT files" not in text
    assert "Not measured for this file; every export measures itself and fails where it differs too much." in text


def test_rendered_people_are_named_as_a_limit(path):
    assert "none of whom exists" in card(an_entry(path, trained_on="48 rendered people"))
    assert "none of whom exists" not in card(an_entry(path, trained_on="Market-1501"))

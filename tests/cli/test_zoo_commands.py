"""`keras-reid list`, `info` and `verify`."""

import json

import pytest


def test_info_shows_what_the_zoo_knows(run):
    from keras_reid import zoo

    status, out, _ = run("info", "han_small", "--json")
    assert status == 0
    assert json.loads(out) == json.loads(json.dumps(zoo.info("han_small")))
    out = run("info", "han_small")[1]
    assert "han_small" in out
    for threshold in zoo.info("han_small")["thresholds"]:  # rounded to fewer digits they would let more through
        assert f" {threshold['cosine']} " in out
    assert "han_small" in run("list")[1]


def test_info_shows_all_that_was_measured(run, monkeypatch):
    from keras_reid import zoo

    rows = {"thresholds": "claim", "match_rates": "true_match_rate", "int8": "int8_mAP", "latency": "ratio"}
    rows |= {"runs": "epochs", "tuned": "people"}
    card = zoo.info("han_small") | {title: [{column: 0.25, "processor": "Abacus 9"}] for title, column in rows.items()}
    monkeypatch.setattr(zoo, "info", lambda name: card)
    out = run("info", "han_small")[1]
    for title, column in rows.items():
        assert title in out
        assert column in out


def test_list_of_recipes(run):
    from keras_reid import training

    status, out, _ = run("list", "--recipes", "--json")
    assert status == 0
    assert [row["recipe"] for row in json.loads(out)] == training.recipes()
    assert "han_small" in run("list", "--recipes")[1]


@pytest.mark.parametrize(
    ("state", "where", "status", "remedy"),
    [
        ("intact", "cache", 0, None),
        ("not here", None, 0, None),
        ("damaged", "cache", 1, "delete and load again"),
        ("damaged", "installation", 1, "install the package again"),
    ],
)
def test_verify_fails_at_damaged_files(run, monkeypatch, state, where, status, remedy):
    import keras_reid.zoo

    def verify(names, parity, progress):
        assert (names, parity) == (["han_small"], False)
        progress(1, 1)
        return [{"name": "han_small", "status": state, "where": where, "path": "/x", "size": 3, "exports": None}]

    monkeypatch.setattr(keras_reid.zoo, "verify", verify)
    code, out, err = run("verify", "han_small", "--json")
    assert (code, json.loads(out)[0]["status"]) == (status, state)
    assert err.count(f"Error: damaged, {remedy}: /x\n") == err.count("Error") == status
    assert state in run("verify", "han_small")[1]

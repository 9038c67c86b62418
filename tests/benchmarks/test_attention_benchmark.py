"""What is trained for each line, and the table: mean, deviation, and the difference seed by seed."""

import importlib.util
import json
from pathlib import Path

import pytest

from keras_reid import training

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "attention.py"
specification = importlib.util.spec_from_file_location("attention_benchmark", PATH)
attention = importlib.util.module_from_spec(specification)
specification.loader.exec_module(attention)


@pytest.fixture
def trained(monkeypatch):
    """The recipes and folders that are trained; figures are made up."""
    asked = []

    def run(recipe, data, folder, **_):
        assert folder not in [before for _, before in asked], "the folder holds another training"
        asked.append((recipe, folder))
        better = 0.1 * (recipe.seed + 1) * (recipe.options.get("placement") != 0)
        return {"figures": {"rank1": 0.8, "mAP": 0.5 + better, "loss": 1.0}, "seconds": 60}

    monkeypatch.setattr(attention.training, "run", run)
    return asked


def test_what_is_trained(trained, tmp_path):
    arguments = ["--data", "people", "--keep", str(tmp_path), "--seeds", "1", "--size", "96x48"]
    assert attention.main([*arguments, "--backbone", "r.weights.h5", "--precision", "mixed_bfloat16"]) == 0
    recipes = {folder.relative_to(tmp_path).as_posix(): recipe for recipe, folder in trained}
    of_han = recipes.pop("80x32_float32/han_small/0")
    names = ("aanet", "aanet_without_attention", "apnet_c", "resnet50")
    assert list(recipes) == [f"96x48_mixed_bfloat16/{name}/0" for name in names]
    assert of_han == training.recipe("han_small_ward")
    assert {recipe.stages[0].input_shape for recipe in recipes.values()} == {(96, 48, 3)}
    assert {(recipe.weights, recipe.precision) for recipe in recipes.values()} == {("r.weights.h5", "mixed_bfloat16")}
    assert recipes["96x48_mixed_bfloat16/aanet_without_attention/0"].options["placement"] == 0
    assert recipes["96x48_mixed_bfloat16/resnet50/0"].options["levels"] == 0


def test_as_the_recipes_are_by_default():
    assert attention.adapted("apnet_c", 0, None, None, None) == training.recipe("apnet_c_ward")
    assert attention.adapted("apnet_c", 3, None, None, None).seed == 3


def test_table(trained, tmp_path, capsys):
    arguments = ["--data", "people", "--keep", str(tmp_path), "--seeds", "3"]
    arguments += ["--network", "aanet", "--network", "aanet without attention"]
    assert attention.main(arguments) == 0
    assert [(recipe.seed, folder.parent.name) for recipe, folder in trained[:3]] == [
        (0, "aanet"),
        (0, "aanet_without_attention"),
        (1, "aanet"),
    ]
    assert capsys.readouterr().out.splitlines() == [
        "| network | seeds | rank-1 | mAP | mAP over that without attention |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| `aanet` | 3 | 0.800 ± 0.000 | 0.700 ± 0.100 | 0.200 ± 0.100 |",
        "| `aanet without attention` | 3 | 0.800 ± 0.000 | 0.500 ± 0.000 |  |",
    ]


def test_what_was_found_is_not_trained_again(trained, tmp_path, capsys):
    found = tmp_path / "found.jsonl"
    arguments = ["--data", "people", "--keep", str(tmp_path), "--found", str(found), "--network", "aanet"]
    assert attention.main([*arguments, "--seeds", "1"]) == 0
    row = {"network": "aanet", "seed": 0, "pictures": "128x64", "precision": "float32"}
    assert [json.loads(line) for line in found.read_text().splitlines()] == [
        {**row, "rank1": 0.8, "mAP": 0.6, "seconds": 60}
    ]
    assert attention.main([*arguments, "--seeds", "2"]) == 0
    assert [recipe.seed for recipe, _ in trained] == [0, 1]
    assert "| `aanet` | 2 | 0.800 ± 0.000 | 0.650 ± 0.071 |  |" in capsys.readouterr().out
    assert attention.main([*arguments, "--seeds", "1", "--size", "96x48"]) == 0
    assert [recipe.stages[0].input_shape for recipe, _ in trained[2:]] == [(96, 48, 3)]
    assert len(found.read_text().splitlines()) == 3
    assert attention.main([*arguments, "--seeds", "1", "--precision", "mixed_bfloat16"]) == 0
    assert [recipe.precision for recipe, _ in trained[3:]] == ["mixed_bfloat16"]
    assert len(found.read_text().splitlines()) == 4


def test_what_others_have_found_meanwhile_stays(trained, tmp_path, monkeypatch):
    found = tmp_path / "found.jsonl"
    other = {"network": "apnet_c", "seed": 0, "pictures": "128x64", "precision": "float32", "rank1": 0.5, "mAP": 0.5}
    arguments = ["--data", "people", "--keep", str(tmp_path), "--found", str(found), "--seeds", "1"]
    run = attention.training.run

    def beside_another(*given, **options):
        attention.add(found, other)
        return run(*given, **options)

    monkeypatch.setattr(attention.training, "run", beside_another)
    assert attention.main([*arguments, "--network", "aanet"]) == 0
    assert [json.loads(line)["network"] for line in found.read_text().splitlines()] == ["apnet_c", "aanet"]


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"network": "aanet", "seed": 0, "pictures": "128x64", "mAP": 0.5}'])
def test_found_before_but_not_by_this_command(line, trained, tmp_path, capsys):
    found = tmp_path / "found.jsonl"
    found.write_text(f"{line}\n")
    assert attention.main(["--data", "people", "--keep", str(tmp_path), "--found", str(found)]) == 1
    assert f"{found}, line 1: expected a JSON object with network" in capsys.readouterr().err
    assert found.read_text() == f"{line}\n"
    assert not trained


@pytest.mark.parametrize(("given", "said"), [("96", "expected HEIGHTxWIDTH"), ("axb", "received 'axb'")])
def test_a_size_that_is_none(given, said, capsys):
    with pytest.raises(SystemExit):
        attention.main(["--data", "people", "--keep", "there", "--size", given])
    assert said in capsys.readouterr().err


def test_data_that_are_not_there(tmp_path, capsys):
    assert attention.main(["--data", f"ward:{tmp_path}/none", "--keep", str(tmp_path)]) == 1
    assert "none" in capsys.readouterr().err

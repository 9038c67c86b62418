import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

from keras_reid import cli
from keras_reid.errors import ReIDError

COMMANDS = ["list", "info", "embed", "match", "attention", "evaluate", "train", "export", "verify", "fidelity", "data"]
# The uses that users were promised.
PROMISED = """
keras-reid match --query query/ --gallery gallery/ --model han_small --picture matches.png
keras-reid evaluate --data market1501:/data/Market-1501 --model han_large --rerank
keras-reid train --recipe han_large --data market1501:/data/Market-1501 --devices 4
keras-reid export han_small --format tflite --quantize int8 --representative crops/
keras-reid fidelity
"""


@pytest.fixture
def run(capsys):
    """A command line as a function to its status, stdout and stderr."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return call


@pytest.fixture(scope="module")
def network():
    from keras_reid import networks

    return networks.create("han_small", input_shape=(48, 32, 3))


@pytest.fixture
def zoo(monkeypatch, network):
    """The zoo's `load` gives a small network, and the list says what it was asked for."""
    import keras_reid.zoo

    asked = []

    def load(name, weights="published", **options):
        asked.append((name, weights))
        return network

    monkeypatch.setattr(keras_reid.zoo, "load", load)
    return asked


@pytest.fixture
def people(tmp_path, monkeypatch):
    """query/ and gallery/ in the working folder: people 1001 to 1003, one query each; and three more folders' names."""
    from keras_reid.data import load

    monkeypatch.chdir(tmp_path)
    data = load("people")
    for split in (data.query, data.gallery):
        Path(split.name).mkdir()
        seen = {}
        for path, identity in zip(split.paths, split.identities, strict=True):
            seen[identity] = seen.get(identity, 0) + 1
            if identity <= 1003 and seen[identity] <= (1 if split.name == "query" else 4):
                shutil.copy(path, split.name)
    return tmp_path


def parsed(line: str) -> dict:
    """The parameters that a command line gives to its command, without running it; wrong usage raises."""
    words = shlex.split(line)
    assert words[0] == "keras-reid"
    command = typer.main.get_command(cli.app)
    words = words[1:]
    while hasattr(command, "commands"):
        command = command.commands[words[0]]
        words = words[1:]
    return command.make_context("keras-reid", words).params


def examples(command) -> list[str]:
    return [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("keras-reid")]


def commands() -> dict:
    top = typer.main.get_command(cli.app).commands
    return {**top, **{f"data {name}": command for name, command in top["data"].commands.items()}}


def test_the_commands_are_those_promised():
    assert set(COMMANDS) <= set(commands())


@pytest.mark.parametrize("line", PROMISED.strip().splitlines())
def test_promised_uses_parse(line):
    assert parsed(line) is not None


@pytest.mark.parametrize("name", [name for name in commands() if name != "data"])
def test_help_has_an_example_that_parses(run, name):
    status, out, err = run(*name.split(), "--help")
    assert (status, err) == (0, "")
    found = examples(commands()[name])
    assert found
    for line in found:
        assert line in out
        assert line.startswith(f"keras-reid {name}")
        parsed(line)


@pytest.mark.parametrize("name", [name for name in commands() if name not in ("data", "data copy")])
def test_every_command_with_a_result_has_json(name):
    assert "json" in {parameter.name for parameter in commands()[name].params}


def test_help_loads_nothing_heavy():
    code = (
        "import sys, keras_reid.cli as cli\n"
        "try: cli.main(['match', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'keras', 'tensorflow', 'numpy', 'PIL', 'matplotlib', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_stdout_is_json_and_stderr_is_silent_in_a_process():
    command = [sys.executable, "-c", "from keras_reid.cli import main; main()", "list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {"han_small", "han_medium", "han_large"} <= {card["name"] for card in json.loads(done.stdout)}
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("match --gallery gallery/", "Error: Missing option '--query'.\n"),
        ("nothing", "Error: No such command 'nothing'.\n"),
        ("match --query a --gallery b --top 0", "Error: Invalid value for '--top' / '-k': "),
        ("match --query a --gallery b --on-error ignore", "Error: Invalid value for '--on-error': "),
        ("info", "Error: Missing argument 'NAME'.\n"),
        (
            "export han_small --format onnx --quantize int8",
            "Error: Invalid value: --quantize, --representative and --int8-output go with --format tflite.\n",
        ),
        (
            "export han_small --representative crops/",
            "Error: Invalid value: --representative and --int8-output go with --quantize int8.\n",
        ),
    ],
)
def test_wrong_usage_is_2(run, line, message):
    status, out, err = run(*line.split())
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "info han_smal",
            "Error: There is no model 'han_smal' in the zoo. Did you mean 'han_small'? "
            "Known: han_small, han_medium, han_large.\n",
        ),
        (
            "data info peeple",
            "Error: Unknown data set 'peeple'. Known: csv, folder, market1501, people, ward. Did you mean 'people'?\n",
        ),
        (
            "match --query nowhere --gallery nowhere",
            "Error: 'nowhere' does not exist: give a picture or a folder of pictures.\n",
        ),
    ],
)
def test_failure_is_1_with_one_message(run, zoo, line, message):
    assert run(*line.split()) == (1, "", message)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ReIDError("too bad."), 1, "Error: too bad.\n"),
        (OSError(28, "No space left on device"), 1, "Error: [Errno 28] No space left on device\n"),
        (
            ModuleNotFoundError("No module named 'tf2onnx'", name="tf2onnx.convert"),
            1,
            "Error: This needs the package tf2onnx, which is not installed: pip install 'keras-reid[onnx]'\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_of_the_package(run, monkeypatch, error, status, message):
    import keras_reid.zoo

    def broken():
        raise error

    monkeypatch.setattr(keras_reid.zoo, "list_models", broken)
    assert run("list") == (status, "", message)


def test_a_bug_keeps_its_traceback(monkeypatch):
    import keras_reid.zoo

    monkeypatch.setattr(keras_reid.zoo, "list_models", lambda: [][0])
    with pytest.raises(IndexError):
        cli.main(["list"])


def test_info_shows_what_the_zoo_knows(run):
    from keras_reid import zoo

    status, out, _ = run("info", "han_small", "--json")
    assert status == 0
    assert json.loads(out) == json.loads(json.dumps(zoo.info("han_small")))
    assert "han_small" in run("info", "han_small")[1]
    assert "han_small" in run("list")[1]


def test_data_info(run):
    status, out, _ = run("data", "info", "people", "--json")
    assert status == 0
    assert json.loads(out)["splits"][0] == {"split": "train", "images": 480, "identities": 48, "cameras": 119}
    assert "480" in run("data", "info", "people")[1]


def test_data_copy(run, tmp_path):
    folder = tmp_path / "people"
    status, out, _ = run("data", "copy", folder, "--json")
    assert (status, json.loads(out)) == (0, {"folder": str(folder), "pictures": 864})
    assert [len(list((folder / split).iterdir())) for split in ("train", "query", "gallery")] == [480, 96, 288]
    assert list(tmp_path.iterdir()) == [folder]
    message = f"Error: '{folder}' exists already: give the name of a folder that does not.\n"
    assert run("data", "copy", folder) == (1, "", message)


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


def test_embed_writes_paths_and_vectors(run, people, zoo, network):
    status, out, _ = run("embed", "query", "gallery", "--output", "out/vectors.npz", "--weights", "none", "--json")
    assert (status, zoo) == (0, [("han_small", None)])
    expected = {"model": "han_small", "output": "out/vectors.npz", "pictures": 15, "length": 1024, "skipped": []}
    assert json.loads(out) == expected
    with np.load("out/vectors.npz") as file:
        assert str(file["model"]) == "han_small"
        assert [Path(path).parent.name for path in file["paths"]] == ["query"] * 3 + ["gallery"] * 12
        np.testing.assert_allclose(file["vectors"], network.embed([str(p) for p in file["paths"]]), atol=1e-5)
    assert [path.name for path in (people / "out").iterdir()] == ["vectors.npz"]


def test_embed_leaves_nothing_behind_when_it_fails(run, people, zoo):
    (people / "query" / "x.jpg").write_text("no picture")
    status, out, err = run("embed", "query", "--output", "vectors.npz")
    assert (status, out) == (1, "")
    assert "Error: Image 'query/x.jpg' is not a picture in a known format" in err
    assert not list(people.glob("*.npz"))


def test_attention_draws(run, people, zoo):
    status, out, _ = run("attention", "query", "--picture", "attention.png", "--rows", 2, "--json")
    assert (status, len(json.loads(out)["pictures"])) == (0, 2)
    assert (people / "attention.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_prints_the_model_s_figures(run, people, zoo, network):
    from keras_reid.data import load

    (people / "train").mkdir()
    shutil.copy(next((people / "query").iterdir()), "train")
    status, out, _ = run("evaluate", "--data", "ward:.", "--model", "han_large", "--rerank", "--json")
    assert (status, zoo) == (0, [("han_large", "published")])
    figures = network.evaluate_retrieval(load("ward", "."), rerank=True)
    expected = {"data": "ward:.", "model": "han_large", "rerank": True, "flip": False, "queries": 3, "gallery": 12}
    assert json.loads(out) == {**expected, **figures}
    assert "rank-1" in run("evaluate", "--data", "ward:.")[1]


def test_train_calls_the_package(run, monkeypatch):
    import keras_reid.training

    called = []

    def train(recipe, data, output, **arguments):
        called.append((recipe.name, data, str(output), arguments))
        figures = {"loss": 0.5, "rank1": 0.75, "mAP": 0.25}
        return {"figures": figures, "data": {"name": "market1501"}, "weights": "w.weights.h5", "devices": 4}

    monkeypatch.setattr(keras_reid.training, "run", train)
    usual = {"devices": 1, "epochs": None, "resume": True, "deterministic": True, "tensorboard": False, "verbose": 2}
    status, out, _ = run(*PROMISED.strip().splitlines()[2].split()[1:], "--json")
    assert (status, json.loads(out)["figures"]["mAP"], json.loads(out)["folder"]) == (0, 0.25, "runs/han_large")
    assert called == [("han_large", "market1501:/data/Market-1501", "runs/han_large", {**usual, "devices": 4})]
    status, out, _ = run(
        "train", "--recipe", "han_small", "--miniature", "-o", "here", "--epochs", 3, "--restart", "--fast"
    )
    changed = {**usual, "epochs": 3, "resume": False, "deterministic": False}
    assert (status, called[1:]) == (0, [("han_small_miniature", None, "here", changed)])
    assert "Weights: here/w.weights.h5" in out
    assert "0.750" in out


def test_train_by_an_unknown_recipe(run):
    status, out, err = run("train", "--recipe", "han_smal")
    assert (status, out) == (1, "")
    assert err.startswith("Error: There is no recipe 'han_smal'. Did you mean 'han_small'? Known: ")


def test_list_of_recipes(run):
    from keras_reid import training

    status, out, _ = run("list", "--recipes", "--json")
    assert status == 0
    assert [row["recipe"] for row in json.loads(out)] == training.recipes()
    assert "han_small" in run("list", "--recipes")[1]


@pytest.mark.parametrize(
    ("line", "function", "expected"),
    [
        ("--format saved_model", "to_saved_model", ("han_small_saved_model", {})),
        ("--format onnx -o a.onnx --batch-size 4", "to_onnx", ("a.onnx", {"batch_size": 4})),
        ("", "to_tflite", ("han_small.tflite", {})),
        ("--batch-size 0", "to_tflite", ("han_small.tflite", {"batch_size": None})),
        ("--quantize float16", "to_tflite", ("han_small_float16.tflite", {"quantize": "float16"})),
        (
            "--format tflite --quantize int8 --representative query/ --int8-output",
            "to_tflite",
            ("han_small_int8.tflite", {"quantize": "int8", "output": "int8", "representative": 3}),
        ),
    ],
)
def test_export_calls_the_package(run, people, zoo, network, monkeypatch, line, function, expected):
    import keras_reid.export

    called = []

    def write(model, path, **arguments):
        print("chatter of a library")
        if "representative" in arguments:
            arguments["representative"] = len(arguments["representative"])
        called.append((str(path), arguments))
        return keras_reid.export.Report("tflite", None, path, 12, {"CONV_2D": 3}, 1e-6, 0.999999, 96, None)

    assert function in vars(keras_reid.export)
    monkeypatch.setattr(keras_reid.export, function, write)
    status, out, err = run("export", "han_small", *line.split(), "--json")
    assert (status, called) == (0, [expected])
    report = json.loads(out)
    assert (report["model"], report["lowest_cosine"], report["path"]) == ("han_small", 0.999999, expected[0])
    assert "chatter of a library" in err
    status, out, _ = run("export", "han_small", *line.split())
    assert (status, "0.999999" in out, "CONV_2D 3" in out) == (0, True, True)


@pytest.mark.parametrize(("within", "status"), [(True, 0), (None, 0), (False, 1)])
def test_fidelity_fails_beyond_a_tolerance(run, monkeypatch, within, status):
    import keras_reid.fidelity

    row = keras_reid.fidelity.Row(
        network="han_small", block="", quantity="FLOPs", paper=3.68e8, source="Table 1", ours=368_000_001,
        deviation=1.5, tolerance=None if within is None else 1.0, within=within,
    )  # fmt: skip
    monkeypatch.setattr(keras_reid.fidelity, "table", lambda: [row])
    code, out, err = run("fidelity", "--json")
    assert code == status
    assert [(found["ours"], found["within"]) for found in json.loads(out)] == [(368_000_001, within)]
    message = "Error: at least one figure is further from the paper's than its tolerance.\n"
    assert err == (message if status else "")
    assert "han_small" in run("fidelity")[1]


@pytest.mark.parametrize(("state", "status"), [("intact", 0), ("not here", 0), ("damaged", 1)])
def test_verify_fails_at_damaged_files(run, monkeypatch, state, status):
    import keras_reid.zoo

    def verify(names, parity, progress):
        assert (names, parity) == (["han_small"], False)
        progress(1, 1)
        return [{"name": "han_small", "status": state, "where": "cache", "path": "/x", "size": 3, "exports": None}]

    monkeypatch.setattr(keras_reid.zoo, "verify", verify)
    code, out, err = run("verify", "han_small", "--json")
    assert (code, json.loads(out)[0]["status"]) == (status, state)
    assert ("Error: damaged, delete and load again: /x\n" in err) is bool(status)
    assert state in run("verify", "han_small")[1]

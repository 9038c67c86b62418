"""What every command has in common: help, wrong usage, errors, and what goes to stdout and stderr."""

import json
import shlex
import subprocess
import sys

import pytest
import typer

from keras_reid import cli, networks
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
    groups = ("data", "gallery")
    return {**top, **{f"{group} {name}": one for group in groups for name, one in top[group].commands.items()}}


def test_the_commands_are_those_promised():
    assert set(COMMANDS) <= set(commands())


@pytest.mark.parametrize("line", PROMISED.strip().splitlines())
def test_promised_uses_parse(line):
    assert parsed(line) is not None


@pytest.mark.parametrize("name", [name for name in commands() if name not in ("data", "gallery")])
def test_help_has_an_example_that_parses(run, name):
    status, out, err = run(*name.split(), "--help")
    assert (status, err) == (0, "")
    found = examples(commands()[name])
    assert found
    for line in found:
        assert line in out
        assert line.startswith(f"keras-reid {name}")
        parsed(line)


@pytest.mark.parametrize("name", [name for name in commands() if name not in ("data", "data copy", "gallery")])
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


@pytest.mark.parametrize("line", ["list", "info han_small", "verify han_small", "data info people", "data copy people"])
def test_what_needs_no_network_waits_for_no_keras(line, tmp_path):
    code = (
        "import sys, keras_reid.cli as cli\n"
        f"try: cli.main({line.split()})\n"
        "except SystemExit: pass\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout
    assert done.stderr.endswith("[]\n")


def test_stdout_is_json_and_stderr_is_silent_in_a_process():
    command = [sys.executable, "-m", "keras_reid", "list", "--json"]
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
            f"Known: {', '.join(networks.names())}.\n",
        ),
        (
            "data info peeple",
            "Error: Unknown data set 'peeple'. Known: csv, cuhk01, cuhk03, dukemtmc, folder, market1501, mars, msmt17, "
            "occluded_duke, people, ward. Did you mean 'people'?\n",
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


def test_a_picture_of_another_kind_is_wrong_usage(run):
    status, _, err = run("attention", "query", "--picture", "why.jpg")
    assert status == 2
    assert "Invalid value for '--picture'" in err

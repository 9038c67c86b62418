"""README.md: its examples run, as they stand and in order, and its table is the manifest's."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from keras_reid import zoo
from keras_reid.data import load
from keras_reid.zoo.manifest import Manifest

# What a block of that language holds -> whether it is run.
LANGUAGES = {"python": True, "sh": True, "console": False}


# Asked behind the last example: the user's own network has learnt, and what was loaded was exported.
OWN_NETWORK = """
losses = history.history["loss"]
assert losses[-1] < losses[0], losses
assert report.lowest_cosine > 0.9999, report
assert not [name for name in report.ops if name.startswith(("CUSTOM", "FLEX"))], report.ops
"""

# Runs a script, with its arguments, on fewer of the bundled people, since fewer pictures take less time.
ON_FEW = """
import pathlib, runpy, sys
import keras_reid
keras_reid.data.BUNDLED = pathlib.Path("few")
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

# Runs a block of commands. In one process, since importing TensorFlow takes as long as most of them, with one model for
# all commands that name the same, and on graphs as they are traced, as the other tests; the Python examples have
# TensorFlow optimise theirs, as users do.
COMMANDS = """
import functools, shlex, sys
import tensorflow as tf
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
from keras_reid.cli import main, options
options.load_model = functools.cache(options.load_model)
for line in sys.argv[1].splitlines():
    program, *arguments = shlex.split(line, comments=True)
    assert program == "keras-reid", line
    try:
        main(arguments)
    except SystemExit as end:
        assert not end.code, line
"""


@pytest.fixture(scope="module")
def readme(request):
    return (request.config.rootpath / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder that the examples run in, one after the other; at first it holds nothing but people for `ON_FEW`."""
    made = tmp_path_factory.mktemp("readme")
    for split in load("people").splits.values():
        few = split.take(split.labels < 16)
        (made / "few" / split.name).mkdir(parents=True)
        for path in few.paths:
            shutil.copy(path, made / "few" / split.name)
    return made


def blocks(readme: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in found} <= set(LANGUAGES)
    return [text for kind, text in found if kind == language]


def run(script: str, folder, *arguments: str) -> str:
    """What a script prints that runs in `folder`, on the people there."""
    (folder / "examples.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", ON_FEW, "examples.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def needs_weights():
    if not zoo.info("han_small")["published"]:
        pytest.skip("needs the published weights of han_small")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_python_examples_run(readme, folder):
    needs_weights()
    out = run("\n".join([*blocks(readme, "python"), OWN_NETWORK]), folder)
    assert "looks most like" in out
    made = {"mine.weights.h5", "mine.tflite", "mine_int8.tflite", "mine_saved_model", "mine.csv", "gallery.npz"}
    made |= {"own.keras", "own.tflite"}
    assert made <= {path.name for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_shell_examples_run(readme, folder):
    needs_weights()
    if not (folder / "mine").is_dir():  # which the Python examples make
        for split in load("people").splits.values():
            for path, person, camera in zip(split.paths, split.identities, split.cameras, strict=True):
                person_folder = folder / "mine" / split.name / f"person_{person}"
                person_folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, person_folder / f"cam{camera}_{os.path.basename(path)}")
    run(COMMANDS, folder, *blocks(readme, "sh"))
    made = {"people", "matches.png", "attention.png", "why.png", "gallery.npz", "han_small_int8.tflite"}
    assert made <= {path.name for path in folder.iterdir()}
    results = json.loads((folder / "runs/try/run.json").read_text(encoding="utf-8"))
    assert results["weights"] == "han_small_miniature.weights.h5"
    assert {"rank1", "mAP"} < set(results["figures"])


def test_blocks_that_are_not_run_only_make_and_install(readme):
    lines = [line for block in blocks(readme, "console") for line in block.splitlines()]
    assert lines
    assert [line for line in lines if not re.match(r"\$ (make (\w+)|pip install dist/)", line)] == []


def test_targets_exist(readme, request):
    makefile = (request.config.rootpath / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^\$ make (\w+)", readme, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_linked_files_exist(readme, request):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", readme) if "://" not in link]
    assert "docs/matches.png" in links
    assert [link for link in links if not (request.config.rootpath / link).exists()] == []


def test_promised_formats_are_those_there_are(readme):
    from keras_reid import data

    table = readme.split("| format |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == sorted(set(data.names()) - {"people"})


@pytest.fixture(scope="module")
def readme_table(request):
    path = request.config.rootpath / "zoo" / "readme_table.py"
    specification = importlib.util.spec_from_file_location("readme_table", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_table_is_the_manifest_s(readme, readme_table):
    up_to_date = readme_table.with_table(readme, Manifest.read().entries.values())
    assert readme == up_to_date, "run: python zoo/readme_table.py"


def test_table_of_an_entry(readme_table):
    from keras_reid.zoo.manifest import Entry

    figures = {"data": "people", "rank1": 0.5, "rank5": 0.75, "rank10": 1.0, "mAP": 0.12345, "mINP": 0.1}
    entry = Entry(
        name="han_small", file="han_small.weights.h5", size=5_960_000, sha256="0" * 64, licence="CC0-1.0",
        network="han_small", image_size=[160, 64], embedding_size=1024, parameters=2_944_000, precision="float16",
        recipe={}, trained_on="rendered people", figures=[figures, {**figures, "data": "ward"}],
        exports=[{"format": "tflite int8", "size": 3_340_000}], card="cards/han_small.md", keras="3.15", version="0.1",
    )  # fmt: skip
    start = "| `han_small` | 2.94 M | 6.0 MB | 3.3 MB | "
    assert readme_table.table([entry]).splitlines()[2:] == [
        start + "people | 0.500 | 0.750 | 0.123 | 0.100 |",
        start + "ward | 0.500 | 0.750 | 0.123 | 0.100 |",
    ]
    text = "Before.\n\n<!-- zoo table -->\nold\n<!-- end of zoo table -->\n\nAfter.\n"
    once = readme_table.with_table(text, [])
    assert once == text.replace("old", "No weights are published yet.")
    assert readme_table.with_table(readme_table.with_table(text, [entry]), []) == once

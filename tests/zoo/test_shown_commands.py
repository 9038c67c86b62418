"""The commands in the cards are ones that the programs understand."""

import importlib.util
import shlex

import pytest
import typer

from keras_reid import cli
from keras_reid.shipped import shipped
from keras_reid.zoo import commands


@pytest.mark.parametrize(
    "command",
    [
        commands.retrieval("han_small", "people"),
        commands.int8_retrieval("han_small", "ward"),
        commands.training("han_small", "ward"),
        commands.training("han_small", "market1501 -> ward"),
        commands.latency("han_small"),
    ],
)
def test_every_part_is_understood(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = set()
    for part in command.split(" && "):
        program, *arguments = shlex.split(part)
        if program == "python":
            assert arguments.pop(0) == "tflite/benchmark.py"
            for file in written:
                (tmp_path / file).touch()
            specification = importlib.util.spec_from_file_location("benchmark", shipped("tflite") / "benchmark.py")
            benchmark = importlib.util.module_from_spec(specification)
            monkeypatch.setitem(__import__("sys").modules, "benchmark", benchmark)  # where its dataclass looks
            specification.loader.exec_module(benchmark)
            assert {str(path) for path in benchmark.arguments(arguments).files} == written
            continue
        assert program == "keras-reid"
        group = typer.main.get_command(cli.app)
        parsed = group.commands[arguments[0]].make_context(arguments[0], arguments[1:]).params
        if arguments[0] == "export":
            written.add("_".join(filter(None, (parsed["model"], parsed["quantize"]))) + ".tflite")
        elif parsed.get("export"):
            assert {str(path) for path in parsed["export"]} == written


def test_a_training_says_where_its_pictures_are_made():
    assert commands.training("mine", "ward", "ward") == "keras-reid train --recipe mine --data ward:WARD"
    crossed = commands.training("mine", "market1501 -> ward", "market1501:rendered")
    assert crossed == "keras-reid train --recipe mine --data 'market1501:rendered -> ward:WARD'"


def test_data_sets():
    assert commands.data_set("people") == "people"
    assert commands.data_set("ward") == "ward:WARD"
    assert commands.data_set("market1501 -> ward") == "market1501:MARKET1501 -> ward:WARD"

"""Scripts as processes of their own, forked from one that has imported Keras: that takes longer than what they do."""

import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

import tensorflow as tf

# TensorFlow starts its threads with the first operation, of which importing has none: until then it may be forked.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["keras", "keras_reid.training"])


class Script:
    """A Python script with its arguments, begun; its environment is this process', with changes."""

    def __init__(self, path, *arguments, **environment: str):
        self.command = [str(it) for it in (path, *arguments)]
        self.folder = tempfile.TemporaryDirectory()
        self.streams = [Path(self.folder.name, name) for name in ("output", "errors")]
        self.process = FORKS.Process(target=_run, args=(self.command, {**os.environ, **environment}, self.streams))
        self.process.start()

    def end(self, patience: float = 800) -> CompletedProcess:
        """Wait for its end, at most so many seconds."""
        self.process.join(patience)
        if self.process.exitcode is None:
            self.process.kill()
            raise TimeoutError(f"{self.command} ran longer than {patience:g} s")
        output, errors = (stream.read_text(encoding="utf-8") for stream in self.streams)
        self.folder.cleanup()
        return CompletedProcess(self.command, self.process.exitcode, output, errors)


def run(path, *arguments) -> CompletedProcess:
    """What comes of a script."""
    return Script(path, *arguments).end()


def _run(command: list[str], environment: Mapping[str, str], streams: list[Path]) -> None:
    for path, stream in zip(streams, (sys.stdout, sys.stderr), strict=True):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # as in the tests themselves
    sys.argv = command
    sys.path.insert(0, os.path.dirname(command[0]))
    runpy.run_path(command[0], run_name="__main__")

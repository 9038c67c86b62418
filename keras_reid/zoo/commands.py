"""The commands that measure again what a card says."""

import shlex


def data_set(name: str) -> str:
    """How commands are told the data set, its folder in capitals: "ward:WARD", "market1501:MARKET1501 -> ward:WARD"."""
    if " -> " in name:
        return " -> ".join(map(data_set, name.split(" -> ")))
    return name if name == "people" else f"{name}:{name.upper()}"


def retrieval(name: str, data: str) -> str:
    """Retrieval of the published model `name`."""
    return f"keras-reid evaluate --data {data_set(data)} --model {name}"


def int8_retrieval(name: str, data: str) -> str:
    """Retrieval of its int8 file beside it."""
    return f"keras-reid export {name} --quantize int8 && {retrieval(name, data)} --export {name}_int8.tflite"


def training(recipe: str, data: str, made: str | None = None) -> str:
    """A training by a recipe, which may say where the data are that it has made first: "market1501:rendered"."""
    told = data_set(data)
    if made and ":" in made:
        told = told.replace(data_set(made.partition(":")[0]), made)
    return f"keras-reid train --recipe {recipe} --data {shlex.quote(told)}"


def latency(name: str) -> str:
    """The time of its LiteRT files, in a checkout."""
    exports = "".join(f"keras-reid export {name}{how} && " for how in ("", " --quantize float16", " --quantize int8"))
    files = f"{name}.tflite {name}_float16.tflite {name}_int8.tflite"
    return f"{exports}python tflite/benchmark.py {files} --threads 1 --no-memory"

"""Latency, memory and size of exported networks, measured beside each other on the machine they will run on.

    python benchmark.py han_small.tflite han_small_int8.tflite
    python benchmark.py han_small.tflite --onnx osnet.onnx --threads 1        # beside another network, in ONNX Runtime
    python benchmark.py han_small.tflite --multiply-adds 365e6                # how well the file uses the processor

Machines are noisy: other programs and the clock frequency change while one file after the other is measured. So the
files take turns in many short rounds, all in this process, and the ratios to the first file are what to look at.

`--multiply-adds` sets a file's multiply-adds per second against a chain of plain 1×1 convolutions, which is as fast as
convolutions get. The chain is built on the spot where TensorFlow is installed; elsewhere `--chain` names a file built
by `--build-chain`.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

# The chain: 1×1 convolutions with ReLU on the maps of HAN's first level (80×32 positions, 128 channels).
CHAIN_HEIGHT, CHAIN_WIDTH, CHAIN_CHANNELS, CHAIN_LENGTH = 80, 32, 128, 8
CHAIN_MULTIPLY_ADDS = CHAIN_HEIGHT * CHAIN_WIDTH * CHAIN_CHANNELS**2 * CHAIN_LENGTH


@dataclass
class Measured:
    """One file with one number of threads."""

    name: str
    threads: int
    run: Callable[[], Any]
    seconds: list[float] = field(default_factory=list)
    size: int = 0
    memory: float | None = None
    multiply_adds: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def litert_runner(path: Path, threads: int) -> Callable[[], Any]:
    """One inference of a LiteRT file on random input."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    for tensor in interpreter.get_input_details():
        interpreter.set_tensor(tensor["index"], random_input(tensor["shape"], tensor["dtype"]))
    return interpreter.invoke


def onnx_runner(path: Path, threads: int) -> Callable[[], Any]:
    """One inference of an ONNX file on random input; free dimensions are taken as 1."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    dtypes = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}
    feed = {
        tensor.name: random_input([n if isinstance(n, int) else 1 for n in tensor.shape], dtypes[tensor.type])
        for tensor in session.get_inputs()
    }
    return lambda: session.run(None, feed)


def random_input(shape: Any, dtype: Any) -> np.ndarray:
    """Pixels 0..255; fixed, so that every run has the same work."""
    return np.random.default_rng(0).integers(0, 128, shape).astype(dtype)


def runner(path: Path, threads: int) -> Callable[[], Any]:
    """One inference of a file, by its suffix."""
    return (onnx_runner if path.suffix == ".onnx" else litert_runner)(path, threads)


def build_chain(path: Path) -> None:
    """Writes the chain as a LiteRT file. Needs TensorFlow."""
    import tensorflow as tf

    draw = np.random.default_rng(0)
    shape = (1, 1, CHAIN_CHANNELS, CHAIN_CHANNELS)
    kernels = [draw.normal(0, (2 / CHAIN_CHANNELS) ** 0.5, shape).astype("float32") for _ in range(CHAIN_LENGTH)]

    @tf.function(input_signature=[tf.TensorSpec((1, CHAIN_HEIGHT, CHAIN_WIDTH, CHAIN_CHANNELS))])
    def chain(x):
        for kernel in kernels:
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), np.zeros(CHAIN_CHANNELS, "float32")))
        return x

    content = tf.lite.TFLiteConverter.from_concrete_functions([chain.get_concrete_function()]).convert()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def peak_memory(path: Path, threads: int) -> float:
    """MiB that a process of its own needs at most for loading and running the file, above the bare libraries."""
    command = [sys.executable, __file__, "--memory-of", str(path), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{path}: the process that measures memory failed:\n{done.stderr}")
    return float(done.stdout)


def memory_of(path: Path, threads: int) -> float:
    """As `peak_memory`, of this very process."""
    __import__("onnxruntime" if path.suffix == ".onnx" else "ai_edge_litert.interpreter")
    before = high_water_mark()
    run = runner(path, threads)
    for _ in range(3):
        run()
    return high_water_mark() - before


def high_water_mark() -> float:
    """Peak resident memory of this process in MiB. Not from `getrusage`, which starts with the parent's peak."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.is_file() else None
    if not found:
        raise SystemExit("This system does not tell a process's peak memory (VmHWM in /proc); use --no-memory.")
    return int(found.group(1)) / 1024


def measure(all_measured: list[Measured], rounds: int, runs: int) -> None:
    """Lets the files take turns: `rounds` rounds of one warm-up and `runs` timed inferences each."""
    for round_number in range(rounds + 1):
        for measured in all_measured:
            measured.run()
            times = []
            for _ in range(runs):
                start = time.perf_counter()
                measured.run()
                times.append(time.perf_counter() - start)
            if round_number:  # the first round warms up
                measured.seconds += times
            time.sleep(0.002)  # threads that still spin for more work would slow down the next file


def table(all_measured: list[Measured], chains: dict[int, Measured]) -> list[dict[str, Any]]:
    """One row a file and number of threads; ratios are to the first file's row with as many threads."""
    rows = []
    for measured in all_measured:
        first = next(other for other in all_measured if other.threads == measured.threads)
        row: dict[str, Any] = {
            "file": measured.name,
            "threads": measured.threads,
            "median_ms": 1e3 * measured.median,
            "min_ms": 1e3 * min(measured.seconds),
            "latency_ratio": measured.median / first.median,
            "size_mb": measured.size / 1e6,
            "size_ratio": measured.size / first.size,
            "memory_mib": measured.memory,
        }
        if measured.multiply_adds is not None:
            speed = measured.multiply_adds / measured.median
            chain = chains[measured.threads]
            row["gmacs_per_s"] = speed / 1e9
            row["of_chain"] = speed / (CHAIN_MULTIPLY_ADDS / chain.median)
        rows.append(row)
    return rows


def printed(rows: list[dict[str, Any]]) -> str:
    """The rows as a table in Markdown."""
    heads = ["file", "threads", "median ms", "min ms", "× first", "size MB", "× first", "memory MiB"]
    heads += ["GMAC/s", "of chain"]
    formats = {
        "median_ms": ".2f", "min_ms": ".2f", "latency_ratio": ".2f", "size_mb": ".2f", "size_ratio": ".2f",
        "memory_mib": ".0f", "gmacs_per_s": ".1f", "of_chain": ".1%",
    }  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        cells = [row["file"], str(row["threads"])]
        cells += ["-" if row.get(key) is None else format(row[key], spec) for key, spec in formats.items()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _above_zero(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, received '{text}'")
    return int(text)


def arguments(given: list[str] | None) -> argparse.Namespace:
    """The command line's arguments, checked."""
    parser = argparse.ArgumentParser(
        description="Compares latency, memory and size of exported networks on this machine."
    )
    parser.add_argument("files", nargs="*", type=Path, help=".tflite files; the first is the yardstick")
    parser.add_argument("--onnx", type=Path, action="append", default=[], help="an ONNX file to run beside them")
    parser.add_argument("--threads", type=_above_zero, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=_above_zero, default=20)
    parser.add_argument("--runs", type=_above_zero, default=5, help="timed inferences of a file in each round")
    parser.add_argument(
        "--multiply-adds",
        type=float,
        nargs="+",
        default=[],
        help="of an inference of each .tflite file, in order",
    )
    parser.add_argument("--chain", type=Path, help="the chain of 1×1 convolutions, where TensorFlow is missing")
    parser.add_argument("--build-chain", type=Path, metavar="PATH", help="only write that file (needs TensorFlow)")
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory, which takes a process a file")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    parsed = parser.parse_args(given)
    if not (parsed.files or parsed.build_chain or parsed.memory_of):
        parser.error("expected at least one .tflite file")
    if parsed.multiply_adds and len(parsed.multiply_adds) != len(parsed.files):
        parser.error(
            f"expected one number of --multiply-adds for each of the {len(parsed.files)} .tflite files. "
            f"Received: {len(parsed.multiply_adds)}"
        )
    named = (*parsed.files, *parsed.onnx, *([parsed.chain] if parsed.chain else []))
    missing = [str(path) for path in named if not path.is_file()]
    if missing:
        parser.error(f"no such file: {', '.join(missing)}")
    return parsed


def main(given: list[str] | None = None) -> int:
    """The command line."""
    parsed = arguments(given)
    if parsed.build_chain:
        build_chain(parsed.build_chain)
        return 0
    if parsed.memory_of:
        print(memory_of(parsed.memory_of, parsed.threads[0]))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        chain = parsed.chain
        if parsed.multiply_adds and chain is None:
            chain = Path(folder) / "chain.tflite"
            # In a process of its own: TensorFlow's threads have no business beside what is measured.
            command = [sys.executable, __file__, "--build-chain", str(chain)]
            if subprocess.run(command, capture_output=True, check=False).returncode:
                raise SystemExit(
                    "The chain needs TensorFlow; build it elsewhere with --build-chain, give it as --chain."
                )
        all_measured, chains = [], {}
        for threads in parsed.threads:
            for index, path in enumerate([*parsed.files, *parsed.onnx]):
                measured = Measured(path.name, threads, runner(path, threads), size=path.stat().st_size)
                if not parsed.no_memory:
                    measured.memory = peak_memory(path, threads)
                if index < len(parsed.multiply_adds):
                    measured.multiply_adds = parsed.multiply_adds[index]
                all_measured.append(measured)
            if chain:
                chains[threads] = Measured("chain of 1×1 convolutions", threads, runner(chain, threads))
        measure([*all_measured, *chains.values()], parsed.rounds, parsed.runs)
    rows = table(all_measured, chains)
    print(json.dumps(rows) if parsed.json else printed(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

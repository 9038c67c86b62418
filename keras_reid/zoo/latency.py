"""How long LiteRT files take, beside each other on this machine."""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_reid.errors import ReIDError
from keras_reid.shipped import shipped

FORMATS = ("float32", "float16", "int8")


def measure_latency(folder: Path) -> list[dict[str, Any]]:
    """Median times of one picture on one thread, taken in turns by `tflite/benchmark.py` in a process of its own.

    Args:
        folder: Holds "float32.tflite", "float16.tflite" and "int8.tflite".

    Returns:
        One dict a file: "format"; "milliseconds"; "ratio" to float32; "processor", its name.

    Raises:
        ReIDError: a file is missing or does not run.
    """
    rows = time_files([folder / f"{name}.tflite" for name in FORMATS])
    processor = _processor()
    return [
        {
            "format": name,
            "milliseconds": round(row["median_ms"], 2),
            "ratio": round(row["latency_ratio"], 3),
            "processor": processor,
        }
        for name, row in zip(FORMATS, rows, strict=True)
    ]


def time_files(files: Sequence[Path], *options: str) -> list[dict[str, Any]]:
    """What `tflite/benchmark.py` measures of LiteRT files on one thread, in turns, in a process of its own.

    Args:
        files: The first one is the yardstick.
        *options: Further ones of the script, e.g. "--rounds", "10".

    Returns:
        One dict a file, in their order, with "median_ms", "min_ms" and "latency_ratio" among others.

    Raises:
        ReIDError: a file is missing or does not run.
    """
    command = [sys.executable, str(shipped("tflite") / "benchmark.py"), *map(str, files), "--threads", "1"]
    command += ["--no-memory", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ReIDError(f"The latency of the exported files could not be measured: {reason}")
    return json.loads(done.stdout)


def _processor() -> str:
    """The processor's name as its maker gave it, where the system tells; otherwise its architecture."""
    facts = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", facts.read_text(), re.MULTILINE) if facts.is_file() else None
    return found.group(1).strip() if found else platform.processor() or platform.machine()

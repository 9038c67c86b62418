"""Evaluation, re-ranking and search beside torchreid's, in seconds and in memory.

    git clone https://github.com/KaiyangZhou/deep-person-reid
    make -C deep-person-reid/torchreid/metrics/rank_cylib          # its compiled evaluation; needs cython and numpy
    python benchmarks/retrieval.py --torchreid deep-person-reid
    python benchmarks/retrieval.py --torchreid deep-person-reid --size msmt17 --jobs evaluate --queries 1500

Embeddings are random, around one centre a person, of length 1. Every measurement has a process of its own, because a
process' peak of memory never falls; those of a job run one after the other. torchreid needs PyTorch. Without
`--torchreid` only this package and the bare matrix products are measured.
"""

import argparse
import importlib
import json
import platform
import resource
import subprocess
import sys
import time
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Size(NamedTuple):
    """How much there is to search."""

    queries: int
    gallery: int
    people: int
    cameras: int
    dimensions: int


SIZES = {
    "small": Size(500, 2_000, 60, 6, 128),
    "market1501": Size(3_368, 15_913, 751, 6, 1_024),
    "msmt17": Size(11_659, 82_161, 3_060, 15, 1_024),
    "million": Size(1_000, 1_000_000, 50_000, 100, 512),
}
TOP = 50
SPREAD = 2.5  # of a person's pictures around their centre, by which the mean average precision is near 0.9

# Job -> who can do it.
JOBS = {
    "evaluate": ("products", "keras_reid", "torchreid"),
    "rerank": ("products", "keras_reid", "torchreid"),
    "search": ("products", "keras_reid"),
}


def embeddings(size: Size, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Query and gallery, each as embeddings (N, D) float32 of length 1, identities from 1, and cameras."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((size.people, size.dimensions), np.float32)

    def side(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        people = generator.integers(0, size.people, count)
        rows = generator.standard_normal((count, size.dimensions), np.float32)
        rows *= np.float32(SPREAD)
        for start in range(0, count, 10_000):  # in place and in parts: the peaks to measure come later
            block = slice(start, start + 10_000)
            rows[block] += centres[people[block]]
            rows[block] /= np.linalg.norm(rows[block], axis=1, keepdims=True)
        return rows, people + 1, generator.integers(0, size.cameras, count)

    return (*side(size.queries), *side(size.gallery))


def torchreid(path: str) -> types.SimpleNamespace:
    """Torchreid's distances, evaluation and re-ranking, without the networks that `import torchreid` brings along."""
    root = Path(path).expanduser().resolve() / "torchreid"
    if not (root / "metrics" / "rank.py").is_file():
        sys.exit(f"'{path}' is no checkout of deep-person-reid: it has no torchreid/metrics/rank.py.")
    for name, folder in (("torchreid", root), ("torchreid.utils", root / "utils")):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]
    rank = importlib.import_module("torchreid.metrics.rank")
    if not rank.IS_CYTHON_AVAI:
        sys.exit(f"torchreid's evaluation is not compiled: make -C {root}/metrics/rank_cylib")
    return types.SimpleNamespace(
        distances=importlib.import_module("torchreid.metrics.distance").compute_distance_matrix,
        evaluate=rank.evaluate_rank,
        rerank=importlib.import_module("torchreid.utils.rerank").re_ranking,
    )


def peer_distances(peer: types.SimpleNamespace, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances, as torchreid's engine computes them."""
    import torch

    return peer.distances(torch.from_numpy(left), torch.from_numpy(right)).numpy()


def peer_reranked(peer: types.SimpleNamespace, query: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Torchreid's re-ranked distances.

    Its function squares what it is given, so it is given Euclidean distances, with which it computes what the paper
    says. (Its engine hands it squared distances, which are then squared again.)
    """
    pairs = ((query, gallery), (query, query), (gallery, gallery))
    return peer.rerank(*(np.sqrt(np.maximum(peer_distances(peer, *pair), 0)) for pair in pairs))


def task(job: str, who: str, size: Size, path: str | None) -> Callable[[], Any]:
    """What is to be measured as a function; its data are made here."""
    query, query_ids, query_cams, gallery, gallery_ids, gallery_cams = data = embeddings(size)
    if who == "products":
        return lambda: bare_products(np.concatenate([query, gallery]) if job == "rerank" else query, gallery)
    if who == "keras_reid":
        from keras_reid.evaluation import evaluate, top_matches

        if job == "search":
            return lambda: top_matches(query, gallery, TOP)
        return lambda: evaluate(*data, rerank=job == "rerank")
    peer = torchreid(path or "")
    distances = peer_reranked if job == "rerank" else peer_distances
    return lambda: peer.evaluate(
        distances(peer, query, gallery), query_ids, gallery_ids, query_cams, gallery_cams, max_rank=50
    )


def bare_products(rows: np.ndarray, gallery: np.ndarray, block: int = 2**25) -> None:
    """Every row times every gallery row, by NumPy, a block of rows at a time into one buffer."""
    count = max(1, block // len(gallery))
    buffer = np.empty((min(count, len(rows)), len(gallery)), np.float32)
    for start in range(0, len(rows), count):
        part = rows[start : start + count]
        np.matmul(part, gallery.T, out=buffer[: len(part)])


def peak() -> float:
    """Most memory that this process has had, GiB."""
    status = Path("/proc/self/status")
    if status.is_file():  # not getrusage, which starts from what the parent process had
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    unit = 2**30 if platform.system() == "Darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(job: str, who: str, size: Size, path: str | None) -> dict[str, Any]:
    """Seconds of one measurement and the peak of memory of its process, data and libraries included."""
    work = task(job, who, size, path)
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    figures = {}
    if who == "torchreid":
        figures = {**{f"rank{k}": float(result[0][k - 1]) for k in (1, 5, 10)}, "mAP": float(result[1])}
    elif isinstance(result, dict):
        figures = result
    return {"seconds": seconds, "GiB": peak(), **figures}


def in_process(job: str, who: str, size: Size, path: str | None) -> dict[str, Any]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps([job, who, size, path])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return {"missing": done.returncode}
    return json.loads(done.stdout.splitlines()[-1])


def run(job: str, name: str, path: str | None, queries: int | None) -> list[dict[str, Any]]:
    """The rows of one job's table."""
    rows = []
    size = SIZES[name]
    size = size._replace(queries=min(queries or size.queries, size.queries))
    for who in JOBS[job]:
        if who == "torchreid" and path is None:
            continue
        print(f"{name}: {job}, {who} …", file=sys.stderr)
        row = {"size": name, "queries": size.queries, "job": job, "who": who, **in_process(job, who, size, path)}
        rows.append(row)
    return rows


def text(rows: Sequence[dict[str, Any]]) -> str:
    """One job's rows for people, with the ratios that matter."""
    lines = [f"{rows[0]['size']}, {rows[0]['job']}, {rows[0]['queries']:,} queries"]
    for row in rows:
        if "missing" in row:
            lines.append(f"  {row['who']:<12} ended with status {row['missing']}")
            continue
        figures = "".join(f"  {key} {row[key]:.6f}" for key in ("rank1", "mAP") if key in row)
        lines.append(f"  {row['who']:<12}{row['seconds']:9.2f} s{row['GiB']:8.2f} GiB{figures}")
    seconds = {row["who"]: row["seconds"] for row in rows if "seconds" in row}
    if "keras_reid" in seconds:
        ours = seconds["keras_reid"]
        lines.append(f"  keras_reid takes {ours / seconds['products']:.2f} times the bare products")
        if "torchreid" in seconds:
            lines.append(f"  and is {seconds['torchreid'] / ours:.1f} times as fast as torchreid")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, 1 (it failed) or 2 (wrong usage)."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0], epilog=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--torchreid", metavar="FOLDER", help="a checkout of deep-person-reid")
    parser.add_argument("--size", choices=SIZES, default="market1501")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=["evaluate", "rerank"])
    parser.add_argument(
        "--queries", type=int, metavar="N", help="only so many, where torchreid would run out of memory"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        job, who, size, path = json.loads(given.one)
        print(json.dumps(measure(job, who, Size(*size), path)))
        return 0
    tables = [run(job, given.size, given.torchreid, given.queries) for job in given.jobs]
    print(json.dumps(tables, indent=2) if given.json else "\n\n".join(map(text, tables)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

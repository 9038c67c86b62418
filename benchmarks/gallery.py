"""A gallery of many crops: opening it, exact search beside bare matrix products, and FAISS' recall and speed-up.

    python benchmarks/gallery.py                       # 1,000,000 × 512, 1,000 queries: 5 GB of memory, 2.1 GB of disk
    python benchmarks/gallery.py --crops 100000 --folder /fast/disk

The embeddings are random, around one centre for 20 crops, of length 1; the queries are more crops of the same people.
FAISS (`pip install faiss-cpu`) is left out with --exact-only.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_reid.gallery import Gallery

SPREAD = 1.5
PROBES = (4, 16, 64)


def crops(generator: np.random.Generator, centres: np.ndarray, count: int) -> np.ndarray:
    """(count, D) float32 of length 1."""
    rows = generator.standard_normal((count, centres.shape[1]), np.float32)
    rows *= np.float32(SPREAD)
    rows += centres[generator.integers(0, len(centres), count)]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def filled(folder: Path, count: int, dimensions: int, queries: int) -> tuple[np.ndarray, float]:
    """Write a gallery, part by part, and return the queries and the seconds that adding took."""
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((max(1, count // 20), dimensions), np.float32)
    gallery = Gallery(dimensions)
    gallery.save(folder)
    seconds = 0.0
    for start in range(0, count, 50_000):
        rows = crops(generator, centres, min(50_000, count - start))
        paths = [f"{number}.jpg" for number in range(start, start + len(rows))]
        begin = time.perf_counter()
        gallery.add(rows, generator.integers(0, 100, len(rows)), np.arange(start, start + len(rows)), paths)
        seconds += time.perf_counter() - begin
    return crops(generator, centres, queries), seconds


def bare_products(query: np.ndarray, vectors: np.ndarray, block: int = 2**25) -> float:
    """Seconds of the products of all queries with all vectors, in blocks into one buffer."""
    width = max(1, block // len(query))
    buffer = np.empty((len(query), width), np.float32)
    begin = time.perf_counter()
    for start in range(0, len(vectors), width):
        part = vectors[start : start + width]
        np.matmul(query, part.T, out=buffer[:, : len(part)])
    return time.perf_counter() - begin


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--crops", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--top", type=int, default=50)
    parser.add_argument("--lists", type=int, default=1_024, help="of FAISS")
    parser.add_argument("--folder", help="where the gallery is written and removed again (default: the system's)")
    parser.add_argument("--exact-only", action="store_true", help="without FAISS")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        place = Path(folder, "gallery")
        query, added = filled(place, given.crops, given.dimensions, given.queries)
        begin = time.perf_counter()
        gallery = Gallery.load(place)
        print(f"{given.crops:,} crops of {given.dimensions} dimensions")
        print(f"added in {added:.1f} s, opened in {time.perf_counter() - begin:.3f} s")
        # Interleaved, so that whatever else the machine does meets both; the first reading fetches the file.
        bare_products(query[:1], gallery.vectors)
        rounds = []
        for _ in range(2):
            products = bare_products(query, gallery.vectors)
            begin = time.perf_counter()
            gallery.search(query, given.top)
            rounds.append((products, time.perf_counter() - begin))
        products, exact = (min(times) for times in zip(*rounds, strict=True))
        print(f"bare products of {given.queries:,} queries {products:.2f} s")
        print(f"exact first {given.top} {exact:.2f} s, {exact / products:.2f} times the products")
        if given.exact_only:
            return 0
        from keras_reid.gallery import FaissIndex

        begin = time.perf_counter()
        index = FaissIndex(gallery, lists=given.lists)
        print(f"FAISS, {given.lists} lists, codes of 64 bytes: made in {time.perf_counter() - begin:.1f} s")
        print("| probes | recall@10 | seconds | times as fast as exact search |\n| ---: | ---: | ---: | ---: |")
        for probes in PROBES:
            found = index.recall(query, 10, probes=probes)
            speed = found.exact_seconds / found.seconds
            print(f"| {probes} | {found.recall:.3f} | {found.seconds:.2f} | {speed:.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The gallery's benchmark on a small gallery."""

import importlib.util
from pathlib import Path

import pytest

specification = importlib.util.spec_from_file_location(
    "benchmark_gallery", Path(__file__).resolve().parents[2] / "benchmarks" / "gallery.py"
)
benchmark = importlib.util.module_from_spec(specification)
specification.loader.exec_module(benchmark)
SMALL = ["--crops", "2000", "--dimensions", "64", "--queries", "20", "--top", "5", "--lists", "8"]


@pytest.mark.parametrize("exact_only", [True, False])
def test_small(capsys, tmp_path, exact_only):
    if not exact_only:
        pytest.importorskip("faiss")
    assert benchmark.main([*SMALL, "--folder", str(tmp_path), *["--exact-only"] * exact_only]) == 0
    printed = capsys.readouterr().out
    assert "2,000 crops of 64 dimensions" in printed
    assert printed.count("| 4 |") == (0 if exact_only else 1)
    assert list(tmp_path.iterdir()) == []

"""Our figures beside torchreid's own code, where KERAS_REID_TORCHREID names a checkout with its compiled evaluation."""

import importlib.util
import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.evaluation import query_ranks
from keras_reid.evaluation.reranking import reranked_blocks

specification = importlib.util.spec_from_file_location(
    "benchmark_retrieval", Path(__file__).resolve().parents[2] / "benchmarks" / "retrieval.py"
)
benchmark = importlib.util.module_from_spec(specification)
specification.loader.exec_module(benchmark)


@pytest.fixture(scope="module")
def peer():
    path = os.environ.get("KERAS_REID_TORCHREID")
    if not path:
        pytest.skip("needs a checkout of deep-person-reid: KERAS_REID_TORCHREID")
    return benchmark.torchreid(path)


@st.composite
def retrieval(draw):
    """Random arguments without ties: 2 to 300 gallery images, some queries without a match, distractors, junk."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    people, cameras = draw(st.integers(1, 20)), draw(st.integers(1, 5))
    queries, images = draw(st.integers(1, 60)), draw(st.integers(2, 300))
    junk, distractors = draw(st.booleans()), draw(st.booleans())

    def side(count, lowest):
        rows = generator.normal(size=(count, 32)).astype("float32")
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows, generator.integers(lowest, people + 1, count), generator.integers(0, cameras, count)

    return (*side(queries, 1), *side(images, -1 if junk else 0 if distractors else 1))


@settings(max_examples=20, deadline=None)
@given(arguments=retrieval())
def test_figures_are_torchreid_s(peer, arguments):
    query, query_ids, query_cams, gallery, gallery_ids, gallery_cams = arguments
    kept = gallery_ids != -1  # its readers leave junk out
    similarity = query @ gallery[kept].T
    theirs = (1 - similarity, query_ids, gallery_ids[kept], query_cams, gallery_cams[kept])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ours = query_ranks(*arguments)
        except ReIDError:
            with pytest.raises(AssertionError):
                peer.evaluate(*theirs)
            return
    # Beyond the shortest ranking its two versions differ: one fails, the other counts no matches.
    ranked = [
        np.sum(kept & ((gallery_ids != i) | (gallery_cams != c))) for i, c in zip(query_ids, query_cams, strict=True)
    ]
    ranks = min(50, *ranked)
    for compiled in (True, False):
        cmc, mean_average_precision = peer.evaluate(*theirs, max_rank=ranks, use_cython=compiled)
        np.testing.assert_allclose(ours.cmc(ranks), cmc, atol=1e-6)
        assert ours.precision.mean() == pytest.approx(mean_average_precision, abs=1e-6)


def test_reranking_is_torchreid_s(peer):
    size = benchmark.SIZES["small"]
    assert (size.queries, size.gallery) == (500, 2000)
    query, _, _, gallery, _, _ = benchmark.embeddings(size)
    ours = -np.concatenate([block.copy() for _, block in reranked_blocks(query, gallery)])
    np.testing.assert_allclose(ours, benchmark.peer_reranked(peer, query, gallery), atol=1e-5)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(benchmark.SIZES, "small", benchmark.Size(6, 40, 3, 4, 8))


def test_embeddings(tiny):
    query, query_ids, query_cams, gallery, gallery_ids, gallery_cams = benchmark.embeddings(benchmark.SIZES["small"])
    assert (query.shape, gallery.shape) == ((6, 8), (40, 8))
    np.testing.assert_allclose(np.linalg.norm(gallery, axis=1), 1, atol=1e-5)
    assert set(query_ids) | set(gallery_ids) == {1, 2, 3}
    assert set(query_cams) | set(gallery_cams) <= {0, 1, 2, 3}


@pytest.mark.parametrize("job", ["evaluate", "rerank", "search"])
def test_tables(tiny, capsys, job):
    assert benchmark.main(["--size", "small", "--jobs", job, "--json"]) == 0
    ((products, ours),) = json.loads(capsys.readouterr().out)
    assert (products["who"], ours["who"], ours["job"]) == ("products", "keras_reid", job)
    assert 0 < ours["seconds"] < 60
    assert 0.01 < ours["GiB"] < 4
    assert ("mAP" in ours) is (job != "search")


def test_text():
    rows = [
        {"size": "small", "job": "evaluate", "who": "products", "queries": 500, "seconds": 2.0, "GiB": 0.5},
        {
            "size": "small",
            "job": "evaluate",
            "who": "keras_reid",
            "queries": 500,
            "seconds": 3.0,
            "GiB": 0.5,
            "mAP": 0.5,
        },
        {"size": "small", "job": "evaluate", "who": "torchreid", "queries": 500, "seconds": 12.0, "GiB": 1.0},
        {"size": "small", "job": "evaluate", "who": "torchreid", "queries": 500, "missing": -9},
    ]
    assert benchmark.text(rows).splitlines() == [
        "small, evaluate, 500 queries",
        "  products         2.00 s    0.50 GiB",
        "  keras_reid       3.00 s    0.50 GiB  mAP 0.500000",
        "  torchreid       12.00 s    1.00 GiB",
        "  torchreid    ended with status -9",
        "  keras_reid takes 1.50 times the bare products",
        "  and is 4.0 times as fast as torchreid",
    ]


def test_no_checkout(tmp_path):
    with pytest.raises(SystemExit, match="is no checkout of deep-person-reid"):
        benchmark.torchreid(str(tmp_path))

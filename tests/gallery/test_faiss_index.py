"""FAISS beside exact search."""

import numpy as np
import pytest

from keras_reid import ReIDError, gallery
from keras_reid.gallery import Gallery

faiss = pytest.importorskip("faiss")
FaissIndex = gallery.FaissIndex


@pytest.fixture(scope="module")
def vectors():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(60, 16))[generator.integers(0, 60, 1500)] + 0.5 * generator.normal(size=(1500, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")


@pytest.fixture
def crops(vectors):
    crops = Gallery(16)
    crops.add(vectors[:1000], np.arange(1000) % 4, np.arange(1000.0))
    return crops


def test_all_probes_and_whole_vectors_are_exact(crops, vectors):
    index = FaissIndex(crops, lists=10, code_bytes=None)
    near, exact = index.search(vectors[1000:1050], 5, probes=10), crops.search(vectors[1000:1050], 5)
    np.testing.assert_array_equal(near.ids, exact.ids)
    np.testing.assert_allclose(near.similarities, exact.similarities, atol=1e-6)
    assert index.recall(vectors[1000:1050], 5, probes=10).recall == 1.0


def test_codes_find_most(crops, vectors):
    index = FaissIndex(crops, lists=10, code_bytes=8)
    few, many = (index.recall(vectors[1000:1200], 10, probes=probes) for probes in (1, 10))
    assert few.recall < many.recall
    assert many.recall > 0.9
    assert many.seconds > 0
    assert many.exact_seconds > 0
    again = FaissIndex(crops, lists=10, code_bytes=8).search(vectors[1000:1200], 10)
    np.testing.assert_array_equal(again.ids, index.search(vectors[1000:1200], 10).ids)


def test_filters_removal_and_growth(crops, vectors):
    index = FaissIndex(crops, lists=5, code_bytes=None)
    filters = {"cameras": [1], "since": 100, "until": 900}
    options = {"probes": 5, "candidates": 100}

    def same(**filters):
        near, exact = index.search(vectors[:20], 5, **options, **filters), crops.search(vectors[:20], 5, **filters)
        np.testing.assert_array_equal(near.ids, exact.ids)

    same(**filters)
    crops.remove(np.arange(0, 1000, 7))
    same()
    crops.add(vectors[1000:1100])
    index.update()
    index.update()  # nothing is taken in twice
    same()
    assert index.search(vectors[1000:1001], 1, probes=5).ids.tolist() == [[1000]]


def test_what_has_left_the_gallery_is_not_found(crops, vectors, tmp_path):
    """Also when the gallery was written anew since, so that no row says what was removed; nor by another handle."""
    crops.save(tmp_path / "g")
    index = FaissIndex(crops, lists=5, code_bytes=None)
    other = Gallery.load(tmp_path / "g")
    other.remove([3, 500])
    other.save()
    for _ in range(2):
        found = index.search(vectors[[3, 500]], 5, probes=5)
        np.testing.assert_array_equal(found.ids, other.search(vectors[[3, 500]], 5).ids)
        assert index.gallery.entries(found.ids.ravel())
        index.update()
    assert index._index.ntotal == len(other)  # their codes are gone, too


def test_save_and_load(crops, vectors, tmp_path):
    index = FaissIndex(crops, lists=5, code_bytes=8)
    index.save(tmp_path / "a.faiss")
    crops.add(vectors[1000:])
    loaded = FaissIndex.load(tmp_path / "a.faiss", crops)
    index.update()
    query = vectors[::50]
    np.testing.assert_array_equal(loaded.search(query, 5).ids, index.search(query, 5).ids)
    (tmp_path / "b.faiss").write_bytes(b"no index at all")
    for path, message in (("b.faiss", "is no index of FAISS, or damaged"), ("c.faiss", "does not exist")):
        with pytest.raises(ReIDError, match=message):
            FaissIndex.load(tmp_path / path, crops)
    other = Gallery(16)  # whose ids begin at 0, too
    other.add(-vectors)
    with pytest.raises(ReIDError, match="is of another gallery"):
        FaissIndex.load(tmp_path / "a.faiss", other)
    crops.remove(np.arange(1500))
    assert (FaissIndex.load(tmp_path / "a.faiss", crops).search(query, 5).ids == -1).all()
    other = Gallery(8)
    with pytest.raises(ReIDError, match="is of a gallery of 16 dimensions"):
        FaissIndex.load(tmp_path / "a.faiss", other)


def test_what_cannot_be_indexed(crops):
    with pytest.raises(ReIDError, match="needs a gallery of at least 256 crops"):
        FaissIndex(Gallery(16))
    with pytest.raises(ReIDError, match="`code_bytes` must divide the 16 dimensions of the gallery"):
        FaissIndex(crops, code_bytes=5)

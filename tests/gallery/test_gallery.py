"""One behaviour wherever the gallery lives: in memory, in a folder, in Milvus."""

import importlib.util
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.gallery import Gallery

NO_MILVUS = not (importlib.util.find_spec("pymilvus") and importlib.util.find_spec("milvus_lite"))
PLACES = ["memory", "folder", pytest.param("milvus", marks=pytest.mark.skipif(NO_MILVUS, reason="needs pymilvus"))]


def vectors(count, seed=0, dimensions=8):
    rows = np.random.default_rng(seed).normal(size=(count, dimensions)).astype("float32")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(params=PLACES)
def empty(request, tmp_path):
    if request.param == "milvus":
        from keras_reid.gallery import MilvusGallery

        gallery = MilvusGallery(tmp_path / "gallery.db", dimensions=8)
        yield gallery
        gallery.close()
        return
    gallery = Gallery(8)
    if request.param == "folder":
        gallery.save(tmp_path / "gallery")
    yield gallery


@pytest.fixture
def filled(empty):
    """Thirty crops: cameras 0, 1, 2, 0, …; times 0, 10, 20, …, the last unknown; paths 0.jpg, …."""
    times = np.arange(30) * 10.0
    times[29] = np.nan
    ids = empty.add(vectors(30), np.arange(30) % 3, times, [f"{n}.jpg" for n in range(30)])
    return empty, ids


def test_empty(empty):
    assert len(empty) == 0
    found = empty.search(vectors(2), k=3)
    assert found.ids.tolist() == [[-1] * 3] * 2
    assert np.isneginf(found.similarities).all()
    assert empty.remove([0, 5]) == 0
    assert empty.entries([]) == []


def test_search_is_exact(filled):
    gallery, ids = filled
    assert len(gallery) == 30
    query = vectors(5, seed=1)
    similarity = query @ vectors(30).T
    expected = np.argsort(-similarity, axis=1, kind="stable")[:, :7]
    found = gallery.search(query, k=7)
    np.testing.assert_array_equal(found.ids, ids[expected])
    np.testing.assert_allclose(found.similarities, np.take_along_axis(similarity, expected, axis=1), atol=1e-5)


def test_filters(filled):
    gallery, ids = filled
    query = vectors(2, seed=1)

    def found(**filters):
        return sorted(np.flatnonzero(np.isin(ids, gallery.search(query[:1], k=40, **filters).ids)).tolist())

    assert found(cameras=[1]) == list(range(1, 30, 3))
    assert found(cameras=[0, 2, 77]) == [n for n in range(30) if n % 3 != 1]
    assert found(cameras=[]) == []
    assert found(since=50, until=80) == [5, 6, 7]
    assert found(since=280) == [28]  # whose time is not known is not inside any
    assert found(cameras=[0], since=30, until=91) == [3, 6, 9]


def test_remove(filled):
    gallery, ids = filled
    assert gallery.remove(ids[[3, 4, 4]]) == 2
    assert gallery.remove([*ids[[4, 5]], ids[-1] + 1000]) == 1
    assert len(gallery) == 27
    found = gallery.search(vectors(30), k=1).ids[:, 0]
    assert (found != ids)[[3, 4, 5]].all()
    assert (found == ids).sum() == 27


def test_ids_that_were_numbers_of_floating_point(filled):
    """As a table leaves them: ids of Milvus are too large for them, and another crop would be removed."""
    gallery, ids = filled
    for call in (gallery.remove, gallery.entries):
        with pytest.raises(ReIDError, match="Ids are whole numbers, as `add` returns them"):
            call(ids[:2].astype(float))
    assert len(gallery) == 30


def test_metadata(filled):
    gallery, ids = filled
    some = gallery.entries(ids[[7, 0, 29]])
    assert [(entry.id, entry.camera, entry.path) for entry in some] == [
        (ids[7], 1, "7.jpg"), (ids[0], 0, "0.jpg"), (ids[29], 2, "29.jpg")
    ]  # fmt: skip
    assert [entry.time for entry in some[:2]] == [70, 0]
    assert np.isnan(some[2].time)
    with pytest.raises(ReIDError, match="The gallery has no crop "):
        gallery.entries([ids[-1] + 1000])


def test_added_later_without_metadata(filled):
    gallery, ids = filled
    (new,) = gallery.add(vectors(1, seed=9))
    assert new > ids.max()
    (entry,) = gallery.entries([new])
    assert (entry.camera, entry.path) == (-1, "")
    assert np.isnan(entry.time)
    assert gallery.search(vectors(1, seed=9), k=1).ids.tolist() == [[new]]


def test_names_of_all_kinds(empty):
    names = ["", "größe/图.jpg", "a b'\"\\.png", "x" * 3000]
    assert [entry.path for entry in empty.entries(empty.add(vectors(4), paths=names))] == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"vectors": vectors(2) * 2},
            "The vectors must have length 1, as `embed` returns them. Received: lengths from ",
        ),
        (
            {"vectors": vectors(2, dimensions=9)},
            "The gallery holds vectors of 8 dimensions. Received: vectors of 9. Embed with the network that the "
            "gallery was filled with.",
        ),
        ({"vectors": np.full((1, 8), np.nan)}, "Embedding 0 of the vectors holds NaN or infinity"),
        ({"vectors": vectors(2), "cameras": [1]}, "The cameras must be one integer for each of the 2 embeddings."),
        ({"vectors": vectors(2), "times": [1.0]}, "The times must be one number of seconds, or NaN, for each of the 2"),
        ({"vectors": vectors(2), "paths": ["a"]}, "The paths must be one for each of the 2 vectors. Received: 1."),
    ],
)
def test_bad_crops_change_nothing(filled, arguments, message):
    gallery, _ = filled
    with pytest.raises(ReIDError) as caught:
        gallery.add(**arguments)
    assert str(caught.value).startswith(message)
    assert len(gallery) == 30


def test_bad_searches(filled):
    gallery, _ = filled
    with pytest.raises(ReIDError, match="must be at least 1"):
        gallery.search(vectors(1), k=0)
    with pytest.raises(ReIDError, match="query of 9"):
        gallery.search(vectors(1, dimensions=9))


class Reference:
    """A gallery as a dictionary."""

    def __init__(self):
        self.crops = {}

    def search(self, query, k, cameras):
        kept = [(-float(query @ v), i) for i, (v, c) in self.crops.items() if cameras is None or c in cameras]
        return [i for _, i in sorted(kept)[:k]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "save", "load", "search"]), st.integers(0, 2**32 - 1)), max_size=12
    )
)
def test_any_sequence_in_a_folder(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("gallery") / "people"
    gallery, reference = Gallery(4), Reference()
    gallery.save(folder)
    for step, seed in steps:
        generator = np.random.default_rng(seed)
        if step == "add":
            count = int(generator.integers(1, 6))
            # Whole numbers over 2, of length 1: products are exact.
            rows = generator.choice([-0.5, 0.5], (count, 4)).astype("float32")
            cameras = generator.integers(0, 3, count)
            for number, row, camera in zip(gallery.add(rows, cameras), rows, cameras, strict=True):
                assert number not in reference.crops
                reference.crops[int(number)] = (row, int(camera))
        elif step == "remove" and reference.crops:
            ids = generator.choice(list(reference.crops), int(generator.integers(1, 4)))
            assert gallery.remove(ids) == len(set(ids.tolist()))
            for number in ids.tolist():
                reference.crops.pop(number, None)
        elif step == "save":
            gallery.save()
        elif step == "load":
            gallery = Gallery.load(folder)
        query = generator.choice([-0.5, 0.5], 4).astype("float32")
        for cameras in (None, [1], [0, 2]):
            found = gallery.search(query[None], k=5, cameras=cameras).ids[0]
            assert found[found >= 0].tolist() == reference.search(query, 5, cameras)
        assert len(gallery) == len(reference.crops)


@pytest.mark.parametrize(("package", "extra"), [("faiss", "faiss"), ("pymilvus", "milvus")])
def test_without_the_package(monkeypatch, package, extra):
    from keras_reid.gallery import FaissIndex, MilvusGallery

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ReIDError, match=rf"The package {package} is missing: pip install 'keras-reid\[{extra}\]'"):
        FaissIndex(Gallery(8)) if package == "faiss" else MilvusGallery("gallery.db", dimensions=8)

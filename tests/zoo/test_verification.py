"""`verify`: what is here, and whether it is what was published."""

import shutil

import pytest

from keras_reid import ReIDError
from keras_reid.zoo import verify
from keras_reid.zoo.fetching import cached_path, fetch, shipped_path
from keras_reid.zoo.manifest import Manifest


@pytest.fixture
def entry(zoo):
    return Manifest.read().entries["tiny"]


def test_intact(entry):
    seen = []
    assert verify(progress=lambda done, total: seen.append((done, total))) == [
        {
            "name": "tiny",
            "status": "intact",
            "where": "installation",
            "path": str(shipped_path(entry)),
            "size": entry.size,
            "sha256": entry.sha256,
            "expected_size": entry.size,
            "expected_sha256": entry.sha256,
            "exports": None,
        }
    ]
    assert seen == [(1, 1)]


def test_not_here(entry):
    shipped_path(entry).unlink()
    (row,) = verify(["tiny"])
    assert (row["status"], row["where"], row["path"], row["sha256"]) == ("not here", None, None, None)


def test_in_the_cache_and_damaged_there(entry, tmp_path, monkeypatch):
    shutil.move(shipped_path(entry), tmp_path / entry.file)
    monkeypatch.setenv("KERAS_REID_ZOO_URL", tmp_path.as_uri())
    fetch(entry)
    (row,) = verify()
    assert (row["status"], row["where"], row["path"]) == ("intact", "cache", str(cached_path(entry)))
    cached_path(entry).write_bytes(bytes(entry.size))
    (row,) = verify()
    assert (row["status"], row["where"], row["size"]) == ("damaged", "cache", entry.size)
    assert row["sha256"] != row["expected_sha256"]


def test_name_without_weights(entry):
    with pytest.raises(ReIDError) as caught:
        verify(["wide"])
    assert str(caught.value) == "There are no published weights for 'wide' to verify. Published: tiny."


def test_unknown_name(entry):
    with pytest.raises(ReIDError, match=r"^There is no model 'tinny' in the zoo"):
        verify(["tiny", "tinny"])


def test_parity_is_measured_on_what_is_intact(entry, monkeypatch):
    rows, models = [{"format": "onnx float32", "size": 9, "cosine": 1.0, "difference": 0.0, "pictures": 96}], []
    monkeypatch.setattr("keras_reid.zoo.exports.measure_exports", lambda model: models.append(model.name) or rows)
    assert verify(parity=True)[0]["exports"] == rows
    assert models == ["tiny"]
    shipped_path(entry).write_bytes(b"damaged")
    assert verify(parity=True)[0]["exports"] is None
    assert models == ["tiny"]

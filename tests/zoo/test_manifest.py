"""The manifest: round trip, its checks, and the one that is shipped."""

import dataclasses
import json

import pytest
from tiny_network import an_entry

from keras_reid import ReIDError
from keras_reid.zoo.checksum import sha256_of
from keras_reid.zoo.manifest import Manifest


@pytest.fixture
def entry(tmp_path):
    (tmp_path / "w").write_bytes(b"abc")
    return an_entry(tmp_path / "w")


def test_checksum_of_a_known_string(tmp_path):
    (tmp_path / "w").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256_of(tmp_path / "w") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_round_trip(entry, tmp_path):
    other = dataclasses.replace(entry, name="other", options={"width": 5}, thresholds=[{"cosine": 0.5}])
    manifest = Manifest({}, "https://zoo.example/v1").with_entry(entry).with_entry(other)
    manifest.write(tmp_path / "manifest.json")
    assert Manifest.read(tmp_path / "manifest.json") == manifest
    assert list(manifest.entries) == ["tiny", "other"]
    assert list(tmp_path.glob("*.new")) == []


def test_entry_of_the_same_name_is_replaced_in_its_place(entry):
    manifest = Manifest({}).with_entry(entry).with_entry(dataclasses.replace(entry, name="other"))
    newer = dataclasses.replace(entry, size=4)
    assert list(manifest.with_entry(newer).entries.values()) == [newer, manifest.entries["other"]]
    assert manifest.entries["tiny"] == entry


def test_another_schema(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text('{"schema": 2, "base_url": null, "entries": []}')
    with pytest.raises(ReIDError) as caught:
        Manifest.read(path)
    assert str(caught.value) == (
        f"The zoo's manifest '{path}' has schema 2, and this keras-reid reads schema 1. Install the keras-reid that it "
        "belongs to."
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        ('{"schema": 1, "entries": []}', "KeyError: 'base_url'"),
        ("[]", "TypeError: list indices must be integers or slices, not str"),
    ],
)
def test_unreadable(tmp_path, content, reason):
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(ReIDError) as caught:
        Manifest.read(path)
    assert str(caught.value) == f"The zoo's manifest '{path}' cannot be read ({reason}). Install keras-reid again."


@pytest.mark.parametrize("file", ["../tiny.weights.h5", "/tiny.weights.h5", "a/b.weights.h5", "tiny.h5", ".weights.h5"])
def test_file_is_a_name_and_no_path(entry, file):
    with pytest.raises(ReIDError) as caught:
        dataclasses.replace(entry, file=file)
    assert str(caught.value) == (
        f"Expected `file` of 'tiny' to be a name that ends in .weights.h5. Received: '{file}'."
    )


def test_checksum_is_a_checksum(entry):
    with pytest.raises(ReIDError, match=r"^Expected `sha256` of 'tiny' to be 64 hexadecimal digits\. Received: 'ABC'"):
        dataclasses.replace(entry, sha256="ABC")


def test_what_is_shipped(repository):
    """Every entry's file and card are in the checkout, intact, and the card says what the entry says."""
    from keras_reid.zoo.card import card

    folder = repository / "zoo"
    manifest = Manifest.read(folder / "manifest.json")
    assert json.loads((folder / "manifest.json").read_text())["schema"] == 1
    for entry in manifest.entries.values():
        path = folder / "weights" / entry.file
        assert (path.stat().st_size, sha256_of(path)) == (entry.size, entry.sha256)
        assert (folder / entry.card).read_text() == card(entry)
        assert entry.figures
        for picture in entry.pictures:
            assert (folder / picture).stat().st_size <= (60_000 if "_curve" in picture else 250_000)
    pictures = {path.name for path in (folder / "cards").iterdir() if path.suffix != ".md"}
    assert {f"cards/{name}" for name in pictures} == {name for e in manifest.entries.values() for name in e.pictures}
    assert {path.name for path in (folder / "weights").glob("*.h5")} == {e.file for e in manifest.entries.values()}
    assert {path.name for path in (folder / "cards").glob("*.md")} == {f"{name}.md" for name in manifest.entries}

"""Names and cards."""

import dataclasses

import pytest

from keras_reid import ReIDError, networks
from keras_reid.zoo import info, list_models
from keras_reid.zoo.manifest import Entry, Manifest


def test_every_network_has_a_name_in_the_zoo():
    assert list_models()[: len(networks.names())] == networks.names()
    assert {"han_small", "han_medium", "han_large"} <= set(list_models())


def test_weights_under_a_name_of_their_own(zoo):
    manifest = Manifest.read(zoo / "manifest.json")
    manifest.with_entry(dataclasses.replace(manifest.entries["tiny"], name="tiny_indoors")).write(zoo / "manifest.json")
    assert list_models() == ["tiny", "tinier", "wide", "tiny_indoors"]
    assert info("tiny_indoors")["network"] == "tiny"


def test_published(zoo):
    card = info("tiny")
    assert card["published"] is True
    assert card["image_size"] == [16, 8]
    assert card["embedding_size"] == 6
    assert card["licence"] == "Apache-2.0"
    assert len(card["sha256"]) == 64


def test_not_published(zoo):
    card = info("wide")
    assert card["published"] is False
    assert card["network"] == "wide"
    assert card["sha256"] is None
    assert set(card) == {field.name for field in dataclasses.fields(Entry)} | {"published"}


def test_unknown_name(zoo):
    with pytest.raises(ReIDError) as caught:
        info("tinny")
    assert str(caught.value) == (
        "There is no model 'tinny' in the zoo. Did you mean 'tiny'? Known: tiny, tinier, wide."
    )


def test_unknown_name_like_no_other(zoo):
    with pytest.raises(ReIDError) as caught:
        info("osnet")
    assert str(caught.value) == "There is no model 'osnet' in the zoo. Known: tiny, tinier, wide."

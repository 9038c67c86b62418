"""Models by name, with published, own and random weights."""

import dataclasses

import h5py
import numpy as np
import pytest
from tiny_network import Tiny

from keras_reid import ReIDError, networks
from keras_reid.zoo import load
from keras_reid.zoo.fetching import shipped_path
from keras_reid.zoo.manifest import Manifest
from keras_reid.zoo.weights import read, write


def message(*arguments, **keywords):
    with pytest.raises(ReIDError) as caught:
        load(*arguments, **keywords)
    return str(caught.value)


def test_published_weights(zoo, trained, images):
    model = load("tiny")
    assert isinstance(model, Tiny)
    assert model.identities is None
    cosines = np.sum(model.embed(images) * trained[0].embed(images), axis=1)
    assert cosines.min() > 0.99999


def test_published_weights_with_fresh_heads(zoo, images):
    model = load("tiny", identities=7)
    assert model.global_head.kernel.shape == (6, 7)
    np.testing.assert_array_equal(model.embed(images), load("tiny").embed(images))


def test_own_file(zoo, trained, images):
    np.testing.assert_array_equal(load("tiny", weights=trained[1]).embed(images), trained[0].embed(images))
    np.testing.assert_array_equal(load("tiny", weights=str(trained[1])).embed(images), trained[0].embed(images))


def test_own_file_says_its_options(zoo, tmp_path, images):
    """Or no command could load it; and pictures of another size than it was trained on would go in without a word."""
    saved, written = tmp_path / "saved.weights.h5", tmp_path / "written.weights.h5"
    model = load("tiny", weights=None, input_shape=(12, 8, 3), width=7, identities=2)
    model.save_weights(saved)
    write(saved, written)
    for path in (saved, written):
        np.testing.assert_array_equal(load("tiny", weights=path).embed(images), model.embed(images))
        assert load("tiny", weights=path).image_size == (12, 8)
        assert load("tiny", weights=path, input_shape=(16, 8, 3)).image_size == (16, 8)


def test_own_file_that_does_not_say_them(zoo, trained):
    with h5py.File(trained[1], "r+") as file:
        del file["vars"].attrs["options"]
    assert load("tiny", weights=trained[1]).image_size == (16, 8)


def test_own_file_of_another_variant_under_a_name_of_its_own(zoo, tmp_path):
    """As the sizes of HAN, whose weights have the same shapes: figures would be wrong, and nobody would know why."""
    path = tmp_path / "mine.weights.h5"
    Tiny(width=5, name="mine").save_weights(path)
    assert load("wide", weights=path).get_config()["width"] == 5
    assert load("tiny", weights=path).get_config()["width"] == 5
    Tiny(name="mine").save_weights(path)
    with pytest.raises(ReIDError, match="width=4 and do not fit 'wide', which has width=5: name that network, or give"):
        load("wide", weights=path)
    assert load("wide", weights=path, width=4).get_config()["width"] == 4


@pytest.mark.parametrize(("answer", "size"), [("n", (16, 8)), ("y", (12, 8))])
def test_a_file_that_keras_asks_about_says_its_own_size(zoo, trained, monkeypatch, answer, size):
    monkeypatch.setattr("builtins.input", lambda question: answer)
    load("tiny", input_shape=(12, 8, 3)).save_weights(trained[1], overwrite=False)
    assert load("tiny", weights=trained[1]).image_size == size


def test_own_file_of_before_says_the_size_of_its_pictures(zoo, trained):
    with h5py.File(trained[1], "r+") as file:
        del file["vars"].attrs["options"]
        file["vars"].attrs["image_size"] = (12, 8)
    assert load("tiny", weights=trained[1]).image_size == (12, 8)


def test_options_that_json_cannot_hold_are_left_out(zoo, tmp_path):
    path = tmp_path / "mine.weights.h5"
    model = Tiny(width=7)
    model._options["depth"] = {1}
    model.save_weights(path)
    assert read(path).options == {"width": 7, "input_shape": (16, 8, 3)}


def test_random_weights(zoo, images):
    model, other = load("wide", weights=None), load("wide", weights=None)
    assert np.abs(model.embed(images) - other.embed(images)).max() > 1e-3


def test_options_reach_the_network(zoo):
    assert load("tiny", weights=None, width=9, input_shape=(12, 8, 3)).image_size == (12, 8)


def test_options_of_the_entry(zoo, images):
    """Weights published under a name of their own bring their network and its options along."""
    manifest = Manifest.read()
    entry = dataclasses.replace(manifest.entries["tiny"], name="tiny_low", options={"input_shape": [12, 8, 3]})
    manifest.with_entry(entry).write(zoo / "manifest.json")
    assert load("tiny_low").image_size == (12, 8)
    assert load("tiny_low", input_shape=(16, 8, 3)).image_size == (16, 8)


def test_options_that_the_published_weights_do_not_fit(zoo):
    assert message("tiny", width=5).startswith(
        f"The weights in '{shipped_path(Manifest.read().entries['tiny'])}' do not fit 'tiny': of 8 variables 0 are "
        "missing"
    )


def test_nothing_published(zoo):
    assert message("wide") == (
        "No published weights for 'wide' yet; use weights=None for random initialisation. Models with published "
        "weights: tiny."
    )


def test_nothing_published_at_all(zoo):
    Manifest({}).write(zoo / "manifest.json")
    assert message("wide").endswith("Models with published weights: none yet.")


def test_unknown_name(zoo):
    assert message("tinny", weights=None) == (
        "There is no model 'tinny' in the zoo. Did you mean 'tiny'? Known: tiny, tinier, wide."
    )


def test_imagenet(zoo):
    assert message("tiny", weights="imagenet") == (
        "There are no ImageNet weights for 'tiny': it is trained from random weights, as in its paper. Networks of "
        "this version that start from ImageNet: none. Use weights='published' or weights=None."
    )


def test_no_such_file(zoo):
    assert message("tiny", weights="pubished") == (
        "Expected `weights` to be 'published', 'imagenet', None or the path of a .weights.h5 file. There is no file "
        "'pubished'."
    )
    assert message("tiny", weights=True).endswith(" There is no file 'True'.")


def test_file_of_another_network(zoo, trained):
    assert message("tinier", weights=trained[1]) == (
        f"The weights in '{trained[1]}' are those of 'tiny' and do not fit 'tinier': load 'tiny' instead."
    )


def test_options_as_numpys_numbers(tmp_path):
    """As from `for levels in np.arange(3)`: what the file says is what the network is."""
    options = {"input_shape": (32, 32, 3), "branches": ("global",), "attention": ()}
    options |= {"standardized": np.bool_(False), "regions": np.int64(2)}
    model = networks.create("han_small", **options)
    model.save_weights(tmp_path / "own.weights.h5")
    again = load("han_small", weights=tmp_path / "own.weights.h5")
    assert again.get_config() == model.get_config()
    assert (again.get_config()["standardized"], again.get_config()["regions"]) == (False, 2)

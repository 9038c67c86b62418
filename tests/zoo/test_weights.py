"""Weights files: half precision, heads left out, and one clear message for those of another network."""

import h5py
import numpy as np
import pytest
from tiny_network import Tiny

from keras_reid import ReIDError, networks
from keras_reid.zoo.weights import load_into, write

KNOWN = ["tiny", "tinier", "wide"]


def message(model, path):
    with pytest.raises(ReIDError) as caught:
        load_into(model, path, KNOWN)
    return str(caught.value)


def datasets(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return found


def test_written_file_has_no_heads_and_halves_matrices(trained, tmp_path):
    path = tmp_path / "half.weights.h5"
    write(trained[1], path, "float16")
    before, after = datasets(trained[1]), datasets(path)
    assert set(before) - set(after) == {"global_head/vars/0"}
    assert set(after) < set(before)
    for name, values in after.items():
        assert values.dtype == (np.float16 if values.ndim > 1 else np.float32)
        np.testing.assert_array_equal(values, before[name].astype(values.dtype))
    assert sum(values.ndim > 1 for values in after.values()) == 2  # convolution and dense layer


def test_writing_twice_gives_the_same_bytes(trained, tmp_path):
    for name in "ab":
        write(trained[1], tmp_path / f"{name}.weights.h5", "float16")
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()


def test_float16_file_loads_into_float32_model(trained, tmp_path, images):
    path = tmp_path / "half.weights.h5"
    write(trained[1], path, "float16")
    model = networks.create("tiny")
    load_into(model, path, KNOWN)
    assert {variable.dtype for variable in model.variables} == {"float32"}
    for ours, theirs in zip(model.layers, trained[0].layers, strict=True):
        for value, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            rounded = expected.astype(np.float16).astype(np.float32) if expected.ndim > 1 else expected
            np.testing.assert_array_equal(value, rounded)
    np.testing.assert_allclose(model.embed(images), trained[0].embed(images), atol=2e-3)


def test_float32_file_gives_the_same_embeddings(trained, tmp_path, images):
    path = tmp_path / "whole.weights.h5"
    write(trained[1], path)
    model = networks.create("tiny")
    load_into(model, path, KNOWN)
    np.testing.assert_array_equal(model.embed(images), trained[0].embed(images))


@pytest.mark.parametrize("identities", [None, 3, 9])
def test_heads_are_never_read(trained, identities, images):
    model = networks.create("tiny", identities=identities)
    fresh = model.global_head.kernel.numpy() if identities else None
    load_into(model, trained[1], KNOWN)
    np.testing.assert_array_equal(model.embed(images), trained[0].embed(images))
    if identities:
        np.testing.assert_array_equal(model.global_head.kernel.numpy(), fresh)


def test_state_of_the_optimizer_does_not_matter(trained, tmp_path, images):
    model, _ = trained
    model.compile(optimizer="adam")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "b.weights.h5")
    assert any(name.startswith("optimizer/") for name in datasets(tmp_path / "b.weights.h5"))
    other = networks.create("tiny")
    load_into(other, tmp_path / "b.weights.h5", KNOWN)
    np.testing.assert_array_equal(other.embed(images), model.embed(images))


def test_same_shapes_of_another_network(trained):
    assert message(networks.create("tinier"), trained[1]) == (
        f"The weights in '{trained[1]}' are those of 'tiny' and do not fit 'tinier': load 'tiny' instead."
    )


def test_model_that_its_owner_named(trained, tmp_path, images):
    own = Tiny(name="mine")
    own.save_weights(tmp_path / "mine.weights.h5")
    model = networks.create("tiny")
    load_into(model, tmp_path / "mine.weights.h5", KNOWN)
    np.testing.assert_array_equal(model.embed(images), own.embed(images))


def test_other_shapes(trained):
    model = networks.create("tiny", width=5)
    assert message(model, trained[1]) == (
        f"The weights in '{trained[1]}' do not fit 'tiny': of 8 variables 0 are missing in the file and 3 have another "
        "shape, and 0 of the file's have no place in the network. First: layers/conv2d/vars/0 should be (3, 3, 3, 5) "
        "and is (3, 3, 3, 4); layers/conv2d/vars/1 should be (5,) and is (4,); layers/dense/vars/0 should be (5, 6) "
        "and is (4, 6). Name the network they were saved from, with the same options."
    )


def test_variables_missing(trained):
    assert message(networks.create("tiny", depth=2), trained[1]) == (
        f"The weights in '{trained[1]}' do not fit 'tiny': of 10 variables 2 are missing in the file and 0 have "
        "another shape, and 0 of the file's have no place in the network. First: layers/conv2d_1/vars/0 (3, 3, 4, 4) "
        "is missing; layers/conv2d_1/vars/1 (4,) is missing. Name the network they were saved from, with the same "
        "options."
    )


def test_variables_too_many(trained, tmp_path):
    path = tmp_path / "deep.weights.h5"
    networks.create("tiny", depth=2).save_weights(path)
    assert message(networks.create("tiny"), path) == (
        f"The weights in '{path}' do not fit 'tiny': of 8 variables 0 are missing in the file and 0 have another "
        "shape, and 2 of the file's have no place in the network. First: layers/conv2d_1/vars/0 (3, 3, 4, 4) has no "
        "place; layers/conv2d_1/vars/1 (4,) has no place. Name the network they were saved from, with the same options."
    )


def test_no_file(tiny, tmp_path):
    path = tmp_path / "no.weights.h5"
    assert message(networks.create("tiny"), path) == (
        "Expected `weights` to be 'published', 'imagenet', None or the path of a .weights.h5 file. There is no file "
        f"'{path}'."
    )


def test_whole_model_file(tiny, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK")
    assert message(networks.create("tiny"), path) == (
        f"Expected a file whose name ends in .weights.h5, as `model.save_weights` writes it. Received: '{path}'. "
        "A whole model in a .keras file is loaded by keras.models.load_model."
    )


def test_text_file(tiny, tmp_path):
    path = tmp_path / "text.weights.h5"
    path.write_text("not found")
    assert message(networks.create("tiny"), path) == (
        f"The weights file '{path}' is damaged or no HDF5 file (Unable to synchronously open file (file signature not "
        "found))."
    )


def test_truncated_file(trained, tmp_path):
    path = tmp_path / "cut.weights.h5"
    content = trained[1].read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert message(networks.create("tiny"), path).startswith(f"The weights file '{path}' is damaged or no HDF5 file (")


def test_other_hdf5_file(tiny, tmp_path):
    path = tmp_path / "other.weights.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros(3)
    assert message(networks.create("tiny"), path) == (
        f"'{path}' is an HDF5 file, but not one that `model.save_weights` of Keras 3 wrote."
    )


def test_unknown_precision(trained, tmp_path):
    with pytest.raises(ReIDError, match=r"^`precision` is 'float32' or 'float16'. Received: 'int8'$"):
        write(trained[1], tmp_path / "x.weights.h5", "int8")


def test_interrupted_write_leaves_the_old_file(trained, tmp_path, monkeypatch):
    path = tmp_path / "a.weights.h5"
    path.write_bytes(b"old")
    monkeypatch.setattr("h5py.Group.attrs", property(lambda _: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        write(trained[1], path)
    assert path.read_bytes() == b"old"


def test_sizes_of_han_are_told_apart(tmp_path):
    path = tmp_path / "han_large.weights.h5"
    small, large = (networks.create(name, embedding=8) for name in ("han_small", "han_large"))
    large.save_weights(path)
    assert [weight.shape for weight in small.weights] == [weight.shape for weight in large.weights]
    with pytest.raises(
        ReIDError, match=r"are those of 'han_large' and do not fit 'han_small': load 'han_large' instead\.$"
    ):
        load_into(small, path, networks.names())

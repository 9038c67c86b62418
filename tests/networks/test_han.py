import itertools

import keras
import numpy as np
import pytest

from keras_reid import networks
from keras_reid.errors import ReIDError
from keras_reid.layers.harmonious_attention import KINDS

SMALL = (32, 32, 3)


def pictures(number=3, size=SMALL):
    return np.random.default_rng(0).integers(0, 256, (number, *size), dtype="uint8")


@pytest.fixture(scope="module")
def model():
    return networks.create("han_small", input_shape=SMALL)


def embedded(model, images):
    """Operation by operation: `predict` would trace the network first, which takes four times as long."""
    return keras.ops.convert_to_numpy(model(images))


@pytest.mark.parametrize("name", ["han_small", "han_medium", "han_large"])
def test_sizes(name):
    """Levels leave maps of half the size each, wherever the stride stands; all sizes have the same weights."""
    model = networks.create(name)
    assert model.input_shape == (None, 160, 64, 3)
    assert model.output_shape == (None, 1024)
    shapes = [model.get_layer(f"level{level}.attention").input.shape[1:] for level in (1, 2, 3)]
    assert shapes == [(40, 16, 128), (20, 8, 256), (10, 4, 384)]
    crops = [model.get_layer(f"level{level}.crop").output.shape[1:4] for level in (1, 2, 3)]
    assert crops == [(4, 24, 28), (4, 12, 14), (4, 6, 7)]
    assert [tuple(w.shape) for w in model.weights] == [tuple(w.shape) for w in networks.create("han_small").weights]


def test_embedding_is_two_halves_of_equal_length(model):
    vectors = embedded(model, pictures())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors[:, :512], axis=1), np.sqrt(0.5), rtol=1e-5)


@pytest.mark.parametrize("attention", [s for n in range(4) for s in itertools.combinations(KINDS, n)], ids="+".join)
def test_every_subset_of_attention(attention):
    model = networks.create("han_small", input_shape=SMALL, attention=attention)
    shown = model.attention(pictures(2))
    kinds = {name.split(".")[1] for name in shown if "." in name}
    soft = {"soft"} if {"spatial", "channel"} & set(attention) else set()
    assert kinds == {"regions"} | soft | (set(attention) - {"hard"})


@pytest.mark.parametrize("unit", ["depthwise", "residual", "inception"])
def test_units(unit):
    model = networks.create("han_large", input_shape=SMALL, unit=unit)
    assert model.get_layer("level3.attention").input.shape == (None, 2, 2, 384)


@pytest.mark.parametrize(
    ("options", "regions", "soft"),
    [
        ({}, (1, 2, 3), (1, 2, 3)),
        ({"interaction": False}, (1,), (1, 2, 3)),
        ({"branches": ("global",)}, (), (1, 2, 3)),
        ({"branches": ("local",)}, (1, 2, 3), (1, 2)),
        ({"branches": ("local",), "interaction": False}, (1,), ()),
    ],
    ids=str,
)
def test_attention_is_where_something_looks_at_it(options, regions, soft):
    """No other would learn."""
    model = networks.create("han_small", input_shape=SMALL, **options)
    shown = [name for name in model.attention(pictures(1)) if name.endswith((".regions", ".soft"))]
    assert shown == sorted([f"level{n}.regions" for n in regions] + [f"level{n}.soft" for n in soft])
    located = {weight.path.split(".")[0] for weight in model.weights if "locate" in weight.path}
    assert located == {f"level{n}" for n in regions}


@pytest.mark.parametrize(("interaction", "levels"), [(True, {"level1", "level2"}), (False, set())])
def test_units_are_where_something_looks_at_them(interaction, levels):
    """Regions that are not learnt depend on no map."""
    options = {"branches": ("local",), "attention": ("spatial", "channel"), "interaction": interaction}
    model = networks.create("han_small", input_shape=SMALL, **options)
    names = [layer.name.split(".") for layer in model.layers]
    assert {first for first, *others in names if others and others[0].startswith("unit") and first != "local"} == levels
    assert "level1.regions" in model.attention(pictures(1))


@pytest.mark.parametrize(
    ("options", "length"),
    [
        ({"branches": ("global",), "standardized": False}, 1024),
        ({"branches": ("local",), "interaction": False, "regions": np.int64(3)}, 1024),
        ({"embedding": np.int64(128), "local_stride": True, "synchronized": True}, 128),
    ],
    ids=str,
)
def test_options(options, length):
    model = networks.create("han_small", input_shape=SMALL, identities=np.int64(2), **options)
    assert model.output_shape == (None, length)
    outputs = model({"images": pictures()})
    assert set(outputs) == {f"{branch}{end}" for branch in model.branches for end in ("", "_features")}
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(embedded(again, pictures()), embedded(model, pictures()))


@pytest.mark.parametrize("standardized", [True, False])
def test_exposure_and_white_balance_do_not_matter(standardized):
    """A camera with another gain and offset in each channel, within what does not clip."""
    model = networks.create("han_small", input_shape=SMALL, standardized=standardized)
    pictures = np.random.default_rng(1).uniform(0, 200, (3, *SMALL)).astype("float32")
    other = pictures * np.array([0.7, 1.0, 0.8], "float32") + np.array([50, 20, 5], "float32")
    cosines = np.sum(embedded(model, pictures) * embedded(model, other), axis=1)
    assert (cosines.min() > 0.9999) == standardized


def test_a_picture_of_one_colour_divides_by_no_zero(model):
    vectors = embedded(model, np.full((1, *SMALL), 255, "uint8"))
    assert np.isfinite(vectors).all()


def test_without_interaction_regions_enter_once():
    names = [layer.name for layer in networks.create("han_small", input_shape=SMALL, interaction=False).layers]
    assert [name for name in names if name.endswith(".crop")] == ["level1.crop"]


def test_regions_start_stacked_from_head_to_feet(model):
    regions = model.attention(pictures(1))["level1.regions"][0]
    height, width = 5 / 16, 14 / 16  # of the 16×16 map that enters level 1: 0.3 and 0.875 of it, rounded
    centres = np.array([1, 3, 5, 7]) / 8
    expected = np.stack([centres - height / 2, np.full(4, 0.5 - width / 2)], axis=1)
    np.testing.assert_allclose(regions[:, :2], expected, atol=2e-5)
    np.testing.assert_allclose(regions[:, 2:] - regions[:, :2], np.tile([height, width], (4, 1)), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "huge"}, "`size` is one of small, medium, large. Received: size='huge'"),
        ({"branches": ("both",)}, "`branches` is one or both of 'global', 'local'. Received: branches=('both',)"),
        ({"unit": "dense"}, "`unit` is one of depthwise, residual, inception. Received: unit='dense'"),
        ({"embedding": 333}, "`embedding` is shared equally by 2 branches. Received: 333"),
        ({"input_shape": (16, 8, 3)}, "`input_shape` is (height, width, 3), at least 32×32. Received: (16, 8, 3)"),
        ({"input_shape": 160}, "`input_shape` is (height, width, 3), at least 32×32. Received: 160"),
        ({"embedding": 256.0}, "`embedding` is a whole number above 0. Received: embedding=256.0"),
        ({"regions": 2.5}, "`regions` is a whole number above 0. Received: regions=2.5"),
        (
            {"attention": "hard"},
            "HarmoniousAttention expects `attention` out of ('spatial', 'channel', 'hard'). Received: attention='hard'",
        ),
        (
            {"attention": "hard", "branches": ("global",)},
            "HarmoniousAttention expects `attention` out of ('spatial', 'channel', 'hard'). Received: attention='hard'",
        ),
        (
            {"attention": None},
            "HarmoniousAttention expects `attention` out of ('spatial', 'channel', 'hard'). Received: attention=None",
        ),
        ({"standardized": "no"}, "`standardized` is True or False. Received: standardized='no'"),
        ({"identities": 0}, "`identities` is the number of people to train on, at least 1. Received: 0"),
        ({"identities": "many"}, "`identities` is the number of people to train on, at least 1. Received: 'many'"),
        (
            {"region": 4},
            "The network 'han_small' has no option 'region'. Did you mean 'regions'? Its options: size, input_shape, "
            "attention, interaction, branches, unit, embedding, local_stride, regions, synchronized, "
            "standardized.",
        ),
    ],
    ids=str,
)
def test_bad_options(options, message):
    with pytest.raises(ReIDError) as error:
        networks.create("han_small", **options)
    assert str(error.value) == message


def test_unknown_network():
    with pytest.raises(ReIDError) as error:
        networks.create("han_smal")
    assert str(error.value) == (
        f"There is no network 'han_smal'. Did you mean 'han_small'? Known: {', '.join(networks.names())}."
    )

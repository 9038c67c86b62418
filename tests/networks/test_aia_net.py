import keras
import numpy as np
import pytest

from keras_reid import networks
from keras_reid.errors import ReIDError
from keras_reid.layers import AttentionInAttention
from keras_reid.losses import BatchHardTriplet
from keras_reid.pictures import draw_attention

SMALL = {"input_shape": (64, 32, 3), "parts": 1}
APPEARANCE = {"input_shape": (32, 32, 3), "branches": ("appearance",), "embedding": 64}  # a quarter of the layers


def pictures(number=3, size=(64, 32, 3)):
    return np.random.default_rng(0).integers(0, 256, (number, *size), dtype="uint8")


def attentions(model):
    return [layer for layer in model.layers if isinstance(layer, AttentionInAttention)]


def test_the_papers_sizes():
    model = networks.create("aia_net_linear")
    assert model.input_shape == (None, 256, 128, 3)
    assert model.output_shape == (None, 1024)
    assert model.branches == ("appearance", "part")
    shapes = [model.get_layer(f"level{level}.attention").input.shape[1:] for level in (1, 2, 3, 4)]
    assert shapes == [(32, 16, 192), (16, 8, 480), (8, 4, 832), (8, 4, 1024)]
    for part in range(1, 5):  # every strip comes at the size of the whole map
        assert model.get_layer(f"part{part}.inception4a.1x1.conv").input.shape == (None, 16, 8, 480)
    assert [tuple(model.get_layer(branch).kernel.shape) for branch in model.branches] == [(1024, 512), (4096, 512)]


@pytest.mark.parametrize(
    ("name", "kernel", "positions", "inner"),
    [
        ("bat_net", "polynomial", [2], True),
        ("bat_net_without_aia", "polynomial", [2], False),
        ("aia_net_linear", "linear", [1, 2, 3, 4], True),
        ("aia_net_polynomial", "polynomial", [1, 2, 3, 4], True),
        ("aia_net_gaussian", "gaussian", [1, 2, 3, 4], True),
    ],
)
def test_variants(name, kernel, positions, inner):
    model = networks.create(name, **APPEARANCE)
    assert [layer.name for layer in attentions(model)] == [f"level{position}.attention" for position in positions]
    assert {(layer.kernel, layer.inner_attention) for layer in attentions(model)} == {(kernel, inner)}
    maps = model.attention(pictures(2, (32, 32, 3)))
    assert set(maps) == {"appearance", *(f"level{position}.soft" for position in positions)}
    assert maps["level2.soft"].shape == (2, 2, 2, 480)
    drawn = draw_attention(pictures(2, (32, 32, 3)), maps)
    assert drawn.width > 92 * (1 + len(positions))  # the picture and every level in a column of its own
    assert 0.5 <= maps["level2.soft"].min() < maps["level2.soft"].max() <= 1


@pytest.mark.slow
def test_both_branches_train_and_come_back():
    model = networks.create("aia_net_gaussian", identities=4, features=16, **SMALL)
    images, labels = pictures(8), np.arange(8) // 2
    vectors = keras.ops.convert_to_numpy(model(images))
    np.testing.assert_allclose(np.linalg.norm(vectors[:, :512], axis=1), np.sqrt(0.5), rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors[:, 512:], axis=1), np.sqrt(0.5), rtol=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    again.set_weights(model.get_weights())
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again(images), vectors)

    fixed = [layer.feature_map.frequencies for layer in attentions(model)]
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights}
    frequencies = [keras.ops.convert_to_numpy(weight) for weight in fixed]
    assert not np.array_equal(frequencies[2][..., :48, :], frequencies[3][..., :48, :])
    model.compile(keras.optimizers.Adam(1e-2, epsilon=1e-30), run_eagerly=True)  # compiling takes a minute
    model.fit(images, labels, batch_size=8, verbose=0)
    stood = [w.path for w in model.trainable_weights if np.array_equal(keras.ops.convert_to_numpy(w), before[w.path])]
    assert stood == []
    for weight, old in zip(fixed, frequencies, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), old)


def test_losses_and_optimizer_are_the_papers():
    model = networks.create("bat_net", identities=3, **APPEARANCE)
    model.compile()
    triplet = model._compile_loss._user_loss["appearance_features"]
    assert isinstance(triplet, BatchHardTriplet)
    assert (triplet.margin, triplet.negatives, triplet.distance) == (1.0, 5, "euclidean")
    assert isinstance(model._compile_loss._user_loss["appearance"], keras.losses.SparseCategoricalCrossentropy)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(5e-4)
    assert model.optimizer.weight_decay == 1e-4
    assert [300 * share for share in model.milestones] == pytest.approx([150, 200, 250])
    assert [250 * share for share in networks.AiANet.milestones] == pytest.approx([150, 200])


def test_strips_of_the_attended_map():
    """Strip t holds rows t·h/T up to (t + 1)·h/T of block 2, resized back."""
    model = networks.create("bat_net", reduction=16, input_shape=(64, 32, 3), parts=4)
    tensors = {"whole": model.get_layer("level2.attention").output[0]}
    tensors |= {part: model.get_layer(f"part{part}.inception4a.1x1.conv").input for part in (1, 2, 3, 4)}
    found = keras.Function(model.input, tensors)(pictures(2).astype("float32"))
    whole = keras.ops.convert_to_numpy(found["whole"])
    assert whole.shape == (2, 4, 2, 480)
    for part in (1, 2, 3, 4):  # one row each: resizing repeats it
        row = np.repeat(whole[:, part - 1 : part], 4, axis=1)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found[part]), row, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "length", "levels"),
    [
        ({"positions": ()}, 64, []),
        ({"positions": [3, 2], "synchronized": True}, 64, [2, 3]),
        ({"branches": ("part",), "parts": 2, "embedding": np.int64(64), "backbone": "mobilenet"}, 64, [1, 2]),
    ],
    ids=str,
)
def test_options(options, length, levels):
    model = networks.create("aia_net_linear", **{**APPEARANCE, **options})
    assert model.output_shape == (None, length)
    assert [layer.name for layer in attentions(model)] == [f"level{level}.attention" for level in levels]
    maps = model.attention(pictures(1, (32, 32, 3)))
    assert sorted(name for name in maps if name.endswith("soft")) == [f"level{level}.soft" for level in levels]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positions": (0,)}, "`positions` is any of 1, 2, 3, 4, the backbone's blocks. Received: positions=(0,)"),
        ({"positions": None}, "`positions` is any of 1, 2, 3, 4, the backbone's blocks. Received: positions=None"),
        ({"branches": None}, "`branches` is one or both of 'appearance', 'part'. Received: branches=None"),
        ({"inner_attention": "no"}, "`inner_attention` is True or False. Received: inner_attention='no'"),
        ({"branches": ()}, "`branches` is one or both of 'appearance', 'part'. Received: branches=()"),
        ({"embedding": 333}, "`embedding` is shared equally by 2 branches. Received: 333"),
        ({"frames": True}, "`frames` is a whole number above 0. Received: frames=True"),
        ({"parts": 0}, "`parts` is a whole number above 0. Received: parts=0"),
        ({"input_shape": (16, 8, 3)}, "`input_shape` is (height, width, 3), at least 32×32. Received: (16, 8, 3)"),
        (
            {"input_shape": (32, 32, 3)},
            "The map behind block 2 has 2 rows, too few for 4 strips: take larger pictures or fewer `parts`.",
        ),
        (
            {"kernel": "cubic"},
            "AttentionInAttention expects `kernel` out of ('linear', 'polynomial', 'gaussian'). "
            "Received: kernel='cubic'",
        ),
        (
            {"kernel": "cubic", "positions": ()},
            "AttentionInAttention expects `kernel` out of ('linear', 'polynomial', 'gaussian'). "
            "Received: kernel='cubic'",
        ),
    ],
    ids=str,
)
def test_bad_options(options, message):
    with pytest.raises(ReIDError) as error:
        networks.create("aia_net_linear", **options)
    assert str(error.value) == message

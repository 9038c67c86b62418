import keras
import numpy as np
import pytest
from keras import ops

from keras_reid import networks
from keras_reid.errors import ReIDError
from keras_reid.layers import OmniForegroundAttention
from keras_reid.losses import AttentionCosineDistance, ImprovedTriHard
from keras_reid.networks.aanet import _attended
from keras_reid.networks.parts import rows_of_parts

SMALL = {"input_shape": (96, 32, 3), "width": 4}  # a last map of 6×2×128
BLOCKS = (3, 4, 6, 3)


def pictures(number=4, size=(96, 32, 3)):
    return np.random.default_rng(0).integers(0, 256, (number, *size), dtype="uint8")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return networks.create("aanet", identities=3, **SMALL)


def test_embedding_is_the_parts_joined(model):
    """Six parts of the last map, compared as a whole; the global branch is not in it."""
    assert model.branches == ("part1", "part2", "part3", "part4", "part5", "part6")
    vectors = ops.convert_to_numpy(model(pictures()))
    shown = model.attention(pictures())
    whole = np.concatenate([shown[branch] for branch in model.branches], axis=1)
    np.testing.assert_allclose(vectors, whole / np.linalg.norm(whole, axis=1, keepdims=True), rtol=1e-4, atol=1e-6)
    last = ops.convert_to_numpy(keras.Model(model.input, model.get_layer("feature_map").output)(pictures()))
    np.testing.assert_allclose(shown["part2"], last[:, 1].mean(axis=1), rtol=1e-3, atol=1e-3)


def test_gates_at_1_are_the_plain_resnet(model):
    plain = networks.create("aanet", placement=0, **SMALL)
    theirs = {layer.name: layer for layer in model.layers}
    for layer in plain.layers:
        layer.set_weights(theirs[layer.name].get_weights())
    expected = ops.convert_to_numpy(plain(pictures()))
    different = np.abs(expected - ops.convert_to_numpy(model(pictures()))).max()
    gates = [layer for layer in model.layers if isinstance(layer, OmniForegroundAttention)]
    assert len(gates) == 6
    before = [gate.spatial.widen.get_weights() for gate in gates]
    for gate in gates:
        kernel, bias = gate.spatial.widen.get_weights()
        gate.spatial.widen.set_weights([0 * kernel, 0 * bias + 100])
    same = np.abs(expected - ops.convert_to_numpy(model(pictures()))).max()
    for gate, weights in zip(gates, before, strict=True):
        gate.spatial.widen.set_weights(weights)
    assert same == 0
    assert different > 1e-5


@pytest.mark.parametrize(
    ("placement", "number", "first"),
    [
        (0, 0, None),
        (3, 3, "conv5_block1"),
        (6, 6, "conv4_block4"),
        (9, 9, "conv4_block1"),
        (16, 16, "conv2_block1"),
        (("conv2",), 3, "conv2_block1"),
        (("conv5", "conv3"), 7, "conv3_block1"),
    ],
)
def test_placement(placement, number, first):
    blocks = _attended(placement, BLOCKS)
    assert len(blocks) == number
    assert blocks[:1] == ([first] if first else [])


@pytest.mark.parametrize(
    "options",
    [
        {"series": True, "placement": 1, "parts": 2, "backbone": "resnet50_v1.5", "synchronized": True},
        {"placement": ("conv3",), "global_branch": False, "reduction": 8},
    ],
    ids=["series", "conv3"],
)
def test_options(options):
    model = networks.create("aanet", identities=2, **{**SMALL, **options})
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]
    assert ("global_features" in model.training_outputs) == options.get("global_branch", True)
    assert set(model({"images": pictures(2)})) == set(model.training_outputs)


def test_in_series_the_mask_is_of_what_leaves(model):
    series = networks.create("aanet", placement=3, series=True, **SMALL)
    assert series.get_layer("conv5_block1.attention").channel.squeeze.kernel.shape[0] == 128
    assert model.get_layer("conv5_block1.attention").channel.squeeze.kernel.shape[0] == 64


def test_attention(model):
    shown = model.attention(pictures(2))
    shapes = {name: value.shape[1:] for name, value in shown.items() if name.startswith("level")}
    assert shapes == {
        **{f"level{level}.spatial": (6, 2) for level in range(1, 7)},
        **{f"level{level}.channel": (64,) for level in (1, 2, 3, 4)},
        **{f"level{level}.channel": (128,) for level in (5, 6)},
    }


def test_alignment_is_the_class_activation_map_of_the_own_identity(model):
    """Eq. 3 and 4: its sum, over positions, is that of the parts' logits, whatever the identity."""
    outputs = model({"images": pictures()})
    labels = np.array([[2], [0], [1], [2]])
    maps = ops.convert_to_numpy(model.with_labels(labels, outputs)["alignment"])
    assert maps.shape == (4, 6, 2)
    logits = sum(ops.convert_to_numpy(outputs[branch]) for branch in model.branches)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)) / 2, logits[np.arange(4), labels[:, 0]], rtol=1e-3, atol=1e-3)
    kernel, last = model.part3_head.kernel[:, 0], outputs["alignment"][1, 2]
    np.testing.assert_allclose(
        maps[1, 2], ops.convert_to_numpy(last) @ ops.convert_to_numpy(kernel), rtol=1e-3, atol=1e-5
    )


def test_the_papers_losses_and_training(model):
    losses = model.default_loss()
    assert isinstance(losses["global_features"], ImprovedTriHard)
    assert isinstance(losses["alignment"], AttentionCosineDistance)
    model.compile(run_eagerly=True)
    assert (float(model.optimizer.learning_rate), model.optimizer.momentum) == (pytest.approx(0.01), 0.9)
    before = [ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    saved = model.get_weights()
    history = model.fit(pictures(), np.array([0, 0, 1, 1]), batch_size=4, verbose=0).history
    assert np.isfinite(history["alignment_loss"] + history["global_features_loss"]).all()
    still = [
        weight.path
        for weight, old in zip(model.trainable_weights, before, strict=True)
        if np.abs(ops.convert_to_numpy(weight) - old).max() == 0
    ]
    model.set_weights(saved)
    # Biases before batch normalisation have no effect, and units behind a dead ReLU no gradient.
    assert [path for path in still if "kernel" in path and "head" in path] == []


@pytest.mark.parametrize(
    ("height", "parts", "rows"),
    [(24, 6, [(0, 4), (4, 8), (8, 12), (12, 16), (16, 20), (20, 24)]), (5, 2, [(0, 3), (2, 5)]), (1, 2, [(0, 1)] * 2)],
)
def test_rows_of_parts(height, parts, rows):
    assert rows_of_parts(height, parts) == rows


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"backbone": "mobilenet"},
            "`backbone` is one of resnet50, resnet101, resnet50_v1.5, resnet101_v1.5. Received: ",
        ),
        ({"width": "64"}, "`width` is a whole number above 0. Received: width='64'"),
        ({"series": 1}, "`series` is True or False. Received: series=1"),
        ({"parts": 0}, "`parts` is a whole number above 0. Received: parts=0"),
        ({"input_shape": (16, 16, 3)}, "`input_shape` is (height, width, 3), at least 32×32. Received: (16, 16, 3)"),
        (
            {"placement": 17},
            "`placement` is a number of blocks, from 0 to 16, or some of conv2, conv3, conv4, conv5. Received: "
            "placement=17",
        ),
        ({"placement": "conv5"}, "`placement` is a number of blocks, from 0 to 16, or some of conv2, conv3, conv4, "),
        ({"reduction": 0}, "`reduction` is a whole number above 0. Received: reduction=0"),
    ],
    ids=str,
)
def test_bad_options(options, message):
    with pytest.raises(ReIDError) as error:
        networks.create("aanet", **{**SMALL, **options})
    assert str(error.value).startswith(message)

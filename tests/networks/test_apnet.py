import keras
import numpy as np
import pytest
from keras import ops

from keras_reid import networks
from keras_reid.errors import ReIDError
from keras_reid.losses import BatchHardTriplet, SmoothedCrossEntropy

SMALL = {"input_shape": (64, 32, 3), "width": 4}  # stages of 16×8×16, 8×4×32, 4×2×64 and 4×2×128


def pictures(number=4, size=(64, 32, 3)):
    return np.random.default_rng(0).integers(0, 256, (number, *size), dtype="uint8")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return networks.create("apnet_c", identities=3, **SMALL)


def test_triplet_before_the_neck_and_the_rest_behind_it(model):
    """The embedding is the neck's output, of length 1; the classifier reads the neck's output too."""
    neck = model.get_layer("global.neck")
    neck.moving_mean.assign(np.random.default_rng(1).normal(size=128))
    outputs = model({"images": pictures()})
    last = ops.convert_to_numpy(keras.Model(model.input, model.get_layer("feature_map").output)(pictures()))
    compared = ops.convert_to_numpy(outputs["global_features"])
    np.testing.assert_allclose(compared, last.mean(axis=(1, 2)), rtol=1e-3, atol=1e-3)
    behind = ops.convert_to_numpy(neck(compared))
    kernel = ops.convert_to_numpy(model.global_head.kernel)
    np.testing.assert_allclose(outputs["global"], behind @ kernel, rtol=1e-3, atol=1e-3)
    vectors = ops.convert_to_numpy(model(pictures()))
    np.testing.assert_allclose(vectors, behind / np.linalg.norm(behind, axis=1, keepdims=True), rtol=1e-3, atol=1e-5)
    assert [weight.name for weight in neck.trainable_weights] == ["gamma"]


def test_the_papers_losses_and_training(model):
    losses = model.default_loss()
    assert isinstance(losses["global"], SmoothedCrossEntropy)
    assert isinstance(losses["global_features"], BatchHardTriplet)
    assert (losses["global"].smoothing, losses["global_features"].margin) == (0.1, 0.3)
    saved = model.get_weights()
    model.compile(run_eagerly=True)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(4e-4)
    history = model.fit(pictures(), np.array([0, 0, 1, 1]), batch_size=4, verbose=0).history
    assert np.isfinite(history["global_loss"] + history["global_features_loss"]).all()
    model.set_weights(saved)


def test_stacked_is_radix_1():
    """The paper's ablation: three attentions on the whole map, one after another."""
    stacked = networks.create("apnet_c", levels=3, stacked=True, **SMALL)
    pyramids = [stacked.get_layer(f"stage{stage}.attention") for stage in (1, 2, 3, 4)]
    assert [(pyramid.radix, [len(level) for level in pyramid.attentions]) for pyramid in pyramids] == [(1, [1] * 3)] * 4


def test_level_0_is_the_backbone():
    names = [layer.name for layer in networks.create("apnet_c", levels=0, **SMALL).layers]
    assert not [name for name in names if name.endswith(".attention")]


@pytest.mark.parametrize("name", ["apnet_c", "apnet_s"])
def test_attention(name):
    model = networks.create(name, **SMALL)
    shown = model.attention(pictures(2))
    sizes = {1: ((16, 8), 16), 2: ((8, 4), 32), 3: ((4, 2), 64), 4: ((4, 2), 128)}
    expected = {}
    for level, (positions, channels) in sizes.items():
        kind, shape = ("spatial", positions) if name == "apnet_s" else ("channel", (channels,))
        expected |= {f"level{level}.{which}{kind}": shape for which in ("", "step1.", "step2.")}
        if name == "apnet_c":
            expected[f"level{level}.response"] = positions
    assert {key: value.shape[1:] for key, value in shown.items() if key.startswith("level")} == expected
    kind = "spatial" if name == "apnet_s" else "channel"
    product = shown[f"level1.step1.{kind}"] * shown[f"level1.step2.{kind}"]
    np.testing.assert_allclose(shown[f"level1.{kind}"], product, rtol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "spatial", "levels": 1, "reduction": 4, "synchronized": True},
        {"backbone": "resnet50_v1.5", "radix": 4, "levels": 2},
        {"backbone": "mobilenet", "width": 64, "levels": 1},
    ],
    ids=str,
)
def test_options(options):
    model = networks.create("apnet_c", identities=2, **{**SMALL, **options})
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]
    assert model(pictures(2)).shape == (2, model.embedding_size)


def test_multi_part_adds_a_branch_of_two_halves():
    model = networks.create("apnet_c", multi_part=True, levels=1, identities=2, **SMALL)
    assert model.branches == ("global", "upper", "lower")
    assert model.output_shape == (None, 3 * 128)
    outputs = model({"images": pictures(2)})
    assert set(outputs) == {f"{branch}{end}" for branch in model.branches for end in ("", "_features")}
    local = keras.Model(model.input, model.get_layer("local.conv5_block3_out").output)(pictures(2))
    lower = ops.convert_to_numpy(local)[:, 2:].mean(axis=(1, 2))
    np.testing.assert_allclose(outputs["lower_features"], lower, rtol=1e-3, atol=1e-3)


def test_the_zoos_names():
    sizes = {name: networks.create(name, width=4, levels=0) for name in ("apnet_c", "apnet_s")}
    assert [model.image_size for model in sizes.values()] == [(384, 192), (256, 128)]
    assert sizes["apnet_s"].get_config()["attention"] == "spatial"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "both"}, "`attention` is one of channel, spatial. Received: attention='both'"),
        ({"backbone": "mobilenet"}, "The backbone 'mobilenet' has no option 'width'. Its options: after_stage, start"),
        ({"backbone": "resnet"}, "There is no backbone 'resnet'. Did you mean 'resnet50'? Known: "),
        ({"levels": 3, "radix": 5}, "AttentionPyramid splits the channels into 25 equal parts at level 3 (radix 5), "),
        (
            {"attention": "spatial", "radix": 3},
            "AttentionPyramid splits the height into 3 equal parts at level 2 (radix 3), which must divide it. "
            "Received: height of 16. Use fewer levels or another radix.",
        ),
        ({"levels": 0, "radix": 0}, "`radix` is a whole number above 0. Received: radix=0"),
        ({"width": 4.5}, "`width` is a whole number above 0. Received: width=4.5"),
        ({"attention": ["channel"]}, "`attention` is one of channel, spatial. Received: attention=['channel']"),
        ({"levels": -1}, "`levels` is a whole number, 0 for a plain ResNet, or above. Received: levels=-1"),
    ],
    ids=str,
)
def test_bad_options(options, message):
    with pytest.raises(ReIDError) as error:
        networks.create("apnet_c", **{**SMALL, **options})
    assert str(error.value).startswith(message)

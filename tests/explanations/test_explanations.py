"""Grad-CAM and class activation maps: what they are where it can be worked out, and what they refuse."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_reid import networks
from keras_reid.errors import ReIDError
from keras_reid.explanations import class_activation, grad_cam
from keras_reid.explanations.relevance import scaled
from keras_reid.pictures import draw_attention

SMALL = {"input_shape": (64, 32, 3), "width": 4}
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3), dtype="uint8")


@pytest.fixture(scope="module")
def apnet():
    keras.utils.set_random_seed(0)
    model = networks.create("apnet_c", identities=5, levels=1, **SMALL)
    model.get_layer("global.neck").moving_mean.assign(np.random.default_rng(1).normal(size=128))
    return model


@pytest.fixture(scope="module")
def aanet():
    keras.utils.set_random_seed(1)
    return networks.create("aanet", identities=5, parts=2, placement=1, **SMALL)


def last_map(model):
    front = keras.Model(model.input, model.get_layer(model.last_map).output)
    return ops.convert_to_numpy(front(PICTURES.astype("float32")))


def test_class_activation_adds_up_to_the_logit(apnet):
    """The mean of the map is the logit, less what the neck takes off: its own moving mean."""
    found = class_activation(apnet, PICTURES, identities=[0, 3, 4], normalised=False)["level1.relevance"]
    assert found.shape == (3, 4, 2)
    neck, kernel = apnet.get_layer("global.neck"), ops.convert_to_numpy(apnet.global_head.kernel)
    features = ops.convert_to_numpy(apnet({"images": PICTURES})["global_features"])
    scale = ops.convert_to_numpy(neck.gamma) / np.sqrt(ops.convert_to_numpy(neck.moving_variance) + neck.epsilon)
    expected = (features * scale @ kernel)[np.arange(3), [0, 3, 4]]
    np.testing.assert_allclose(found.mean(axis=(1, 2)), expected, rtol=1e-3)


def test_class_activation_is_what_aanet_aligns(aanet):
    """Eq. 4, by another way: the gradient knows each part's classifier."""
    labels = np.array([1, 0, 4])
    aligned = aanet.with_labels(labels, aanet({"images": PICTURES}))["alignment"]
    found = class_activation(aanet, PICTURES, identities=labels)["level1.relevance"]
    np.testing.assert_allclose(found, scaled(ops.convert_to_numpy(aligned)), rtol=1e-2, atol=1e-3)
    assert (found.min(axis=(1, 2)), found.max(axis=(1, 2))) == (pytest.approx(np.zeros(3)), pytest.approx(np.ones(3)))


def test_grad_cam_by_hand(aanet):
    """For an identity the channels' weights are the parts' classifiers', averaged (Eq. 1 and 2)."""
    labels = np.array([1, 0, 4])
    weights = sum(ops.convert_to_numpy(head.kernel).T[labels] for head in (aanet.part1_head, aanet.part2_head))
    expected = np.maximum((last_map(aanet) * weights[:, None, None]).sum(axis=-1), 0)
    found = grad_cam(aanet, PICTURES, identities=labels, batch_size=2)["level1.relevance"]
    np.testing.assert_allclose(found, scaled(expected), rtol=1e-2, atol=1e-3)


def test_the_length_of_the_own_feature(aanet):
    """Without a score of its own: every place by how much it points where the whole does."""
    features = last_map(aanet)
    parts = [features[:, :2].mean(axis=(1, 2)), features[:, 2:].mean(axis=(1, 2))]
    expected = np.concatenate(
        [
            (half * part[:, None, None]).sum(axis=-1)
            for half, part in zip(np.split(features, 2, axis=1), parts, strict=True)
        ],
        axis=1,
    )
    found = class_activation(aanet, PICTURES)["level1.relevance"]
    np.testing.assert_allclose(found, scaled(expected), rtol=1e-2, atol=1e-3)


def test_likeness_to_another_picture(apnet):
    """A picture cannot be more like itself; of two others each place has its share of the cosine's gradient."""
    own = class_activation(apnet, PICTURES[:1], like=PICTURES[0], normalised=False)["level1.relevance"]
    other = class_activation(apnet, PICTURES[:1], like=PICTURES[1], normalised=False)["level1.relevance"]
    assert np.abs(own).max() == 0 < np.abs(other).max()
    assert grad_cam(apnet, PICTURES, like=PICTURES[::-1])["level1.relevance"].shape == (3, 4, 2)


def test_several_layers_in_one_picture(apnet, tmp_path):
    layers = ("stage1.attention", "stage3.attention", "feature_map")
    found = grad_cam(apnet, PICTURES, layers)
    assert {name: value.shape for name, value in found.items()} == {
        "level1.relevance": (3, 16, 8),
        "level2.relevance": (3, 4, 2),
        "level3.relevance": (3, 4, 2),
    }
    picture = draw_attention(list(PICTURES), found, tmp_path / "why.png")
    assert picture.size[1] > 3 * 200
    assert (tmp_path / "why.png").stat().st_size > 1000


def test_attention_in_attention():
    """AiA-Net learns from clips, too: what is explained is the feature of a picture."""
    keras.utils.set_random_seed(0)
    model = networks.create("aia_net_linear", identities=5, input_shape=(64, 32, 3), parts=2, frames=2)
    found = grad_cam(model, PICTURES, ("level2.attention", "feature_map"), identities=[0, 3, 4])
    assert {name: value.shape for name, value in found.items()} == {
        "level1.relevance": (3, 4, 2),
        "level2.relevance": (3, 2, 1),
    }
    assert all(value.max() == pytest.approx(1) for value in found.values())
    last = class_activation(model, PICTURES, identities=[0, 3, 4], normalised=False)["level1.relevance"]
    features = ops.convert_to_numpy(keras.Model(model.input, model.get_layer("appearance").output)(PICTURES))
    logits = features @ ops.convert_to_numpy(model.appearance_head.kernel)
    bias = ops.convert_to_numpy(model.get_layer("appearance").bias) @ ops.convert_to_numpy(model.appearance_head.kernel)
    np.testing.assert_allclose(last.mean(axis=(1, 2)), (logits - bias)[np.arange(3), [0, 3, 4]], rtol=1e-3, atol=1e-5)


def test_a_stage_of_a_network_that_keras_has():
    model = networks.create("apnet_c", levels=0, backbone="mobilenet", input_shape=(64, 32, 3))
    assert grad_cam(model, PICTURES, "stage3")["level1.relevance"].shape == (3, 4, 2)


def test_no_pictures(apnet):
    assert grad_cam(apnet, [])["level1.relevance"].shape == (0, 4, 2)
    assert class_activation(apnet, [], like=PICTURES[0])["level1.relevance"].shape == (0, 4, 2)


@pytest.mark.parametrize("name", ["apnet", "aanet"])
def test_attention_can_be_drawn(name, request):
    assert draw_attention(list(PICTURES), request.getfixturevalue(name).attention(PICTURES)).size[1] > 3 * 200


def test_networks_without_one_last_map():
    """HAN's global branch alone; its local one reads regions."""
    han = networks.create("han_small", input_shape=(32, 32, 3))
    assert grad_cam(han, PICTURES[:, :32])["level1.relevance"].shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"layers": "stage5"},
            "'apnet_c' has no layer 'stage5'. Some that it has: stage1.attention, stage2.attention, ",
        ),
        (
            {"layers": "conv3_block1_1_conv"},
            "No branch of 'apnet_c' sees a picture through 'conv3_block1_1_conv' alone",
        ),
        (
            {"layers": "global.neck"},
            "Expected a layer that gives out a feature map, (batch, height, width, channels). ",
        ),
        ({"like": PICTURES[:2]}, "`like` is one picture, or as many as `images`. Received: 2."),
        ({"like": [PICTURES[0]] * 5}, "`like` is one picture, or as many as `images`. Received: 5."),
        ({"like": []}, "`like` is one picture, or as many as `images`. Received: 0."),
        ({"identities": [1]}, "`identities` has one number for each of 3 pictures. Received: [1]."),
        ({"identities": [1, 2, 3, 4]}, "`identities` has one number for each of 3 pictures. Received: [1, 2, 3, 4]."),
        ({"identities": 3}, "`identities` has one number for each of 3 pictures. Received: 3."),
        ({"identities": [0, 4, 5]}, "`identities` are whole numbers from 0 to 4. Received: [0, 4, 5]."),
        ({"identities": [0, -1, 2]}, "`identities` are whole numbers from 0 to 4. Received: [0, -1, 2]."),
        ({"identities": [0.5, 1, 2]}, "`identities` are whole numbers from 0 to 4. Received: [0.5, 1, 2]."),
        (
            {"identities": [0, 1, 2], "like": PICTURES[0]},
            "`identities` and `like` ask for two different explanations: give one of them.",
        ),
    ],
    ids=str,
)
def test_bad_arguments(apnet, arguments, message):
    with pytest.raises(ReIDError) as error:
        grad_cam(apnet, PICTURES, **arguments)
    assert str(error.value).startswith(message)


def test_identities_need_classifiers():
    with pytest.raises(ReIDError, match=r"^`identities` are explained by a model's classifiers. This one has none"):
        grad_cam(networks.create("apnet_c", levels=0, **SMALL), PICTURES, identities=[0, 0, 0])


def test_a_layer_is_cut_at_once_and_for_all(aanet):
    """Keras would make the network larger with every call."""
    grad_cam(aanet, PICTURES[:1])
    nodes = [len(layer._inbound_nodes) for layer in aanet.layers]
    weights = len(aanet.weights)
    grad_cam(aanet, PICTURES[:1])
    assert [len(layer._inbound_nodes) for layer in aanet.layers] == nodes
    assert len(aanet.weights) == weights


def test_maps_of_regions():
    han = networks.create("han_small", input_shape=(32, 32, 3))
    with pytest.raises(ReIDError, match="The layer gives out 12 maps for 3 pictures, of regions of them"):
        grad_cam(han, np.zeros((3, 32, 32, 3), "uint8"), layers="level3.local.pointwise.relu")


def test_pictures_that_can_be_read_once(apnet):
    layers = ("stage3.attention", "stage4.attention")
    found = grad_cam(apnet, iter(PICTURES), layers, like=iter(PICTURES[::-1]))
    expected = grad_cam(apnet, PICTURES, layers, like=PICTURES[::-1])
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    with pytest.raises(ReIDError, match=r"^`layers` is the name of a layer, or several\. Received: \(\)\.$"):
        grad_cam(apnet, PICTURES, ())

import keras
import numpy as np
import pytest

from keras_reid import networks, zoo
from keras_reid.backbones import imagenet
from keras_reid.errors import ReIDError

SIZE = (32, 32, 3)


@pytest.fixture
def on_mobilenet(monkeypatch):
    """A network on the smallest backbone that has ImageNet weights, and one without a backbone."""
    variant = {"backbone": "mobilenet", "input_shape": SIZE, "levels": 0}
    monkeypatch.setattr(networks, "_NETWORKS", {"on_mobilenet": ("APNet", variant), "han_small": ("HAN", {})})


@pytest.fixture(scope="module")
def pretrained():
    keras.utils.set_random_seed(3)
    return keras.applications.MobileNet(weights=None, include_top=False)


def kernel(model):
    (layer,) = [layer for layer in model._flatten_layers() if layer.name == "conv_pw_9"]
    return keras.ops.convert_to_numpy(layer.kernel)


def test_the_backbone_starts_from_imagenet(on_mobilenet, pretrained, monkeypatch):
    monkeypatch.setattr(imagenet, "_pretrained", lambda name, path: {("mobilenet", None): pretrained}[name, path])
    model = zoo.load("on_mobilenet", weights="imagenet", identities=3)
    np.testing.assert_array_equal(kernel(model), kernel(pretrained))
    assert model.global_head.kernel.shape == (1024, 3)


def test_a_file_of_imagenet_weights_is_recognised(on_mobilenet, pretrained, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    pretrained.save_weights(tmp_path / "mobilenet.weights.h5")
    for weights in (tmp_path / "mobilenet.weights.h5", "~/mobilenet.weights.h5"):
        np.testing.assert_array_equal(kernel(zoo.load("on_mobilenet", weights=weights)), kernel(pretrained))


def test_a_file_of_the_networks_own_weights_is_none_of_them(on_mobilenet, tmp_path):
    """Nor where the network's name begins with its backbone's."""
    model = networks.APNet("channel", name="mobilenet_cameras", **networks.variant("on_mobilenet"))
    model.save_weights(tmp_path / "own.weights.h5")
    again = zoo.load("on_mobilenet", weights=tmp_path / "own.weights.h5")
    np.testing.assert_array_equal(kernel(again), kernel(model))


def test_networks_without_a_backbone(on_mobilenet):
    with pytest.raises(ReIDError) as error:
        zoo.load("han_small", weights="imagenet")
    assert str(error.value) == (
        "There are no ImageNet weights for 'han_small': it is trained from random weights, as in its paper. Networks "
        "of this version that start from ImageNet: on_mobilenet. Use weights='published' or weights=None."
    )

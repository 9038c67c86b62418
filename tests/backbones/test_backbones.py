import functools

import keras
import numpy as np
import pytest

from keras_reid import backbones
from keras_reid.backbones import imagenet
from keras_reid.errors import ReIDError


def batch_norm(name):
    return keras.layers.BatchNormalization(name=name)


def build(name, size=(64, 32, 3), **options):
    images = keras.Input(size)
    return keras.Model(images, backbones.create(name, images, batch_norm, **options))


@functools.cache
def doubled(name):
    """The backbone, narrow where it can be, each stage's map doubled; and the names of the stages as they came."""
    seen = []
    return build(
        name,
        (96, 80, 3) if name == "inception_v3" else (64, 32, 3),
        after_stage=lambda stage, x: (seen.append(stage), x * 2)[1],
        **({"width": 8} if name.startswith("resnet") else {}),
    ), seen


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("resnet50", [(16, 8, 32), (8, 4, 64), (4, 2, 128), (4, 2, 256)]),
        ("resnet50_v1.5", [(16, 8, 32), (8, 4, 64), (4, 2, 128), (4, 2, 256)]),
        ("mobilenet", [(16, 8, 128), (8, 4, 256), (4, 2, 512), (2, 1, 1024)]),
        ("densenet121", [(16, 8, 256), (8, 4, 512), (4, 2, 1024), (2, 1, 1024)]),
        ("inception_v3", [(9, 7, 192), (9, 7, 288), (4, 3, 768), (1, 1, 2048)]),
    ],
)
def test_stages(name, shapes):
    model, seen = doubled(name)
    assert [tuple(model.output[f"stage{n}"].shape[1:]) for n in (1, 2, 3, 4)] == shapes
    assert seen == ["stage1", "stage2", "stage3", "stage4"]


@pytest.mark.parametrize("name", backbones.names())
def test_every_backbone_is_known(name):
    assert callable(backbones.find(name))


def test_blocks_are_open():
    """Each block with what enters and what leaves it; what is put in between is what goes on."""
    seen = {}

    def after_block(block, entering, leaving):
        seen[block] = (tuple(entering.shape[1:]), tuple(leaving.shape[1:]))
        return leaving * 0 if block == "conv5_block3" else leaving

    model = build("resnet50", after_block=after_block, width=8)
    assert len(seen) == 3 + 4 + 6 + 3
    assert seen["conv4_block1"] == ((8, 4, 64), (4, 2, 128))
    assert seen["conv5_block1"] == ((4, 2, 128), (4, 2, 256))
    assert np.abs(model(np.ones((1, 64, 32, 3)))["stage4"]).max() == 0


def test_version_1_5_strides_in_the_3x3_without_biases():
    first, second = doubled("resnet50")[0], doubled("resnet50_v1.5")[0]
    for layer, strides in (("1_conv", ((2, 2), (1, 1))), ("2_conv", ((1, 1), (2, 2)))):
        found = [model.get_layer(f"conv3_block1_{layer}") for model in (first, second)]
        assert tuple(convolution.strides for convolution in found) == strides
        assert [convolution.use_bias for convolution in found] == [True, False]


@pytest.mark.parametrize("name", ["resnet50", "mobilenet"])
def test_imagenet_weights_give_what_keras_gives(name, monkeypatch):
    """With stride 2 in the last stage, and pictures as `preprocess_input` wants them, ours is Keras' network.

    So is one that goes on with a copy of the last stage, which has weights of its own. Loading refuses anything but the
    same layers of the same shapes.
    """
    keras.utils.set_random_seed(0)
    monkeypatch.setattr(imagenet, "_pretrained", lambda name, path: imagenet.with_own_names(theirs))
    kind = {"resnet50": keras.applications.ResNet50, "mobilenet": keras.applications.MobileNet}[name]
    module = {"resnet50": keras.applications.resnet, "mobilenet": keras.applications.mobilenet}[name]
    theirs = kind(weights=None, include_top=False, input_shape=(64, 32, 3))
    images, stride = keras.Input((64, 32, 3)), {"last_stride": 2} if name == "resnet50" else {}
    stages = backbones.create(name, images, batch_norm, **stride)
    copy = backbones.create(name, stages["stage3"], batch_norm, start="stage4", prefix="copy.", **stride)
    assert list(copy) == ["stage4"]
    ours = keras.Model(images, [stages["stage4"], copy["stage4"]])
    assert ours.count_params() > keras.Model(images, stages["stage4"]).count_params()
    imagenet.load(ours, name)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 32, 3)).astype("float32")
    expected = np.asarray(theirs(module.preprocess_input(pixels.copy())))
    for found in ours(pixels / 127.5 - 1):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_weights_from_a_local_file(tmp_path):
    theirs = keras.applications.MobileNet(weights=None, include_top=False)
    theirs.save_weights(tmp_path / "mobilenet.weights.h5")
    ours, _ = doubled("mobilenet")
    imagenet.load(ours, "mobilenet", tmp_path / "mobilenet.weights.h5")
    (own,) = [layer for layer in ours._flatten_layers() if layer.name == "conv_pw_9"]
    np.testing.assert_array_equal(own.kernel, theirs.get_layer("conv_pw_9").kernel)


def test_inception_is_the_same_in_every_copy(monkeypatch):
    """Keras counts its layers up, so that a second one's are called otherwise."""
    theirs = keras.applications.InceptionV3(weights=None, include_top=False)
    monkeypatch.setattr(imagenet, "_pretrained", lambda name, path: imagenet.with_own_names(theirs))
    ours, _ = doubled("inception_v3")
    imagenet.load(ours, "inception_v3")
    kernels = [
        [weight for layer in layers if isinstance(layer, keras.layers.Conv2D) for weight in layer.weights]
        for layers in ([layer for layer in ours._flatten_layers() if layer is not ours], theirs.layers)
    ]
    assert len(kernels[0]) == len(kernels[1]) == 94
    total = [sum(float(np.abs(weight).sum()) for weight in side) for side in kernels]
    assert total[0] == pytest.approx(total[1])


@pytest.mark.parametrize("name", ["resnet50", "mobilenet", "googlenet"])
def test_all_batch_normalisation_is_synchronised_or_none(name):
    def synchronised(asked):
        images = keras.Input((64, 32, 3))
        norm = functools.partial(keras.layers.BatchNormalization, synchronized=asked)
        model = keras.Model(images, backbones.create(name, images, lambda called: norm(name=called)))
        found = [x.synchronized for x in model._flatten_layers() if isinstance(x, keras.layers.BatchNormalization)]
        return set(found)

    assert synchronised(True) == {True}
    assert synchronised(False) == {False}


def test_no_internet_says_what_to_do(monkeypatch):
    def fail(**_):
        raise Exception("URL fetch failure on https://storage.googleapis.com/x: None -- unreachable\nmore")

    monkeypatch.setattr(keras.applications, "ResNet50", fail)
    with pytest.raises(ReIDError) as error:
        imagenet.load(doubled("resnet50")[0], "resnet50")
    assert str(error.value) == (
        "The ImageNet weights of 'resnet50' could not be downloaded (URL fetch failure on "
        "https://storage.googleapis.com/x: None -- unreachable). Without Internet, give a file, "
        "weights='….weights.h5', written on another machine by keras.applications.ResNet50().save_weights(…) or made "
        "by training/convert_resnet50.py; or put the file that Keras downloads into ~/.keras/models."
    )


def test_weights_that_do_not_fit(monkeypatch, tmp_path):
    with pytest.raises(ReIDError, match=r"^There are no ImageNet weights for the backbone 'resnet50_v1.5'. Backbones "):
        imagenet.load(doubled("resnet50_v1.5")[0], "resnet50_v1.5")
    theirs = keras.Sequential([keras.Input((64, 32, 3)), keras.layers.Conv2D(64, 7, name="conv1_conv")])
    monkeypatch.setattr(imagenet, "_pretrained", lambda name, path: theirs)
    with pytest.raises(ReIDError, match=r"are for its 1 layers at their full width; 0 of them fit 'functional"):
        imagenet.load(doubled("resnet50")[0], "resnet50")
    monkeypatch.undo()
    (tmp_path / "bad.weights.h5").write_bytes(b"no weights")
    with pytest.raises(ReIDError, match=r"bad.weights.h5' holds no weights of keras.applications.MobileNet \("):
        imagenet.load(doubled("mobilenet")[0], "mobilenet", tmp_path / "bad.weights.h5")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet5", {}, "There is no backbone 'resnet5'. Did you mean 'resnet50'? Known: resnet50, resnet101, "),
        ("mobilenet", {"width": 8}, "The backbone 'mobilenet' has no option 'width'. Its options: after_stage, start"),
        (
            "mobilenet",
            {"start": "stage5"},
            "`start` is one of stage1, stage2, stage3, stage4. Received: ",
        ),
        ("inception_v3", {}, "InceptionV3 takes pictures of at least 75×75. Received: 64×32"),
    ],
)
def test_bad_arguments(name, options, message):
    with pytest.raises(ReIDError) as error:
        build(name, **options)
    assert str(error.value).startswith(message)

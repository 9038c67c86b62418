import keras
import pytest
from keras import layers

from keras_reid import backbones
from keras_reid.errors import ReIDError


def batch_norm(name):
    return layers.BatchNormalization(name=name)


def shapes(stages):
    return {name: tuple(stage.shape[1:]) for name, stage in stages.items()}


def test_stages_of_the_papers_input():
    """AiA, section 4.4: 480×16×8 behind the second block and 1024 features behind the last, of 256×128 pixels."""
    images = keras.Input((256, 128, 3))
    stages = backbones.create("googlenet", images, batch_norm)
    assert shapes(stages) == {
        "stage1": (32, 16, 192),
        "stage2": (16, 8, 480),
        "stage3": (8, 4, 832),
        "stage4": (8, 4, 1024),
    }
    model = keras.Model(images, stages["stage4"])
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert len(convolutions) == 3 + 9 * 6
    # Szegedy et al., Table 1: the parameters of the modules, in units of 1024.
    weights = dict.fromkeys("c345", 0)
    for layer in convolutions:
        weights[layer.name.removeprefix("inception")[0]] += layer.count_params()
    assert weights["3"] == pytest.approx(1024 * (159 + 380), rel=0.005)
    assert weights["4"] == pytest.approx(1024 * (364 + 437 + 463 + 580 + 840), rel=0.03)
    assert weights["5"] == pytest.approx(1024 * (1072 + 1388), rel=0.03)


def test_what_is_put_behind_a_stage_enters_the_next():
    images = keras.Input((32, 32, 3))
    seen = {}

    def after(stage, features):
        seen[stage] = features
        return features[..., : features.shape[-1] // 2]

    stages = backbones.create("googlenet", images, batch_norm, after_stage=after)
    assert list(seen) == list(stages) == ["stage1", "stage2", "stage3", "stage4"]
    assert [stage.shape[-1] for stage in stages.values()] == [96, 240, 416, 512]
    model = keras.Model(images, stages["stage4"])
    assert model.get_layer("inception3a.1x1.conv").kernel.shape == (1, 1, 96, 64)
    assert model.get_layer("inception5a.1x1.conv").kernel.shape == (1, 1, 416, 256)


def test_a_copy_of_the_later_stages_has_weights_and_names_of_its_own():
    features = keras.Input((4, 2, 480))
    one, two = (
        backbones.create("googlenet", features, batch_norm, start="stage3", prefix=f"part{number}.") for number in "12"
    )
    assert shapes(one) == shapes(two) == {"stage3": (2, 1, 832), "stage4": (2, 1, 1024)}
    first, both = keras.Model(features, one["stage4"]), keras.Model(features, [one["stage4"], two["stage4"]])
    assert both.count_params() == 2 * first.count_params()
    names = [layer.name for layer in both.layers]
    assert {"part1.inception4a.1x1.conv", "part2.inception4a.1x1.conv"} <= set(names)
    assert not [name for name in names if "inception3" in name]


def test_unknown_names():
    images = keras.Input((32, 32, 3))
    with pytest.raises(ReIDError) as error:
        backbones.create("googlnet", images, batch_norm)
    known = ", ".join(backbones.names())
    assert str(error.value) == f"There is no backbone 'googlnet'. Did you mean 'googlenet'? Known: {known}."
    with pytest.raises(ReIDError) as error:
        backbones.create("googlenet", images, batch_norm, start="stage5")
    assert str(error.value) == "`start` is one of stage1, stage2, stage3, stage4. Received: start='stage5'"

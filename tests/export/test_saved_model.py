import json
import math

import numpy as np
import pytest

from keras_reid import ReIDError, export


@pytest.mark.parametrize("batch_size", [None, 3])
def test_runs_without_keras_and_agrees(tiny, crops, tmp_path, batch_size):
    import tensorflow as tf

    report = export.to_saved_model(tiny, tmp_path / "model", images=crops, batch_size=batch_size)

    assert report.to_dict()["batch"] == ("dynamic" if batch_size is None else 3)
    assert (report.format, report.quantize, report.path, report.pictures) == (
        "saved_model",
        None,
        tmp_path / "model",
        24,
    )
    assert report.lowest_cosine > 0.999999
    assert report.largest_difference < 1e-5
    assert report.size == sum(file.stat().st_size for file in (tmp_path / "model").rglob("*") if file.is_file())
    assert report.ops["DepthwiseConv2dNative"] == 2
    assert not {"ReadVariableOp", "AssignVariableOp", "SquaredDifference"} & set(report.ops)  # nothing trains

    serve = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    n = batch_size or 5
    images = np.full((n, 32, 16, 3), 99, "float32")
    rows = serve(images=tf.constant(images))["embedding"].numpy()
    np.testing.assert_allclose(rows, np.asarray(tiny(images)), atol=1e-5)


def test_every_weight_is_stored_once(tiny, crops, tmp_path):
    import tensorflow as tf

    export.to_saved_model(tiny, tmp_path / "model", images=crops[:2])
    stored = dict(tf.train.list_variables(str(tmp_path / "model/variables/variables")))
    del stored["_CHECKPOINTABLE_OBJECT_GRAPH"]
    # Of the layers, as another test gives the model a head besides.
    assert sum(math.prod(shape) for shape in stored.values()) == sum(layer.count_params() for layer in tiny.layers)


def test_facts_travel_along(tiny, crops, tmp_path):
    export.to_saved_model(tiny, tmp_path / "model", images=crops[:2])
    facts = json.loads((tmp_path / "model/assets.extra/keras_reid.json").read_text())
    assert (facts["image_height"], facts["image_width"], facts["embedding_size"]) == (32, 16, 24)
    assert facts["pixels"] == "0..255, normalised inside"


def test_replaces_a_saved_model_but_nothing_else(tiny, crops, tmp_path):
    target = tmp_path / "model"
    export.to_saved_model(tiny, target, images=crops[:2], batch_size=1)
    assert export.to_saved_model(tiny, target, images=crops[:2]).batch is None
    assert [path.name for path in tmp_path.iterdir()] == ["model"]

    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter.txt").write_text("mine")
    with pytest.raises(ReIDError, match="something else in it; give another path"):
        export.to_saved_model(tiny, tmp_path / "home", images=crops[:2])
    assert (tmp_path / "home/letter.txt").read_text() == "mine"

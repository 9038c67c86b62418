import dataclasses

import numpy as np
import pytest
from strips import Strips

from keras_reid import export
from keras_reid.data import ReIDData, Split, load


@pytest.fixture(scope="module")
def few():
    """Three people of the bundled set, a query each."""
    people = load("people")

    def of(split, most):
        rows = [
            np.flatnonzero(split.identities == identity)[:most] for identity in np.unique(people.query.identities)[:3]
        ]
        rows = np.concatenate(rows)
        return Split([split.paths[row] for row in rows], split.identities[rows], split.cameras[rows], name=split.name)

    return ReIDData("few", people.root, people.train, of(people.query, 1), of(people.gallery, 4))


def test_a_good_file_finds_the_same_and_another_network_does_not(few, tiny, crops, tmp_path):
    model = Strips()
    export.to_onnx(model, tmp_path / "good.onnx", images=few.query.paths)
    export.to_tflite(tiny, tmp_path / "other.tflite", images=crops)
    rows = export.compare_retrieval(model, [tmp_path / "good.onnx", tmp_path / "other.tflite"], few)
    figures = model.evaluate_retrieval(few)
    assert rows[0] == {"model": "strips", **figures, "same_person": 1.0, "same_picture": 1.0}
    assert rows[1] == {"model": str(tmp_path / "good.onnx"), **figures, "same_person": 1.0, "same_picture": 1.0}
    nearest = [first_of(network, few) for network in (model, export.open_export(tmp_path / "other.tflite"))]
    assert rows[2]["same_picture"] == pytest.approx(np.mean(nearest[0] == nearest[1]))
    people = [few.gallery.identities[found] for found in nearest]
    assert rows[2]["same_person"] == pytest.approx(np.mean(people[0] == people[1]))


def test_by_the_data_sets_own_protocol(few, crops, tmp_path):
    """Of tracklets, both rows are those of tracklets."""
    model = Strips()
    export.to_onnx(model, tmp_path / "good.onnx", images=few.query.paths)
    splits = {
        name: dataclasses.replace(split, tracklets=split.identities * 1000 + split.cameras)
        for name, split in {"query": few.query, "gallery": few.gallery}.items()
    }
    tracklets = dataclasses.replace(few, **splits, protocol="tracklets")
    figures = model.evaluate_retrieval(tracklets)
    for row in export.compare_retrieval(model, [tmp_path / "good.onnx"], tracklets):
        assert {name: row[name] for name in figures} == pytest.approx(figures)
        assert (row["same_person"], row["same_picture"]) == (1, 1)


def first_of(network, data):
    """Each query's nearest gallery picture of another camera or person, one by one."""
    found = []
    gallery = network.embed(data.gallery.paths)
    for vector, identity, camera in zip(
        network.embed(data.query.paths), data.query.identities, data.query.cameras, strict=True
    ):
        left_out = (data.gallery.identities == identity) & (data.gallery.cameras == camera)
        found.append(np.argmax(np.where(left_out, -np.inf, gallery @ vector)))
    return np.array(found)


def test_two_whom_nobody_knows_are_not_one_person(monkeypatch):
    """Identity 0: the one finds the second picture, the other the third."""
    vectors = {"asked": [1, 0, 0], "right": [0, 0, 1], "one": [0.8, 0.6, 0], "other": [0.8, 0, 0.6]}

    class Fixed:
        name = "fixed"

        def __init__(self, best):
            self.vectors = {**vectors, best: [1, 0, 0]}

        def embed(self, paths, **options):
            return np.array([self.vectors[path] for path in paths], "float32")

    monkeypatch.setattr("keras_reid.export.retrieval.open_export", lambda path: Fixed("other"))
    gallery = Split(["right", "one", "other"], [1, 0, 0], [2, 2, 2], name="gallery")
    query = Split(["asked"], [1], [1], name="query")
    rows = export.compare_retrieval(Fixed("one"), ["file"], ReIDData("four", "", query.take([]), query, gallery))
    assert [row["same_person"] for row in rows] == [1.0, 0.0]

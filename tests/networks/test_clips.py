import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_reid.data import Batches
from keras_reid.errors import ReIDError
from keras_reid.evaluation.protocols import pooled
from keras_reid.networks.clips import ClipModel


class Tiny(ClipModel):
    def __init__(self, identities=None, frames=3, **kwargs):
        super().__init__({"input_shape": (16, 8, 3), "frames": frames}, identities=identities, **kwargs)

    @staticmethod
    def graph(options, images):
        features = layers.Flatten()(layers.Conv2D(4, 3, strides=4, activation="relu", name="conv")(images))
        return {"one": layers.Dense(5, name="one")(features), "two": layers.Dense(5, name="two")(features)}, {}

    def default_optimizer(self):
        return keras.optimizers.SGD(0.05)


@pytest.fixture
def clips():
    return np.random.default_rng(0).integers(0, 256, (4, 3, 16, 8, 3), dtype="uint8")


def test_a_clip_is_the_mean_of_its_frames(clips):
    """As retrieval averages tracklets, at length 1 again."""
    model = Tiny()
    frames = clips.reshape(-1, 16, 8, 3)
    _, expected = pooled(model.embed(frames), np.arange(12) // 3)
    again = Tiny()
    again.set_weights(model.get_weights())
    for found in (model(clips), again.predict_on_batch(clips)):
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-6)
    assert model(keras.Input((7, 16, 8, 3))).shape == (None, 10)
    two = pooled(model.embed(frames.reshape(4, 3, 16, 8, 3)[:, :2].reshape(-1, 16, 8, 3)), np.arange(8) // 2)[1]
    np.testing.assert_allclose(ops.convert_to_numpy(model(clips[:, :2])), two, atol=1e-6)


def test_an_input_in_a_list(clips):
    """As Keras' functional models take theirs."""
    model = Tiny()
    for inputs in (clips, clips[:, 0]):
        np.testing.assert_array_equal(model([inputs]), model(inputs))
    assert model([keras.Input((16, 8, 3))]).shape == (None, 10)


def test_training_sees_one_feature_a_clip(clips):
    model, of_frames = Tiny(identities=2), Tiny(identities=2, frames=1)
    of_frames.set_weights(model.get_weights())
    for branch in model.branches:
        getattr(of_frames, f"{branch}_head").set_weights(getattr(model, f"{branch}_head").get_weights())
    batch = {"images": clips.reshape(-1, 16, 8, 3)}
    found, each = model(batch), of_frames(batch)
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "one": (4, 2), "two": (4, 2), "one_features": (4, 5), "two_features": (4, 5),
    }  # fmt: skip
    for name in ("one", "two_features"):  # without bias the heads commute with the mean
        mean = ops.convert_to_numpy(each[name]).reshape(4, 3, -1).mean(axis=1)
        np.testing.assert_allclose(ops.convert_to_numpy(found[name]), mean, atol=1e-5)


def test_a_batch_of_known_size_has_as_many_answers_as_clips():
    answers = Tiny(identities=2)({"images": keras.Input(batch_shape=(6, 16, 8, 3))})
    assert {answer.shape[0] for answer in answers.values()} == {2}


def test_fits_clips(clips):
    keras.utils.set_random_seed(0)  # of twelve seeds' weights one had not learnt all of it after 30 epochs
    model = Tiny(identities=2)
    images, labels = clips.reshape(-1, 16, 8, 3), np.repeat([0, 0, 1, 1], 3)
    batches = Batches(images, labels, identities=2, images_each=2, frames=3, tracklets=np.repeat([4, 5, 6, 7], 3))
    model.compile(loss="cross_entropy+triplet")
    history = model.fit(batches, epochs=30, verbose=0).history
    assert history["one_accuracy"][-1] == history["two_accuracy"][-1] == 1
    with pytest.raises(ReIDError) as error:
        model.fit(images, labels, verbose=0)
    assert str(error.value) == (
        "The model learns from clips of 3 frames each: data.train.batches(identities=8, images=4, frames=3). "
        "Received: ndarray of clips of 1"
    )


def test_bad_clips(clips):
    with pytest.raises(ReIDError, match=r"takes pictures of shape \('batch', 16, 8, 3\). Received: \(4, 10, 8, 3\)"):
        Tiny()(clips[:, :, :10])
    with pytest.raises(ReIDError, match="The number of frames of a clip must be known"):
        Tiny()(keras.Input((None, 16, 8, 3)))
    with pytest.raises(ReIDError, match=r"^A training batch consists of clips of 3 pictures each\. Received: 4"):
        Tiny(identities=2)({"images": clips[0, 0][None].repeat(4, axis=0)})

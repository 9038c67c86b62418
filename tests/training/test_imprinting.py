import keras
import numpy as np
import pytest
import small_training as small

import keras_reid
from keras_reid import ReIDError, data, networks, training
from keras_reid.training import imprint


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return small.data(tmp_path_factory.mktemp("pictures"))


def test_each_classifier_is_its_persons_mean_direction(people):
    model = small.Small(identities=4)
    imprint(model, people.train)
    vectors = model.embed(people.train.paths)
    kernel = np.asarray(model.global_head.kernel)
    for label in range(4):
        mean = vectors[people.train.labels == label].mean(axis=0)
        np.testing.assert_allclose(kernel[:, label], mean / np.linalg.norm(mean), atol=1e-6)


def test_branches_get_their_own_part_of_the_embedding():
    train = data.load("people").train
    train = train.take(train.labels < 3)
    model = networks.create("han_small", identities=3, input_shape=(80, 32, 3))
    imprint(model, train)
    vectors = model.embed(train.paths)
    for branch, part in (("global", vectors[:, :512]), ("local", vectors[:, 512:])):
        means = np.stack([part[train.labels == label].mean(axis=0) for label in range(3)])
        expected = means / np.linalg.norm(means, axis=1, keepdims=True)
        np.testing.assert_allclose(np.asarray(getattr(model, f"{branch}_head").kernel).T, expected, atol=1e-5)


def test_published_weights_know_people_before_the_first_step():
    train = data.load("people").train
    model = keras_reid.zoo.load("han_small", identities=train.number_of_identities)
    model.compile("sgd")
    train = train.take(train.labels < 12)
    batches = train.batches(identities=12, images=4)

    def accuracy():
        images, labels = next(iter(batches.with_size(model.image_size)))
        logits = model(images, training=False)
        return min(np.mean(np.argmax(logits[branch], axis=1) == labels) for branch in model.branches)

    assert accuracy() < 0.2
    imprint(model, train)
    assert accuracy() > 0.8


def test_classifiers_of_nobody_stay(people):
    model = small.Small(identities=6)
    before = np.asarray(model.global_head.kernel).copy()
    imprint(model, people.train)
    np.testing.assert_array_equal(np.asarray(model.global_head.kernel)[:, 4:], before[:, 4:])


@pytest.mark.parametrize("identities", [None, 3])
def test_too_few_classifiers(people, identities):
    with pytest.raises(ReIDError, match=rf"the 4 people: build the model with identities=4\. .*={identities}"):
        imprint(small.Small(identities), people.train)


def test_a_recipe_imprints_once(people, tmp_path, monkeypatch):
    small.Small().save_weights(tmp_path / "start.weights.h5")
    seen = []
    monkeypatch.setitem(training.run.__globals__, "imprint", lambda model, train: seen.append(len(train)))
    recipe = small.recipe(augmentation=None, imprints=True, weights=str(tmp_path / "start.weights.h5"))
    training.run(recipe, people, tmp_path / "run", deterministic=False, verbose=0)
    assert seen == [len(people.train)]  # by the first of two stages; the second gets its classifiers handed over


def test_a_recipe_with_a_function_starts_from_weights(people, tmp_path):
    source = small.Small()
    source.save_weights(tmp_path / "start.weights.h5")
    found = []

    class First(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            found.append(self.model.get_layer("dense").get_weights()[0])

    recipe = small.recipe(stages=small.recipe().stages[:1], weights=str(tmp_path / "start.weights.h5"))
    training.run(recipe, people, tmp_path / "run", deterministic=False, verbose=0, callbacks=[First()])
    np.testing.assert_array_equal(found[0], source.get_layer("dense").get_weights()[0])

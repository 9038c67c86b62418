"""Supervised contrastive loss: numbers worked by hand, edges of the definition, gradients, Keras' conventions."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_reid import ReIDError
from keras_reid.losses import SupervisedContrastive

LABELS = np.array([1, 1, 2])
FEATURES = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]], "float32")  # cosines 1, 0, 0


def per_anchor(temperature, labels, features):
    return ops.convert_to_numpy(SupervisedContrastive(temperature, reduction=None)(labels, features))


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_by_hand(temperature):
    # Anchor 0: −log(e^(1/τ) / (e^(1/τ) + e^0)); anchor 2 is alone.
    expected = np.log1p(np.exp(-1 / temperature))
    np.testing.assert_allclose(per_anchor(temperature, LABELS, FEATURES), [expected, expected, 0.0], rtol=1e-6)
    assert float(SupervisedContrastive(temperature)(LABELS, FEATURES)) == pytest.approx(2 * expected / 3, rel=1e-6)


def test_two_positives_are_averaged_outside_the_logarithm():
    features = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
    # Anchor 0: log(e + 1) − (1 + 0)/2; anchor 2: log(1 + 1) − 0.
    expected = [np.log(np.e + 1) - 0.5, np.log(np.e + 1) - 0.5, np.log(2)]
    np.testing.assert_allclose(per_anchor(1.0, np.array([[4], [4], [4]]), features), expected, rtol=1e-6)


def test_one_image_gives_nothing():
    np.testing.assert_array_equal(per_anchor(0.1, np.array([3]), FEATURES[:1]), [0.0])


def test_only_lone_identities_give_nothing():
    np.testing.assert_array_equal(per_anchor(0.1, np.array([1, 2, 3]), FEATURES), [0.0, 0.0, 0.0])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 10]), st.integers(1, 4), st.sampled_from([0.07, 0.1, 1.0]))
def test_against_loops(seed, count, identities, temperature):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, identities, count)
    features = generator.normal(size=(count, 5))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = []
    for anchor in range(count):
        others = [i for i in range(count) if i != anchor]
        total = sum(np.exp(unit[anchor] @ unit[i] / temperature) for i in others)
        shares = [np.exp(unit[anchor] @ unit[i] / temperature) / total for i in others if labels[i] == labels[anchor]]
        expected.append(-np.mean(np.log(shares)) if shares else 0.0)
    np.testing.assert_allclose(per_anchor(temperature, labels, features), expected, rtol=1e-4, atol=1e-5)


def test_training_gathers_an_identity():
    features = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.5], [-0.7, 1.0]], "float32")
    labels = np.array([1, 1, 2, 2])
    layer = keras.layers.Embedding(4, 2)
    layer.build()
    layer.set_weights([features])
    model = keras.Sequential([layer, keras.layers.Flatten()])
    model.compile(keras.optimizers.SGD(0.3), SupervisedContrastive(0.5))
    index = np.arange(4)[:, None]
    losses = [float(model.train_on_batch(index, labels)) for _ in range(40)]
    assert np.isfinite(losses).all()
    # Two opposite pairs: log((e² + 2e⁻²) / e²) at τ = 0.5.
    assert losses[-1] < 0.1 < losses[0]


def test_float16_features_are_computed_in_float32():
    losses = SupervisedContrastive(0.01, reduction=None)(LABELS, FEATURES.astype("float16"))
    assert keras.backend.standardize_dtype(losses.dtype) == "float32"
    np.testing.assert_allclose(losses, [0.0, 0.0, 0.0], atol=1e-6)


def test_config_round_trip():
    loss = SupervisedContrastive(0.2, reduction="sum", name="contrast")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, SupervisedContrastive)
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf"), None])
def test_bad_temperature(temperature):
    with pytest.raises(ReIDError) as error:
        SupervisedContrastive(temperature)
    assert str(error.value) == f"`temperature` must be a positive number. Received: {temperature!r}."

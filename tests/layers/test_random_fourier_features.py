import numpy as np
import pytest
from keras import ops
from layer_checks import run_layer_checks

from keras_reid.errors import ReIDError
from keras_reid.layers import RandomFourierFeatures
from keras_reid.layers.random_fourier_features import FORMS


@pytest.mark.parametrize("form", FORMS)
def test_layer(form):
    layer = RandomFourierFeatures(6, form, sigma=2.0, seed=3)
    config = {"features": 6, "form": form, "sigma": 2.0, "seed": 3}
    run_layer_checks(layer, (3, 4, 2, 5), config=config, training_weights=False)
    assert not layer.trainable_weights
    layer.trainable = True  # as one unfreezes a whole model
    assert not layer.trainable_weights


def test_by_hand():
    angle = 2 * 0.5 + 3 * -1
    for form, expected in (
        ("cosine", [np.sqrt(2) * np.cos(angle + 0.25)]),
        ("cosine_sine", [np.cos(angle), np.sin(angle)]),
    ):
        layer = RandomFourierFeatures(1, form)
        layer.build((None, 1, 1, 2))
        layer.frequencies.assign([[[[0.5], [-1.0]]]])
        if form == "cosine":
            layer.phases.assign([0.25])
        result = ops.convert_to_numpy(layer(ops.convert_to_tensor([[[[2.0, 3.0]]]])))
        np.testing.assert_allclose(result[0, 0, 0], expected, rtol=1e-5)


def root_mean_square_error(form, features, sigma, seeds=60):
    """Of the inner products of features against the kernel, over pairs of points and seeds."""
    points = np.random.default_rng(1).normal(size=(1, 1, 24, 3)).astype("float32")
    squares = np.sum((points[0, 0, :, None] - points[0, 0, None]) ** 2, axis=-1)
    kernel = np.exp(-squares / (2 * sigma**2))
    apart = ~np.eye(len(kernel), dtype=bool)
    errors = []
    for seed in range(seeds):
        layer = RandomFourierFeatures(features, form, sigma, seed)
        found = ops.convert_to_numpy(layer(points))[0, 0]
        errors.append((found @ found.T - kernel)[apart])
    return np.sqrt(np.mean(np.square(errors)))


@pytest.mark.parametrize(("form", "sigma"), [*zip(FORMS, (1.0, 2.5), strict=True)])
def test_inner_product_approaches_the_gaussian_kernel(form, sigma):
    """Eq. 13: sixteen times the features, a quarter of the error."""
    few, more, many = (root_mean_square_error(form, features, sigma) for features in (40, 640, 10240))
    assert 3 < few / more < 5.3
    assert 3 < more / many < 5.3
    assert many < 0.012


def test_frequencies_are_the_seeds():
    def weights(seed):
        layer = RandomFourierFeatures(400, sigma=2.0, seed=seed)
        layer.build((None, 1, 1, 50))
        return [ops.convert_to_numpy(weight) for weight in layer.weights]

    first, again, other = weights(0), weights(0), weights(1)
    assert [weight.shape for weight in first] == [(1, 1, 50, 400), (400,)]
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    assert abs(first[0].std() - 1 / 2.0) < 0.01  # Eq. 15
    assert abs(first[0].mean()) < 0.01
    assert 0 <= first[1].min() < 0.1 < 6.1 < first[1].max() < 2 * np.pi


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"features": 0},
            "RandomFourierFeatures expects `features` to be a whole number above 0. Received: features=0",
        ),
        (
            {"form": "sine"},
            "RandomFourierFeatures expects `form` out of ('cosine', 'cosine_sine'). Received: form='sine'",
        ),
        ({"sigma": 0}, "RandomFourierFeatures expects `sigma` to be a positive number. Received: sigma=0"),
        (
            {"seed": -1},
            "RandomFourierFeatures expects `seed` to be a whole number of at least 0. Received: seed=-1",
        ),
    ],
    ids=str,
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ReIDError) as error:
        RandomFourierFeatures(**arguments)
    assert str(error.value) == message

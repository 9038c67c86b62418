import keras
import numpy as np
import pytest
from small_network import build


@pytest.fixture(scope="session")
def tiny() -> keras.Model:
    """The network with random weights, and batch normalisation as after training."""
    keras.utils.set_random_seed(0)
    model = build()
    draw = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(draw.normal(0, 0.2, layer.moving_mean.shape))
            layer.moving_variance.assign(draw.uniform(0.2, 0.6, layer.moving_variance.shape))
    return model


@pytest.fixture(scope="session")
def crops() -> list[np.ndarray]:
    """Pictures of several sizes with something in them to tell them apart."""
    draw = np.random.default_rng(1)
    return [
        np.kron(draw.integers(0, 256, (8, 4, 3)), np.ones((4 + n % 3, 4 + n % 2, 1))).astype(np.uint8)
        for n in range(24)
    ]

import keras
import numpy as np


def gradient(loss, labels, features):
    """Gradient of the loss at `features`, through a layer's weight so that it is the same code on every backend."""
    layer = keras.layers.Embedding(len(features), features.shape[1])
    layer.build()
    layer.set_weights([features])
    optimizer = keras.optimizers.SGD(1.0)
    model = keras.Sequential([layer, keras.layers.Flatten()])
    model.compile(optimizer, loss)
    model.train_on_batch(np.arange(len(features))[:, None], labels)
    return features - layer.get_weights()[0]

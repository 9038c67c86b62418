"""A training on several devices. Usage: distributed.py DEVICES SETTING...; the workers' addresses come by TF_CONFIG.

Settings: "augmented", "frozen" batch normalisation, "plain" for Keras' own `fit` without the way round its errors,
"triplet" for the loss of one batch that nothing is learnt from.
Prints a line of JSON.
"""

import json
import sys

import keras
import numpy as np
import small_training as small

from keras_reid.data.augmentation import augment
from keras_reid.data.batches import Batches
from keras_reid.training import fitting
from keras_reid.training.devices import use_devices
from keras_reid.training.replicas import synchronise


class RandomStates(keras.callbacks.Callback):
    """The state that each of this process' replicas starts an epoch with."""

    def on_epoch_begin(self, epoch, logs=None):
        self.states = []
        if keras.backend.backend() != "tensorflow":
            return
        strategy = self.model.distribute_strategy
        states = [variable.value for variable in self.model.variables if variable.name == "seed_generator_state"]
        self.states = [[it.numpy().tolist() for it in strategy.experimental_local_results(state)] for state in states]


if __name__ == "__main__":
    number, *settings = sys.argv[1:]
    with use_devices(int(number)) as devices:
        if "plain" in settings:
            fitting.is_multi_worker = lambda model: False
        keras.utils.set_random_seed(1)
        with devices.scope():
            model = small.Small(identities=4)
            if "frozen" not in settings:
                synchronise(model)
            if "frozen" in settings:
                for layer in model.layers:
                    if isinstance(layer, keras.layers.BatchNormalization):
                        layer.trainable = False
            rate = 0.5 if "frozen" in settings else 0.05
            if "triplet" in settings:
                model.compile(keras.optimizers.SGD(0.0), "triplet")
            else:
                model.compile(keras.optimizers.SGD(rate, momentum=0.9, weight_decay=0.01), "cross_entropy")
        images, labels = small.pixels(8 if "triplet" in settings else 32)
        augmentation = augment() if "augmented" in settings else None
        shape = {"identities": 4, "images_each": 2} if "triplet" in settings else {"batch_size": 8}
        batches = Batches.from_arrays(images, labels, **shape, augmentation=augmentation)
        random = RandomStates()
        history = model.fit(batches, epochs=3, callbacks=[random], verbose=0).history
        devices.check_same("the number of epochs", 3)
        found = {
            "replicas": devices.replicas,
            "writes": devices.writes,
            "losses": history["loss"],
            "accuracies": history.get("global_accuracy"),
            "features": np.asarray(model({"images": images[:8]})["global_features"]).tolist(),
            "weights": [float(np.abs(weight).sum()) for weight in model.get_weights()],
            "random": random.states,
            "embedding": model.embed(images[:3]).tolist(),
        }
    print(json.dumps(found))

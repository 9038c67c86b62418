"""Our batch-hard triplet losses and gradients; run by `test_triplet_tfa` in the environment that has Keras 3.

Usage: python ours.py BATCHES.npz LOSSES.npz. The batches are `NAME.labels` and `NAME.features`; the results are
`NAME/MARGIN/DISTANCE`, the loss, and the same with `/gradient` behind it.
"""

import sys

import numpy as np
import tensorflow as tf

from keras_reid.losses import BatchHardTriplet
from keras_reid.losses.triplet import DISTANCES

MARGINS = (0.3, 1.0, "soft")


def main(batches_path: str, losses_path: str) -> None:
    batches = np.load(batches_path)
    results = {}
    for name in sorted({key.split(".")[0] for key in batches.files}):
        for margin in MARGINS:
            for distance in DISTANCES:
                features = tf.constant(batches[f"{name}.features"])
                with tf.GradientTape() as tape:
                    tape.watch(features)
                    loss = BatchHardTriplet(margin, distance=distance)(batches[f"{name}.labels"], features)
                case = f"{name}/{margin}/{distance}"
                results[case] = loss.numpy()
                results[f"{case}/gradient"] = tape.gradient(loss, features).numpy()
    np.savez(losses_path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])

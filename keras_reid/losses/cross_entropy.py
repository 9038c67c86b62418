"""Cross-entropy over identities, with label smoothing."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.losses.pairs import one_label_an_image


@keras.saving.register_keras_serializable(package="keras_reid")
class SmoothedCrossEntropy(keras.losses.Loss):
    """Softmax cross-entropy from logits and integer identities, the target smoothed.

    Keras smooths one-hot targets only; over thousands of identities those would be the largest tensor of the step.

    Args:
        smoothing: Share ε of the target that is spread over all identities: 1 − ε + ε/n for the true one and ε/n for
            the others of n (Szegedy et al. 2016). Defaults to 0.1.
        reduction: how the losses of a batch become one; see `keras.losses.Loss`. Defaults to their mean.
        name: Defaults to "smoothed_cross_entropy".

    Input: Identities, (batch,) or (batch, 1), from 0; logits, (batch, identities).
    Output: (batch,) before the reduction.

    Raises:
        ReIDError: `smoothing` is not in [0, 1), or there is not one label an image.
    """

    def __init__(self, smoothing: float = 0.1, reduction="sum_over_batch_size", name="smoothed_cross_entropy"):
        super().__init__(reduction=reduction, name=name, dtype="float32")  # the labels are cast to it as well
        if not isinstance(smoothing, int | float) or not 0 <= smoothing < 1:
            raise ReIDError(f"SmoothedCrossEntropy expects `smoothing` in [0, 1). Received: smoothing={smoothing}")
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        labels = ops.cast(one_label_an_image(y_true, y_pred), "int32")
        log_probabilities = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        true = ops.take_along_axis(log_probabilities, labels[:, None], axis=-1)[:, 0]
        return -(1 - self.smoothing) * true - self.smoothing * ops.mean(log_probabilities, axis=-1)

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}

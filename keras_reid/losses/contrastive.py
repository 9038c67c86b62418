"""Supervised contrastive loss: all images of a person attract each other, all others are pushed away.

Khosla et al., "Supervised Contrastive Learning", 2020, Eq. 2 (the sum over positives outside the logarithm).
"""

from typing import Any

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.losses.pairs import same_identity
from keras_reid.losses.unit_vectors import unit_vectors


@keras.saving.register_keras_serializable(package="keras_reid")
class SupervisedContrastive(keras.losses.Loss):
    """Cross-entropy of each image's similarities against "any other image of the same identity in the batch".

    For anchor i with positives P(i), the other images of its identity, and A(i), all other images of the batch, on
    embeddings z scaled to length 1:

        loss_i = −1/|P(i)| · Σ_{p ∈ P(i)} log( exp(z_i·z_p / τ) / Σ_{a ∈ A(i)} exp(z_i·z_a / τ) )

    - An anchor without a positive in the batch has loss 0, and still counts in the mean.
    - Computed in float32 under every dtype policy.
    - Under `tf.distribute` each replica contrasts its own images only, as in `BatchHardTriplet`.

    Example:
    ```python
    labels, embeddings = np.array([1, 1, 2]), np.array([[1, 0], [2, 0], [0, 1]])
    SupervisedContrastive(temperature=1.0)(labels, embeddings)  # the mean of log(1 + 1/e), log(1 + 1/e) and 0
    ```

    Args:
        temperature: τ > 0; the smaller, the more the nearest images weigh. Defaults to 0.1 (the paper's Sec. 4).
        reduction: as for every `keras.losses.Loss`. Defaults to the mean over the batch.
        name: of the loss. Defaults to `"supervised_contrastive"`.

    Call arguments:
        y_true: (B,) or (B, 1) identity labels. Keras casts them to float32, so they must lie below 2²⁴.
        y_pred: (B, D) embeddings, of any length.

    Returns: the loss of each anchor, (B,), reduced by `reduction` when the loss object is called.

    Raises:
        ReIDError: a temperature that is not positive, or labels and embeddings of other shapes.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "supervised_contrastive",
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype="float32")
        if not isinstance(temperature, int | float) or not 0 < temperature < float("inf"):
            raise ReIDError(f"`temperature` must be a positive number. Received: {temperature!r}.")
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        features = unit_vectors(ops.cast(y_pred, "float32"))
        itself = ops.eye(ops.shape(features)[0], dtype="float32")
        positives = ops.cast(same_identity(y_true, features), "float32") - itself
        logits = ops.matmul(features, ops.transpose(features)) / self.temperature
        # Finite, so that a batch of one image gives 0 and not a difference of infinities.
        others = ops.where(itself > 0, -1e30, logits)
        log_share = logits - ops.logsumexp(others, axis=-1, keepdims=True)
        return -ops.sum(positives * log_share, axis=-1) / ops.maximum(ops.sum(positives, axis=-1), 1.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature}

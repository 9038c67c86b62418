"""Batch-hard triplet loss: every image against its farthest own and its nearest other, or its nearest few.

Hermans, Beyer and Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017, Eq. 5 and Sec. 2; with
five negatives Fang et al., "Attention in Attention Networks for Person Retrieval", Sec. 4.3, Eq. 18.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.losses.pairs import same_identity
from keras_reid.losses.unit_vectors import unit_vectors

DISTANCES = ("euclidean", "squared_euclidean", "normalized_euclidean", "cosine")
_OF_UNIT_VECTORS = ("normalized_euclidean", "cosine")


@keras.saving.register_keras_serializable(package="keras_reid")
class BatchHardTriplet(keras.losses.Loss):
    """Triplet loss with the hardest positive and the hardest negatives of the batch for every anchor.

    For anchor a with hardest positive p (the farthest image of the same identity) and hardest negative n (the nearest
    image of any other), the loss is `max(0, d(a, p) - d(a, n) + margin)`, or `log(1 + exp(d(a, p) - d(a, n)))` with the
    soft margin. With several `negatives` the same p is paired with each of the nearest few, and the loss is the mean
    of these triplets' losses. It wants batches of P identities × K images each.

    - The anchor counts among its own positives, as in the paper's Eq. 5: an identity with one image in the batch has
      d(a, p) = 0 and is only pushed away from others.
    - A batch of a single identity has no negative, where the paper says nothing: then d(a, n) = d(a, p), so that the
      loss is the margin (log 2 with the soft one) and the gradient is zero, as in tensorflow-addons.
    - A batch that has fewer than `negatives` images of others gives as many triplets as there are such images.
    - The pairs are found by similarity products and their distances then computed from the differences, so that images
      that nearly coincide keep an exact distance, and matrix products of reduced precision (TF32) cannot disturb it.
      Two images that coincide give a zero gradient instead of the square root's infinite one.
    - Computed in float32 under every dtype policy.
    - Under `tf.distribute` each replica looks for the hardest pairs among its own images and the losses are averaged:
      choose P and K for the batch of one replica, not for the global one.

    Example:
    ```python
    labels, embeddings = np.array([1, 1, 2]), np.array([[0, 0], [3, 4], [0, 1]])
    BatchHardTriplet(margin=0.3)(labels, embeddings)  # the mean of 5 - 1 + 0.3, 5 - √18 + 0.3 and max(0, 0 - 1 + 0.3)
    ```

    Args:
        margin: number ≥ 0 by which a negative should be farther than a positive, or `"soft"`. Defaults to 0.3.
        distance: `"euclidean"`; `"squared_euclidean"`; `"normalized_euclidean"`, of the embeddings brought to length 1;
            or `"cosine"` (1 − cosine of the angle). Defaults to `"euclidean"`.
        negatives: how many of the nearest images of others to push away from each anchor, at least 1. Defaults to 1.
        reduction: as for every `keras.losses.Loss`. Defaults to the mean over the batch.
        name: of the loss. Defaults to `"batch_hard_triplet"`.

    Call arguments:
        y_true: (B,) or (B, 1) identity labels. Keras casts them to float32, so they must lie below 2²⁴.
        y_pred: (B, D) embeddings.

    Returns: the loss of each anchor, (B,), reduced by `reduction` when the loss object is called.

    Raises:
        ReIDError: a margin, distance or number that is none of the above, or labels and embeddings of other shapes.
    """

    def __init__(
        self,
        margin: float | str = 0.3,
        distance: str = "euclidean",
        negatives: int = 1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "batch_hard_triplet",
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype="float32")
        number = isinstance(margin, int | float) and not isinstance(margin, bool) and 0 <= margin < float("inf")
        if margin != "soft" and not number:
            raise ReIDError(f"`margin` must be a number of at least 0, or 'soft'. Received: {margin!r}.")
        if distance not in DISTANCES:
            raise ReIDError(f"`distance` must be one of {', '.join(DISTANCES)}. Received: {distance!r}.")
        if isinstance(negatives, bool) or not isinstance(negatives, int | np.integer) or negatives < 1:
            raise ReIDError(f"`negatives` must be a whole number of at least 1. Received: {negatives!r}.")
        self.margin = margin
        self.distance = distance
        self.negatives = int(negatives)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.distance_and_loss(y_true, y_pred)[1]

    def distance_and_loss(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Distance of each image from its hardest positive, and the loss of its triplets, (B,) and (B,)."""
        features = ops.cast(y_pred, "float32")
        same = same_identity(y_true, features)
        if self.distance in _OF_UNIT_VECTORS:
            features = unit_vectors(features)
        farness = _farness(features)
        positive = ops.argmax(ops.where(same, farness, -float("inf")), axis=-1)
        near = self._distance(features, positive)
        total, number, taken = 0.0, 0.0, same
        for rank in range(self.negatives):
            negative = ops.argmin(ops.where(taken, float("inf"), farness), axis=-1)
            none_left = ops.all(taken, axis=-1)
            # Where there is no other person at all, the first negative is the positive.
            counts = ops.cast(ops.logical_or(not rank, ops.logical_not(none_left)), "float32")
            gap = near - self._distance(features, ops.where(none_left, positive, negative))
            total += counts * (ops.softplus(gap) if self.margin == "soft" else ops.relu(gap + self.margin))
            number += counts
            images = ops.arange(ops.shape(features)[0], dtype=negative.dtype)
            taken = ops.logical_or(taken, ops.expand_dims(images, 0) == ops.expand_dims(negative, 1))
        return near, total / number

    def _distance(self, features: Any, partner: Any) -> Any:
        """Distance of each image from its partner, (B,)."""
        squared = ops.sum(ops.square(features - ops.take(features, partner, axis=0)), axis=-1)
        if self.distance == "cosine":
            return squared / 2  # |a − b|² = 2 − 2 a·b for unit vectors
        if self.distance == "squared_euclidean":
            return squared
        apart = squared != 0  # which NaN is, so that the loss says that the training has diverged
        return ops.where(apart, ops.sqrt(ops.where(apart, squared, 1.0)), 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "distance": self.distance, "negatives": self.negatives}


def _farness(features: Any) -> Any:
    """(B, B): row i orders all images by their distance from image i, in its own units."""
    features = ops.stop_gradient(features - ops.mean(features, axis=0))  # centred, the products cancel less
    squares = ops.sum(ops.square(features), axis=-1)
    # The anchor's own square shifts its whole row and so changes no choice.
    return ops.expand_dims(squares, 0) - 2 * ops.matmul(features, ops.transpose(features))

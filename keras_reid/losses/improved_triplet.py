"""Improved TriHard loss of AANet: the batch-hard triplet loss, and positives close together whatever negatives do.

Lian, Jiang and Hu, "Attention-Aligned Network for Person Re-Identification", section 3.4, Eq. 9.
"""

from typing import Any

import keras

from keras_reid.losses.triplet import BatchHardTriplet


@keras.saving.register_keras_serializable(package="keras_reid")
class ImprovedTriHard(BatchHardTriplet):
    """The batch-hard triplet loss plus the distance of the hardest positive itself.

    For anchor a with hardest positive p and hardest negative n, the loss is `d(a, p) + max(0, d(a, p) - d(a, n) +
    margin)` (Eq. 9): where the triplet loss is content, an identity is still drawn together.

    The paper does not say whether D is of features as they are or of features of length 1. As they are, to let all of
    them shrink to one point is the quickest way down, and only leaves the margin: AANet from ImageNet weights was there
    after one epoch of WARD, and its classifiers learnt nothing. So the default is the distance of unit vectors.

    What `BatchHardTriplet` says of mining, identities with one image, batches of one identity, precision and
    `tf.distribute` holds here: each replica looks for the hardest pairs among its own images.

    Example:
    ```python
    labels, embeddings = np.array([1, 1, 2]), np.array([[2, 0], [3, 4], [0, 1]])
    # Of unit vectors (1, 0), (.6, .8), (0, 1): the mean of √.8 + 0, √.8 + √.8 - √.4 + 0.3 and 0 + 0
    ImprovedTriHard(margin=0.3)(labels, embeddings)
    ```

    Args:
        margin: number ≥ 0 by which a negative should be farther than a positive, or `"soft"`. The paper gives no value;
            defaults to 0.3, the field's.
        distance: as for `BatchHardTriplet`. Defaults to `"normalized_euclidean"`.
        negatives: as for `BatchHardTriplet`. Defaults to 1, the paper's.
        reduction: as for every `keras.losses.Loss`. Defaults to the mean over the batch.
        name: of the loss. Defaults to `"improved_trihard"`.

    Call arguments:
        y_true: (B,) or (B, 1) identity labels. Keras casts them to float32, so they must lie below 2²⁴.
        y_pred: (B, D) embeddings.

    Returns: the loss of each anchor, (B,), reduced by `reduction` when the loss object is called.

    Raises:
        ReIDError: a margin or distance that is none of the above, or labels and embeddings of other shapes.
    """

    def __init__(
        self,
        margin: float | str = 0.3,
        distance: str = "normalized_euclidean",
        negatives: int = 1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "improved_trihard",
    ) -> None:
        super().__init__(margin, distance, negatives, reduction, name)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        positive, triplets = self.distance_and_loss(y_true, y_pred)
        return positive + triplets

"""Attention cosine distance of AANet: pictures of one person should be looked at alike, from head to feet.

Lian, Jiang and Hu, "Attention-Aligned Network for Person Re-Identification", section 3.3, Eq. 5 to 7.
"""

from typing import Any

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.losses.pairs import same_identity
from keras_reid.losses.unit_vectors import unit_vectors


@keras.saving.register_keras_serializable(package="keras_reid")
class AttentionCosineDistance(keras.losses.Loss):
    """Mean over all pairs of pictures of one identity of 1 − the cosine of their attention from top to bottom.

    A picture's map is scaled to [0, 1] (Eq. 5). Rows whose mean is below `row_threshold` are left out as background,
    and columns whose mean is below `column_threshold`. The means of the rows that are left, over the columns that are
    left, are brought to one length by linear interpolation: the picture's attention vector. The loss of a batch is the
    mean of 1 − cosine over its pairs of the same identity (Eq. 6 and 7; where the paper adds up over identities, the
    mean here does not depend on how many there are; weighed by their number it is the paper's, and by twice as much
    where both orders of a pair count, as its a and b from 1 to K can be read).

    - All of it is one graph. What is left out is decided without a gradient; everything else has one, so that the loss
      reaches the map and, through it, features and classifiers.
    - Where not one row, or column, reaches its threshold, all of them stay: nothing would be left otherwise.
    - A batch without a pair, such as one with one image an identity, has loss 0.
    - Computed in float32 under every dtype policy.
    - Under `tf.distribute` each replica compares its own images only, as in `BatchHardTriplet`.

    Example:
    ```python
    maps = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]])  # the one looks up, the other down
    AttentionCosineDistance(0, 0)(np.array([1, 1]), maps)  # 1.0: at right angles
    ```

    Args:
        row_threshold: T_h, from 0 to 1. Defaults to 0.3 (Fig. 6b).
        column_threshold: T_w, from 0 to 1. Defaults to 0.3 (section 4.5.2).
        length: of the attention vectors. Defaults to None: the maps' height.
        reduction: as for every `keras.losses.Loss`. Defaults to the mean over the batch.
        name: of the loss. Defaults to `"attention_cosine_distance"`.

    Call arguments:
        y_true: (B,) or (B, 1) identity labels.
        y_pred: (B, height, width) class activation maps of the pictures' own identities (Eq. 4).

    Returns: (B,), each image's share, whose mean is the mean over the pairs; reduced by `reduction` when the loss
        object is called.

    Raises:
        ReIDError: a threshold outside of [0, 1], a length that is no whole number above 0, or maps of another shape.
    """

    def __init__(
        self,
        row_threshold: float = 0.3,
        column_threshold: float = 0.3,
        length: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "attention_cosine_distance",
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype="float32")
        for argument, value in (("row_threshold", row_threshold), ("column_threshold", column_threshold)):
            if not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ReIDError(f"`{argument}` must be a number from 0 to 1. Received: {value!r}.")
        if length is not None and (not isinstance(length, int) or isinstance(length, bool) or length < 1):
            raise ReIDError(f"`length` must be a whole number above 0, or None. Received: {length!r}.")
        self.row_threshold = row_threshold
        self.column_threshold = column_threshold
        self.length = length

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if len(y_pred.shape) != 3:
            raise ReIDError(
                f"Expected one map an image, shape (batch, height, width). Received: {tuple(y_pred.shape)}."
            )
        vectors = unit_vectors(self.attention_vectors(y_pred))
        itself = ops.eye(ops.shape(vectors)[0], dtype="float32")
        pairs = ops.cast(same_identity(y_true, vectors), "float32") - itself
        distances = 1 - ops.matmul(vectors, ops.transpose(vectors))  # Eq. 6
        # Times the batch over the pairs, so that the mean over the batch is that over the pairs.
        batch = ops.cast(ops.shape(vectors)[0], "float32")
        return ops.sum(pairs * distances, axis=-1) * batch / ops.maximum(ops.sum(pairs), 1.0)

    def attention_vectors(self, maps: Any) -> Any:
        """The maps' attention from top to bottom, (B, length)."""
        maps = ops.cast(maps, "float32")
        least, most = (pick(maps, axis=(1, 2), keepdims=True) for pick in (ops.min, ops.max))
        maps = (maps - least) / ops.maximum(most - least, 1e-12)  # Eq. 5
        rows = _kept(ops.mean(maps, axis=2), self.row_threshold)
        columns = _kept(ops.mean(maps, axis=1), self.column_threshold)
        along = ops.sum(maps * ops.expand_dims(columns, 1), axis=2) / ops.sum(columns, axis=1, keepdims=True)
        # Row r of those that are left is weighed by its nearness to the place that a sample wants, linearly.
        number = ops.sum(rows, axis=1)
        length = self.length or maps.shape[1]
        wanted = (ops.arange(length, dtype="float32") + 0.5) * ops.expand_dims(number, 1) / length - 0.5
        wanted = ops.clip(wanted, 0.0, ops.expand_dims(number - 1, 1))
        place = ops.cumsum(rows, axis=1) - 1
        nearness = ops.relu(1 - ops.abs(ops.expand_dims(wanted, 2) - ops.expand_dims(place, 1)))
        return ops.sum(nearness * ops.expand_dims(rows * along, 1), axis=2)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "row_threshold": self.row_threshold,
            "column_threshold": self.column_threshold,
            "length": self.length,
        }


def _kept(means: Any, threshold: float) -> Any:
    """1 for what reaches the threshold and 0 for what does not; 1 for all where nothing does."""
    kept = ops.stop_gradient(ops.cast(means >= threshold, "float32"))
    return ops.where(ops.any(kept > 0, axis=1, keepdims=True), kept, ops.ones_like(kept))

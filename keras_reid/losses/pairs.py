"""Whom the images of a batch show, and which show the same person."""

from typing import Any

from keras import ops

from keras_reid.errors import ReIDError


def one_label_an_image(labels: Any, images: Any) -> Any:
    """The labels as a vector, (B,).

    Args:
        labels: (B,) or (B, 1) identity labels.
        images: What belongs to the images, (B, …), looked at for its shape only.

    Raises:
        ReIDError: the labels' shape is neither (B,) nor (B, 1), or B differs.
    """
    if len(labels.shape) not in (1, 2) or (len(labels.shape) == 2 and labels.shape[1] != 1):
        raise ReIDError(
            "Expected one integer label an image, shape (batch,) or (batch, 1); one-hot labels need an argmax first. "
            f"Received: {tuple(labels.shape)}."
        )
    if None not in (labels.shape[0], images.shape[0]) and labels.shape[0] != images.shape[0]:
        raise ReIDError(f"Expected {images.shape[0]} labels, one an image. Received: {labels.shape[0]}.")
    return ops.reshape(labels, (-1,))


def same_identity(labels: Any, features: Any) -> Any:
    """Boolean (B, B): whether images i and j of the batch carry the same label; the diagonal is true.

    Args:
        labels: (B,) or (B, 1) identity labels.
        features: (B, D) embeddings, looked at for their shape only.

    Raises:
        ReIDError: the two are not one label and one embedding an image.
    """
    if len(features.shape) != 2:
        raise ReIDError(
            f"Expected one embedding an image, shape (batch, dimensions). Received: {tuple(features.shape)}."
        )
    labels = one_label_an_image(labels, features)
    return ops.expand_dims(labels, 1) == ops.expand_dims(labels, 0)

"""Weights from one model to another of the same network."""

from keras_reid.errors import ReIDError


def hand_over(source, target) -> None:
    """Copy the weights, heads included, between models that differ in the size of their pictures at most.

    Args:
        source: A `ReIDModel`.
        target: Another of the same network, with as many identities.

    Raises:
        ReIDError: the shapes of weights depend on the size of the pictures.
    """
    # By their order in the graph: the names that Keras gives count up from model to model.
    theirs, ours = ([layer for layer in model.layers if layer.weights] for model in (source, target))
    for layer, own in zip(theirs, ours, strict=True):
        shapes = [[tuple(weight.shape) for weight in one.weights] for one in (layer, own)]
        if shapes[0] != shapes[1]:
            raise ReIDError(
                f"Weights of '{target.name}' depend on the size of the pictures, so that all stages need the same: "
                f"'{layer.name}' has {shapes[0]} at {source.image_size} and {shapes[1]} at {target.image_size}."
            )
        own.set_weights(layer.get_weights())
    for branch in target.branches if target.identities else ():
        getattr(target, f"{branch}_head").set_weights(getattr(source, f"{branch}_head").get_weights())

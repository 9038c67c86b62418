"""Weights from one model to another of the same network."""


def hand_over(source, target) -> None:
    """Copy the weights, heads included, between models that differ in the size of their pictures at most.

    Args:
        source: A `ReIDModel`.
        target: Another of the same network, with as many identities.
    """
    theirs = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        layer.set_weights(theirs[layer.name].get_weights())
    for branch in target.branches if target.identities else ():
        getattr(target, f"{branch}_head").set_weights(getattr(source, f"{branch}_head").get_weights())

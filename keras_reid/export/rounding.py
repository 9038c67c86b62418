"""Weights rounded so that their errors cancel.

The nearest of 255 steps is best for each weight alone, not for what a layer computes: its inputs go together, and so do
the errors. Here the weights are rounded one input after the other, and those still to come make up for the errors so
far, as well as the layer's inputs on representative pictures allow (Frantar et al.: GPTQ, 2023, section 3.3; after
Hassibi and Stork: Optimal Brain Surgeon, 1993). What is left on average goes to the bias (Nagel et al.: Data-Free
Quantization Through Weight Equalization and Bias Correction, 2019, section 4.2). The quantiser, which rounds to the
nearest, then finds the weights on its steps and leaves them there.

On the published HAN-S the squared errors of the layers' outputs fall to between a half and a hundredth, and
1 - cosine of its embeddings, by the weights alone, from 2.4e-4 to 0.3e-4.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from keras_reid.export.flatbuffer import Graph, Operation, calls

# Every weight is one of -127 … 127 steps.
STEPS = 127
# How inputs go together shows on few pictures: each has hundreds of positions.
PICTURES = 64
# Of the mean square of the inputs, added to all: what hardly occurs on the pictures may occur in others.
DAMPING = 1e-3
# The same of inputs that hardly vary, as on one picture: what is left of their products, float32, is rounding then.
NOISE = 1e-5
# Layers with more inputs, whose matrices of moments take half a gigabyte, are left to be rounded to the nearest.
MOST_INPUTS = 4096
# So many weights hand their errors on together, in one matrix product: it is quicker, and comes to the same.
BLOCK = 64


class Moments(NamedTuple):
    """Of the inputs of a layer: their mean, (inputs,), and the mean of their products, (inputs, inputs)."""

    mean: np.ndarray
    products: np.ndarray


def round_together(content: bytes, pixels: np.ndarray, least: int) -> bytes:
    """A float32 LiteRT file whose layers that are matrix products, 1×1 convolutions and dense ones, are rounded.

    Args:
        content: The file; its input takes pixels 0..255.
        pixels: Representative pictures, (n, height, width, 3) uint8.
        least: Layers with fewer weights stay as they are.
    """
    graph = Graph(content)
    layers = [layer for layer in matrix_products(graph) if layer.size >= least]
    found = moments(content, pixels[:: -(-len(pixels) // PICTURES)], layers)
    for layer, of_inputs in zip(layers, found, strict=True):
        weights, *biases = layer.constants
        before = graph.values(weights)
        matrix = before.reshape(len(before), -1).astype("float64")
        # A bias takes up what is left on average, so that only what varies has to cancel.
        varying = of_inputs.products - np.outer(of_inputs.mean, of_inputs.mean) if biases else of_inputs.products
        after = nearest_together(matrix, varying, NOISE * float(np.trace(of_inputs.products)) / len(varying))
        graph.set_values(weights, after.reshape(before.shape))
        for bias in biases:
            shift = (matrix - after) @ of_inputs.mean
            graph.set_values(graph.own(layer, bias), graph.values(bias) + shift)
    return graph.content


def matrix_products(graph: Graph) -> list[Operation]:
    """The operations that multiply what they read by a constant matrix, which no other operation uses."""
    uses = graph.uses

    def fits(operation: Operation) -> bool:
        if operation.name not in ("CONV_2D", "FULLY_CONNECTED") or len(operation.inputs) != 1:
            return False
        weights, shape = next(iter(operation.constants.items()))
        alone = uses[graph.buffer(weights)] == 1 and graph.is_float32(weights)
        whole = graph.shape(operation.inputs[0])[-1] == shape[-1]  # a convolution in groups multiplies by several
        return alone and whole and set(shape[1:-1]) <= {1} and shape[-1] <= MOST_INPUTS

    return [operation for operation in graph.operations if operation.constants and fits(operation)]


def moments(content: bytes, pixels: np.ndarray, layers: list[Operation]) -> list[Moments]:
    """Of what each of the layers reads, over all positions of all pictures."""
    sums: dict[int, np.ndarray] = {}
    counts: Counter[int] = Counter()
    read = {layer.inputs[0] for layer in layers}
    for interpreter in calls(content, pixels, read):
        for number in read:
            values = interpreter.get_tensor(number)
            values = values.reshape(-1, values.shape[-1])
            values = np.concatenate([values, np.ones_like(values[:, :1])], axis=1)  # products with 1 are sums
            if number not in sums:
                sums[number] = np.zeros((values.shape[-1],) * 2)
            sums[number] += values.T @ values  # in place: of 4,096 inputs the matrix has 134 MB
            counts[number] += len(values)
    means = {number: total / counts[number] for number, total in sums.items()}
    return [Moments(means[layer.inputs[0]][-1, :-1], means[layer.inputs[0]][:-1, :-1]) for layer in layers]


def nearest_together(weights: np.ndarray, products: np.ndarray, least: float = 0.0) -> np.ndarray:
    """Weights on steps of 1/127 of the largest in their row, such that the output hardly changes.

    Args:
        weights: (outputs, inputs).
        products: (inputs, inputs), mean of the products of the inputs.
        least: Of what is added to all mean squares. Defaults to 0.

    Returns:
        (outputs, inputs): numbers of steps times the step. The largest weight of each row is what it was, so that
        whoever takes the step from it finds the same one.
    """
    # What varies most first: of what is rounded last, nothing is left that could make up for it.
    order = np.argsort(-np.diag(products), kind="stable")
    left = weights.T[order].astype("float64")
    largest = np.abs(left).max(axis=0)
    fixed, step = np.abs(left) == largest, np.maximum(largest, 1e-30) / STEPS
    whole = products[np.ix_(order, order)].astype("float64")
    whole += (max(DAMPING * np.trace(whole) / len(whole), least) + 1e-12) * np.eye(len(whole))
    # Row i: by how much the weights from i on change what they should be, for an error of weight i.
    spread = np.linalg.cholesky(np.linalg.inv(whole)).T
    rounded = np.empty_like(left)
    for first in range(0, len(left), BLOCK):
        block = slice(first, first + BLOCK)
        errors = np.empty_like(left[block])
        for i in range(first, min(first + BLOCK, len(left))):
            steps = np.clip(np.rint(left[i] / step), -STEPS, STEPS)
            rounded[i] = np.where(fixed[i], np.copysign(STEPS, weights[:, order[i]]), steps) * step
            errors[i - first] = (left[i] - rounded[i]) / spread[i, i]
            left[i + 1 : first + BLOCK] -= np.outer(spread[i, i + 1 : first + BLOCK], errors[i - first])
        left[first + BLOCK :] -= spread[block, first + BLOCK :].T @ errors
    return rounded[np.argsort(order)].T

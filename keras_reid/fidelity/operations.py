"""What each operation of the backend costs in multiply-adds, from the shapes of its operands.

Every formula has the signature of the backend function it stands for, with the function's result in front.
"""

import math
import string
from collections.abc import Callable
from typing import Any

import numpy as np

# Samples that an interpolation weighs along one axis.
_TAPS = {"nearest": 0, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}


class Uncountable(Exception):
    """The operation's cost does not follow from what was seen of it; the message completes "... cannot be counted"."""


def shape(tensor: Any) -> tuple[int, ...]:
    """Shape of a tensor of any backend, an array or a number."""
    return tuple(tensor.shape) if hasattr(tensor, "shape") else np.shape(tensor)


def size(tensor: Any) -> int:
    """How many values a tensor of any backend, an array or a number holds."""
    return math.prod(_known(tensor))


def _known(tensor: Any) -> tuple[int, ...]:
    if None in shape(tensor):
        raise Uncountable("an operation whose shapes are not known before it runs")
    return shape(tensor)


def _conv(result, inputs, kernel, *_, **__) -> int:
    """Output positions times kernel, whose shape has channels/groups, so that groups need no case of their own.

    Positions at the border count in full, padding included, as in the papers.
    """
    return size(result) // _known(kernel)[-1] * size(kernel)


def _depthwise_conv(result, inputs, kernel, *_, **__) -> int:
    return size(result) // math.prod(_known(kernel)[-2:]) * size(kernel)


def _separable_conv(result, inputs, depthwise_kernel, pointwise_kernel, *_, **__) -> int:
    positions = size(result) // _known(pointwise_kernel)[-1]
    return positions * (size(depthwise_kernel) + size(pointwise_kernel))


def _conv_transpose(result, inputs, kernel, *_, **__) -> int:
    """Input positions times kernel, (..., filters, channels): each input value is spread over one kernel."""
    return size(inputs) // _known(kernel)[-1] * size(kernel)


def _matmul(result, x1, x2) -> int:
    return size(result) * _known(x1)[-1]


def _dot(result, x1, x2) -> int:
    """Every row of `x1` with every column of `x2`, from the operands: of `inner` TensorFlow may not know the result."""
    if not shape(x1) or not shape(x2):  # a plain product with a number
        return 0
    return size(x1) * size(x2) // _known(x1)[-1]


def _vdot(result, x1, x2) -> int:
    return size(x1)


def _tensordot(result, x1, x2, axes=2) -> int:
    if isinstance(axes, int):
        summed = _known(x1)[len(_known(x1)) - axes :]
    else:
        summed = tuple(_known(x1)[axis] for axis in np.atleast_1d(axes[0]))
    return size(result) * math.prod(summed) if summed else 0


def _einsum(result, subscripts, *operands, **_) -> int:
    """Sum over the pairwise products of the cheapest order; a product that sums over no label is elementwise, 0."""
    inputs, output = _labels(subscripts, [len(_known(operand)) for operand in operands])
    extents: dict[str, int] = {}
    for labels, operand in zip(inputs, operands, strict=True):
        for label, extent in zip(labels, _known(operand), strict=True):
            extents[label] = max(extent, extents.get(label, 1))
    # Of the shape alone: NumPy only plans the order.
    empty = [np.broadcast_to(np.float32(0), _known(operand)) for operand in operands]
    total = 0
    remaining = [set(labels) for labels in inputs]
    for pair in np.einsum_path(",".join(inputs) + "->" + output, *empty, optimize="optimal")[0][1:]:
        taken = [remaining.pop(index) for index in sorted(pair, reverse=True)]
        joined = set().union(*taken)
        kept = joined & set(output).union(*remaining)
        if joined - kept:
            total += (len(taken) - 1) * math.prod(extents[label] for label in joined)
        remaining.append(kept)
    return total


def _labels(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """Labels of the operands and of the result, the ellipsis spelt out in letters not in use, from the last axis on."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    hidden = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    unused = [letter for letter in string.ascii_letters if letter not in subscripts]
    spelt = "".join(unused[: max(hidden)])
    inputs = [term.replace("...", spelt[len(spelt) - n :]) for term, n in zip(terms, hidden, strict=True)]
    if not arrow:  # implicit output: the ellipsis, then labels that occur once, in alphabetical order
        output = "..." + "".join(sorted(label for label in set(left) - set(",.") if left.count(label) == 1))
    return inputs, output.replace("...", spelt)


def _dot_product_attention(result, query, key, value, *_, **__) -> int:
    """Query (batch, positions, heads, width) against every key, and the weighted sum of the values."""
    return size(query) * _known(key)[1] + size(result) * _known(key)[1]


def _resize(result, images, size, interpolation="bilinear", antialias=False, *_, **__) -> int:
    """Every output value weighs 2×2 samples if bilinear, 4×4 if bicubic, none if nearest: 4, 16 or 0 multiply-adds."""
    if antialias:
        raise Uncountable("a resize with antialias=True, whose number of samples depends on the scale,")
    return math.prod(_known(result)) * _TAPS[interpolation] ** 2  # here `size` is Keras' keyword


def _affine_transform(result, images, transform, interpolation="bilinear", *_, **__) -> int:
    return size(result) * _TAPS[interpolation] ** 2


def _map_coordinates(result, inputs, coordinates, order, *_, **__) -> int:
    """Linear interpolation (order 1) weighs 2 samples an axis."""
    return size(result) * 2 ** len(_known(inputs)) if order else 0


FORMULAS: dict[str, dict[str, Callable[..., int]]] = {
    "nn": {
        "conv": _conv,
        "depthwise_conv": _depthwise_conv,
        "separable_conv": _separable_conv,
        "conv_transpose": _conv_transpose,
        "dot_product_attention": _dot_product_attention,
    },
    "numpy": {
        "matmul": _matmul,
        "dot": _dot,
        "inner": _dot,
        "vdot": _vdot,
        "tensordot": _tensordot,
        "einsum": _einsum,
    },
    "image": {"resize": _resize, "affine_transform": _affine_transform, "map_coordinates": _map_coordinates},
}

# A backend may trace a loop's body once for all its turns, or both sides of a condition: the count would be wrong.
_CONTROL_FLOW = ("associative_scan", "cond", "fori_loop", "map", "scan", "switch", "vectorized_map", "while_loop")
REFUSED: dict[str, tuple[str, ...]] = {
    "": ("gru", "lstm", "rnn"),
    "core": _CONTROL_FLOW,
    "image": ("gaussian_blur", "perspective_transform", "scale_and_translate"),
}

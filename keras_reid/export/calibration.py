"""Which values occur in a LiteRT graph, measured on pictures, and channels brought to one range.

Integers of 8 bits share one scale in a tensor. Where one channel's values are fifty times another's, as behind
depthwise convolutions, the smaller one is left with five steps. Multiplying a channel where it is computed and
dividing by the same factor where it is read changes nothing in float32, and lets all channels use the whole range
(Nagel et al.: Data-Free Quantization Through Weight Equalization and Bias Correction, 2019, section 4.1; Xiao et al.:
SmoothQuant, 2023, Eq. 4, for the factor). On HAN-S the energy of the quantisation error falls by 40 %.
"""

import itertools
from typing import NamedTuple

import numpy as np

from keras_reid.data.images import as_list
from keras_reid.errors import ReIDError
from keras_reid.export.flatbuffer import Graph, Operation, calls
from keras_reid.export.parity import Images

# Share of the pictures whose extreme values are within the range: a rare outlier would coarsen the steps for all.
COVERED = 0.99
# Up to so many pictures are shown twice.
FEW = 240
# How much farther from grey the purer colours are: beyond it the range that all pictures share gets too coarse.
PURER = 1.75
# Multiply-adds that the ranges are measured with at most, about a minute on two cores; a large network is shown fewer
# pictures, though at least so many.
EFFORT = 2.5e11
LEAST_SHOWN = 64
# Of more pictures only so many are read, unless more of them can be shown.
MOST_READ = 1024
# Channels that hardly ever fire must not get factors without bounds.
LEAST_RELATIVE = 1e-3
# Least range of what a convolution computes, as a share of the largest product that it sums. XNNPACK loads no layer
# whose output has steps smaller than a 256th of the sum's, which is a range of 1/127/256 of that product.
LEAST_OF_PRODUCT = 2**-14


class Extremes(NamedTuple):
    """Least and greatest value in each call: (calls, channels), or (calls, 1) for the tensor as a whole."""

    low: np.ndarray
    high: np.ndarray


class Link(NamedTuple):
    """A tensor that one convolution writes and only one other reads."""

    tensor: int
    writer: Operation
    reader: Operation


def calibrate(content: bytes, pixels: np.ndarray) -> bytes:
    """A float32 LiteRT file with channels equalised and the ranges of all values written down, for the quantiser.

    Args:
        content: The file; its input takes pixels 0..255.
        pixels: Representative pictures, (n, height, width, 3) uint8.

    Raises:
        ReIDError: some of the values are not finite.
    """
    graph = Graph(content)
    found = links(graph)
    pictures = affordable(shown(pixels), graph.multiply_adds)
    extremes = observe(content, pictures, graph.computed, {link.tensor for link in found})
    if not all(np.isfinite(values).all() for both in extremes.values() for values in both):
        raise ReIDError("The network computes NaN or infinity: load good weights before exporting it.")
    for link in found:
        extremes[link.tensor] = equalise(graph, link, extremes[link.tensor])
    ranges = {
        tensor: (np.quantile(low.min(axis=1), 1 - COVERED), np.quantile(high.max(axis=1), COVERED))
        for tensor, (low, high) in extremes.items()
    }
    ranges |= dict.fromkeys(graph.inputs, (0, 255))  # whatever the pictures hold: uint8 goes in as it is, scale 1
    for tensor, (low, high) in widened(graph, ranges).items():
        graph.set_range(tensor, low, high)
    return graph.content


def widened(graph: Graph, ranges: dict[int, tuple[float, float]]) -> dict[int, tuple[float, float]]:
    """The ranges, wide enough for LiteRT where a convolution's outputs are all but zero on all pictures.

    Such are units that never get past their ReLU.
    """
    found = dict(ranges)
    for operation in graph.operations:
        if operation.name == "CONV_2D" and operation.inputs and operation.constants:
            weights = graph.values(next(iter(operation.constants)))
            reach = np.abs(found[operation.inputs[0]]).max() * np.abs(weights).max()
            low, high = found[operation.outputs[0]]
            found[operation.outputs[0]] = (low, max(high, low + LEAST_OF_PRODUCT * reach))
    return found


def shown(pixels: np.ndarray) -> np.ndarray:
    """The pictures that the ranges are measured on: those given, in other colours too, and some in purer ones.

    One picture in a hundred has a background of almost pure colour. On the published HAN-S such a one had a cosine of
    0.964 where no pure colours were shown, and 0.990 where they were.
    """
    pixels = with_other_colours(pixels)
    return np.concatenate([pixels, with_purer_colours(pixels[::2])])


def affordable(pixels: np.ndarray, multiply_adds: int) -> np.ndarray:
    """As many of the pictures, drawn at random, as a network with so many multiply-adds a picture can be shown."""
    most = _most(multiply_adds)
    return pixels if len(pixels) <= most else pixels[_drawn(len(pixels), most)]


def worth_reading(images: Images | None, multiply_adds: int) -> Images | None:
    """As many of the pictures, drawn at random before any is read, as can be of use; None stays None."""
    if images is None:
        return None
    listed, most = as_list(images), max(MOST_READ, _most(multiply_adds))
    return listed if len(listed) <= most else [listed[number] for number in _drawn(len(listed), most)]


def _most(multiply_adds: int) -> int:
    return max(LEAST_SHOWN, int(EFFORT / max(multiply_adds, 1)))


def _drawn(number: int, most: int) -> np.ndarray:
    return np.sort(np.random.default_rng(0).choice(number, most, replace=False))


def with_purer_colours(pixels: np.ndarray) -> np.ndarray:
    """The pictures with every pixel farther from its grey."""
    grey = pixels.mean(axis=-1, keepdims=True, dtype="float32")
    return np.clip(np.rint(grey + PURER * (pixels - grey)), 0, 255).astype("uint8")


def with_other_colours(pixels: np.ndarray) -> np.ndarray:
    """The pictures, and again with red, green and blue in another order; of many, every second one in another order.

    A few hundred people do not wear all colours. A channel of the first layers that answers to a missing one would be
    cut off when somebody wears it: with 96 of the bundled people, the worst other picture's cosine was 0.970 without
    other colours and 0.993 with them, at no cost to the rest.
    """
    orders = list(itertools.permutations(range(3)))[1:]
    turned = np.stack([picture[..., orders[number % len(orders)]] for number, picture in enumerate(pixels)])
    if len(pixels) <= FEW:
        return np.concatenate([pixels, turned])
    turned[::2] = pixels[::2]
    return turned


def observe(content: bytes, pixels: np.ndarray, tensors: list[int], by_channel: set[int]) -> dict[int, Extremes]:
    """The extreme values of `tensors` in each call, for those in `by_channel` channel by channel."""
    low: dict[int, list[np.ndarray]] = {tensor: [] for tensor in tensors}
    high: dict[int, list[np.ndarray]] = {tensor: [] for tensor in tensors}
    for interpreter in calls(content, pixels, tensors):
        for tensor in tensors:
            values = interpreter.get_tensor(tensor)
            values = values.reshape(-1, values.shape[-1] if tensor in by_channel else 1)
            low[tensor].append(values.min(axis=0))
            high[tensor].append(values.max(axis=0))
    return {tensor: Extremes(np.stack(low[tensor]), np.stack(high[tensor])) for tensor in tensors}


def links(graph: Graph) -> list[Link]:
    """The tensors whose channels can be equalised, in the order in which they are computed."""
    readers: dict[int, list[Operation]] = {}
    for operation in graph.operations:
        for tensor in operation.inputs:
            readers.setdefault(tensor, []).append(operation)
    uses = graph.uses

    def free(operation: Operation) -> bool:
        """Whether its weights are its own, and its biases its own or zero."""
        weights, *biases = operation.constants
        return uses[graph.buffer(weights)] == 1 and all(
            uses[graph.buffer(bias)] == 1 or not graph.values(bias).any() for bias in biases
        )

    found = []
    for writer in graph.operations:
        read_by = readers.get(writer.outputs[0], [])
        if len(read_by) != 1 or not all(_is_convolution(operation) for operation in (writer, *read_by)):
            continue
        # Not in groups, nor of several kernels a channel.
        each_once = _kernel(read_by[0])[-1] == graph.shape(writer.outputs[0])[-1]
        if each_once and writer.activation in (0, 1) and free(writer) and free(read_by[0]):
            found.append(Link(writer.outputs[0], writer, read_by[0]))
    return found


def equalise(graph: Graph, link: Link, extremes: Extremes) -> Extremes:
    """Brings the channels of a tensor to one range, and returns the new extremes."""
    weights, *biases = link.writer.constants
    read_weights = next(iter(link.reader.constants))
    kernel = graph.values(read_weights)
    reach = _bounded(np.maximum(-extremes.low, extremes.high).max(axis=0))
    if link.reader.name == "DEPTHWISE_CONV_2D":
        factors = 1 / reach  # its weights have a scale for each channel, so the division costs nothing there
    else:
        factors = np.sqrt(_bounded(np.abs(kernel).max(axis=(0, 1, 2))) / reach)
    factors = (factors / np.exp(np.mean(np.log(factors)))).astype("float32")
    # Output channels come first in the kernels of convolutions and last in those of depthwise ones.
    along = factors if link.writer.name == "DEPTHWISE_CONV_2D" else factors[:, None, None, None]
    graph.set_values(weights, graph.values(weights) * along)
    for bias in biases:
        graph.set_values(bias, graph.values(bias) * factors)
    graph.set_values(read_weights, kernel / factors)
    return Extremes(extremes.low * factors, extremes.high * factors)


def _bounded(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, max(LEAST_RELATIVE * float(values.max()), 1e-12))


def _kernel(operation: Operation) -> tuple[int, ...]:
    return next(iter(operation.constants.values()))


def _is_convolution(operation: Operation) -> bool:
    return operation.name in ("CONV_2D", "DEPTHWISE_CONV_2D") and len(operation.constants) >= 1

"""Integer quantisation that leaves in float32 what integers would spoil or slow down.

TensorFlow's quantiser turns everything into int8 for which LiteRT has a kernel. Measured on HAN-S with LiteRT 2.3
that is slow, imprecise and unsafe:

- a product of two computed matrices (BATCH_MATMUL) has only a plain int8 kernel, which alone takes several times as
  long as the whole network in float32;
- where a region is cut from, and the normalisation of the embedding, need more than 8 bits;
- an int8 convolution from one channel to one channel makes the XNNPACK delegate write past its memory: the process
  crashes, sooner or later.

So integers are kept to where the time goes, convolutions and the element-wise operations between them. Two kinds of
layers stay in float32 though they have fast int8 kernels:

- dense layers: they see one row a picture, so that they take no time, and what the last one rounds is the embedding;
- depthwise convolutions and the layers that read them: what lies in between has the longest tails, and more than half
  of the squared error came from there. A depthwise layer gains no time by int8; the one behind it gives up its gain.

Their weights are stored in int8 all the same, but for those of depthwise layers, which are few.
"""

import itertools
from typing import Any

import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.export.calibration import calibrate
from keras_reid.export.flatbuffer import Graph, Operation
from keras_reid.export.rounding import round_together

# With fast and safe int8 kernels.
INTEGER_OPS = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "FULLY_CONNECTED", "LOGISTIC", "MAX_POOL_2D", "MEAN",
    "MUL", "PAD", "RELU", "RESHAPE", "RESIZE_BILINEAR", "SUB", "TRANSPOSE",
}  # fmt: skip
# Where the weights are.
HEAVY_OPS = ("CONV_2D", "FULLY_CONNECTED")
# The first layers hand their rounding on to all that follow: they are computed in float32 as long as they hold no more
# than this share of the weights. On the published HAN-S, with 0.02, 0.05, 0.12 and 0.3, 1 - cosine of the embeddings of
# WARD's training people was 1.6e-4, 0.9e-4, 0.8e-4 and 0.5e-4, the nearest picture the very same for 95, 97.5, 98.3 and
# 98.3 % of them, and the time .76, .77, .86 and .95 of float32's.
FIRST_SHARE = 0.12
# Smaller kernels, such as a stem's 864 weights, are not worth the rounding.
LEAST_STORED = 1024


def quantised(content: bytes, pixels: np.ndarray, output: str) -> bytes:
    """A float32 LiteRT file in int8.

    Args:
        content: The file; its input takes pixels 0..255.
        pixels: Representative pictures, (n, height, width, 3) uint8.
        output: Type of the output, "float32" or "int8".

    Raises:
        ReIDError: the network has loops or branches, computes NaN or infinity, or cannot give out int8.

    Returns:
        The file's content. Its input is uint8 pixels 0..255 as they are.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.util import modify_model_io_type

    in_float = left_in_float(Graph(content).operations, output)
    # The converter's own last two steps. Taken one by one because only so can single operations be left out.
    content = mlir_quantize(
        round_together(calibrate(content, pixels), pixels, LEAST_STORED),
        denylisted_nodes=[name for operation in in_float for name in operation.output_names],
    )
    graph = Graph(content)
    if output == "int8" and not graph.gives_integers:
        raise ReIDError(
            "The network's last operation has no integer kernel, so its output is float32: leave out output='int8'."
        )
    rounded = [operation for operation in graph.operations if operation.name == "QUANTIZE"]
    if rounded:  # else all of it stayed in float32
        taken = tf.uint8 if any({*graph.inputs} & {*operation.inputs} for operation in rounded) else tf.float32
        graph = Graph(bytes(modify_model_io_type(content, taken, getattr(tf, output))))
    graph.take_bytes()  # where the first layers stayed in float32, the input did as well
    store_in_bytes(graph)
    return graph.content


def store_in_bytes(graph: Graph) -> None:
    """Stores the weights of layers that compute in float32 in int8."""
    kernels = {
        weights
        for operation in graph.operations
        if operation.name in HEAVY_OPS and operation.size >= LEAST_STORED
        for weights in list(operation.constants)[:1]
        if graph.is_float32(weights)
    }
    for weights in sorted(kernels):
        graph.store_in_bytes(weights, axis=0)  # their output channels come first


def left_in_float(graph: list[Operation], output: str = "float32") -> list[Operation]:
    """The operations of a float32 graph that are not to be quantised.

    From those that cannot be, it spreads over the light-weight operations around them: one that gets all of its
    input from float32 operations, or gives all of its output to such, would only round in between.

    Args:
        graph: In the order in which it runs.
        output: Type of the network's output, "float32" or "int8".
    """
    producer = {tensor: index for index, operation in enumerate(graph) for tensor in operation.outputs}
    consumers: dict[int, list[int]] = {index: [] for index in range(len(graph))}
    for index, operation in enumerate(graph):
        for tensor in operation.inputs:
            if tensor in producer:
                consumers[producer[tensor]].append(index)
    weights = sum(operation.size for operation in graph)
    depthwise = {number for operation in graph if operation.name == "DEPTHWISE_CONV_2D" for number in operation.outputs}
    whole = {index for index in consumers if output == "int8" and not consumers[index]}  # the output itself
    dense = {index for index, operation in enumerate(graph) if operation.name == "FULLY_CONNECTED"} - whole
    behind = {index for index, operation in enumerate(graph) if depthwise.intersection(operation.inputs)} - whole
    chosen = dense | behind | {index for index, operation in enumerate(graph) if _must_stay(operation)}
    sizes = itertools.accumulate(operation.size for operation in graph)
    first = [index for index, held in enumerate(sizes) if held <= FIRST_SHARE * weights]
    if any(graph[index].name in HEAVY_OPS for index in first):
        chosen.update(first)
    light = [index for index, operation in enumerate(graph) if operation.name not in HEAVY_OPS]
    while True:
        grown = set(chosen)
        for index in light:
            feeds = [producer.get(tensor) for tensor in graph[index].inputs]
            fed_in_float = bool(feeds) and all(feed in grown for feed in feeds)
            feeds_float = index not in whole and all(user in grown for user in consumers[index])
            if feeds_float or (fed_in_float and index not in whole):
                grown.add(index)
        if grown == chosen:
            return [graph[index] for index in sorted(chosen)]
        chosen = grown


def _must_stay(operation: Operation) -> bool:
    if operation.name not in INTEGER_OPS:
        return True
    kernel = next(iter(operation.constants.values()), ())
    return operation.name == "CONV_2D" and kernel[:1] == kernel[-1:] == (1,)  # from one channel to one


def input_is_plain(tensor: dict[str, Any]) -> bool:
    """Whether a LiteRT input tensor takes uint8 pixels as they are."""
    return tensor["dtype"] == np.uint8 and tensor["quantization"] == (1.0, 0)

"""Full integer quantisation that leaves in float32 what integers would spoil or slow down.

TensorFlow's quantiser turns everything into int8 for which LiteRT has a kernel. Measured on HAN-S with LiteRT 2.3
that is slow, imprecise and unsafe:

- a product of two computed matrices (BATCH_MATMUL) has only a plain int8 kernel, which alone takes several times as
  long as the whole network in float32;
- where a region is cut from, and the normalisation of the embedding, need more than 8 bits;
- an int8 convolution from one channel to one channel makes the XNNPACK delegate write past its memory: the process
  crashes, sooner or later.

So integers are kept to where the time goes, convolutions and dense layers and the element-wise operations between them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_reid.export.flatbuffer import Operation, operations

# With fast and safe int8 kernels.
INTEGER_OPS = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "LOGISTIC",
    "MAX_POOL_2D", "MEAN", "MUL", "PAD", "RELU", "RESHAPE", "RESIZE_BILINEAR", "SUB", "TRANSPOSE",
}  # fmt: skip
# Where time and weights are. Only a dense layer with fewer than this share of all weights may stay in float32.
HEAVY_OPS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
SMALL_SHARE = 0.01


def quantised(saved_model: Path, pixels: np.ndarray, batch: int | None, output: str) -> bytes:
    """A SavedModel as a LiteRT file in int8.

    Args:
        saved_model: Folder of a SavedModel with one signature from float32 pixels 0..255.
        pixels: Representative pictures, (n, height, width, 3) uint8.
        batch: Pictures a call takes; None: any number.
        output: "float32" or "int8".

    Returns:
        The file's content. Its input is uint8 pixels 0..255 as they are.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.util import modify_model_io_type

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: _samples(pixels, batch or 1)
    # The steps of the converter itself, one by one: only so can single operations be left out and the types of input
    # and output be chosen both; the documented tf.lite.experimental.QuantizationDebugger does the first alone.
    converter._experimental_calibrate_only = True
    calibrated = converter.convert()
    in_float = [name for operation in left_in_float(operations(calibrated), output) for name in operation.output_names]
    content = mlir_quantize(calibrated, denylisted_nodes=in_float)
    return bytes(modify_model_io_type(content, tf.uint8, getattr(tf, output)))


def _samples(pixels: np.ndarray, batch: int) -> Iterator[list[np.ndarray]]:
    pixels = pixels.astype("float32")
    # One black and one white pixel: the range is then exactly 0..255, and uint8 pixels go in as they are, scale 1.
    pixels[0, 0, 0] = 0
    pixels[0, -1, -1] = 255
    for start in range(0, len(pixels) - batch + 1, batch):
        yield [pixels[start : start + batch]]


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
    chosen = {index for index, operation in enumerate(graph) if _must_stay(operation)}
    small = SMALL_SHARE * sum(_weights(operation) for operation in graph)
    light = [
        index
        for index, operation in enumerate(graph)
        if operation.name not in HEAVY_OPS or (operation.name == "FULLY_CONNECTED" and _weights(operation) < small)
    ]
    while True:
        grown = set(chosen)
        for index in light:
            feeds = [producer.get(tensor) for tensor in graph[index].inputs]
            fed_in_float = bool(feeds) and all(feed in grown for feed in feeds)
            last = not consumers[index]
            feeds_float = output == "float32" if last else all(user in grown for user in consumers[index])
            fed_in_float = fed_in_float and graph[index].name not in HEAVY_OPS and not (last and output == "int8")
            if feeds_float or fed_in_float:
                grown.add(index)
        if grown == chosen:
            return [graph[index] for index in sorted(chosen)]
        chosen = grown


def _must_stay(operation: Operation) -> bool:
    single_channel = operation.name == "CONV_2D" and operation.constants[0][0] == operation.constants[0][-1] == 1
    return operation.name not in INTEGER_OPS or single_channel


def _weights(operation: Operation) -> int:
    return int(np.prod(operation.constants[0])) if operation.name in HEAVY_OPS and operation.constants else 0


def input_is_plain(tensor: dict[str, Any]) -> bool:
    """Whether a LiteRT input tensor takes uint8 pixels as they are."""
    return tensor["dtype"] == np.uint8 and tensor["quantization"] == (1.0, 0)

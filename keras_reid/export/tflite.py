"""Export to LiteRT (TensorFlow Lite), for the camera."""

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.export.calibration import worth_reading
from keras_reid.export.exported import Exported, check_pictures
from keras_reid.export.flatbuffer import Graph, attach_facts, op_counts
from keras_reid.export.network import Network, batches, check_ops
from keras_reid.export.parity import Images, compare, pictures
from keras_reid.export.quantisation import input_is_plain, quantised
from keras_reid.export.report import Report
from keras_reid.export.staging import size_of, staged

# Weights that stayed behind in variables.
FORBIDDEN_OPS = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")
LEAST_COSINE = {None: 0.9999, "float16": 0.9999, "int8": 0.98}
# Fewer pictures do not show which values occur in the network.
LEAST_REPRESENTATIVE = 16


def to_tflite(
    model: keras.Model,
    path: str | os.PathLike,
    quantize: str | None = None,
    representative: Images | None = None,
    *,
    images: Images | None = None,
    batch_size: int | None = 1,
    output: str = "float32",
    min_cosine: float | None = None,
) -> Report:
    """Writes the embedding as a LiteRT file, made of LiteRT's built-in operations alone.

    Input: (batch, height, width, 3) RGB 0..255, float32, or uint8 with `quantize="int8"`, so that a camera's bytes go
    in as they are. Output: (batch, size). What the file expects also stands in it: `unzip -p FILE keras_reid.json`.

    Args:
        model: A `ReIDModel`, or any functional Keras model from pictures to embeddings.
        path: File to write; a file there is replaced.
        quantize: None for float32; "float16" for weights of half the size, computed in float32 where the processor
            has no float16; "int8" for integers, a quarter of the size. Defaults to None.
        representative: For "int8", pictures that show which values occur in the network, as `model.embed` takes them:
            some hundred from the cameras it will run on; of very many, some are drawn. Defaults to the bundled people's
            training pictures.
        images: Pictures to compare with the Keras model. Defaults to the bundled people's query pictures.
        batch_size: Pictures a call takes; None for any number, by `resize_tensor_input`. Defaults to 1.
        output: For "int8", the type of the output: "float32" for rows of length 1, or "int8" for processors without
            floating point. Defaults to "float32".
        min_cosine: Least cosine between its embeddings and the Keras model's. Defaults to 0.9999; for "int8" 0.98.

    Raises:
        ReIDError: no such model or option, a picture cannot be read, `path` is a folder, the network needs more than
            LiteRT's built-in operations, or a cosine below `min_cosine`; nothing is left at `path` then, and what
            stood there stays.
    """
    if quantize not in LEAST_COSINE:
        raise ReIDError(f"`quantize` is None, 'float16' or 'int8'. Received: quantize={quantize!r}")
    if output not in ("float32", "int8") or (output == "int8" and quantize != "int8"):
        raise ReIDError(f"`output` is 'float32', or 'int8' with quantize='int8'. Received: output={output!r}")
    if representative is not None and quantize != "int8":
        raise ReIDError(f"`representative` pictures serve quantize='int8' only. Received: quantize={quantize!r}")
    network = Network.of(model)
    pixels = pictures(network, images)
    with staged(path) as fresh, tempfile.TemporaryDirectory() as scratch:
        saved_model = Path(scratch) / "saved_model"
        network.write_saved_model(saved_model, batch_size)
        content = _converted(saved_model, quantize)
        if quantize == "int8":
            few = worth_reading(representative, Graph(content).multiply_adds)
            shown = pictures(network, few, split="train")
            if len(shown) < LEAST_REPRESENTATIVE:
                warnings.warn(
                    f"{len(shown)} representative pictures are few: values that they do not show are clipped. Give "
                    f"at least {LEAST_REPRESENTATIVE}, better some hundred.",
                    stacklevel=2,
                )
            content = quantised(content, shown, output)
        ops = op_counts(content)
        check_ops(ops, FORBIDDEN_OPS, "its weights stayed behind")
        check_ops(ops, tuple(name for name in ops if name.startswith("CUSTOM")), "LiteRT's built-in operations only")
        fresh.write_bytes(content)
        facts = network.facts(batch_size)
        attach_facts(fresh, {**facts, "quantize": quantize or "float32"})
        least = LEAST_COSINE[quantize] if min_cosine is None else min_cosine
        parity = compare(network, opened(fresh).run, pixels, least, f"LiteRT {quantize or 'float32'}")
        size = size_of(fresh)
    return Report("tflite", quantize, Path(path).expanduser(), size, dict(ops.most_common()), *parity, batch_size)


def _converted(saved_model: Path, quantize: str | None) -> bytes:
    import tensorflow as tf
    from tensorflow.lite.python.convert import ConverterError

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    try:
        return converter.convert()
    except ConverterError as error:
        raise ReIDError(f"The network needs operations that LiteRT does not have: {error}") from error


def opened(path: Path) -> Exported:
    """A LiteRT file, however it is quantised."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_path=str(path))
        interpreter.allocate_tensors()
        (pictures_in,), (embedding_out,) = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise ReIDError(f"'{path}' is no LiteRT file of an embedding network: {error}") from error
    batch, *size = (int(n) for n in pictures_in["shape_signature"])
    image_size = check_pictures(path, (batch, *size))
    if pictures_in["dtype"] != np.float32 and not input_is_plain(pictures_in):
        raise ReIDError(f"'{path}' takes {pictures_in['quantization']} and not uint8 pixels as they are.")

    def run(block: np.ndarray) -> np.ndarray:
        if len(block) != interpreter.get_input_details()[0]["shape"][0]:
            interpreter.resize_tensor_input(pictures_in["index"], block.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(pictures_in["index"], block.astype(pictures_in["dtype"]))
        interpreter.invoke()
        return _as_float(interpreter.get_tensor(embedding_out["index"]), embedding_out)

    return Exported(path, image_size, batches(run, batch if batch > 0 else None))


def _as_float(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    scale, zero = tensor["quantization"]
    return values if values.dtype == np.float32 else (values.astype("float32") - zero) * np.float32(scale)

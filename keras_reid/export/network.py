"""What is exported: the embedding alone, in float32, as one TensorFlow function from pictures to embeddings."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_reid.errors import ReIDError
from keras_reid.layers.arguments import is_whole
from keras_reid.precision import precision

# What batch normalisation leaves behind that runs on batch statistics. SquaredDifference is no sign of it: layer and
# group normalisation have one.
TRAINING_OPS = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp")

# Nodes of a TensorFlow graph that compute nothing.
_PLUMBING = {"Const", "Identity", "NoOp", "PartitionedCall", "Placeholder", "ReadVariableOp", "StatefulPartitionedCall"}


@dataclass(frozen=True)
class Network:
    """The part of a model that is exported.

    Attributes:
        keras: Functional model from (batch, height, width, 3) pixels 0..255 to (batch, size), without heads, float32.
        name: The model's.
        image_size: Height and width of the pictures.
        embedding_size: Length of the embedding.
    """

    keras: keras.Model
    name: str
    image_size: tuple[int, int]
    embedding_size: int

    @classmethod
    def of(cls, model: keras.Model) -> "Network":
        """The network in `model`.

        A model under a mixed-precision policy is rebuilt in float32 with the same weights: no format's runtimes compute
        float16 as a training step does, and Keras' ONNX export takes float32 only.

        Raises:
            ReIDError: not under the TensorFlow backend, or the model is not one picture in, one embedding out.
        """
        if keras.backend.backend() != "tensorflow":
            raise ReIDError(
                f"Exports need Keras' TensorFlow backend. Received: KERAS_BACKEND={keras.backend.backend()}. Save the "
                "weights here, and export in a process with KERAS_BACKEND=tensorflow; the weights are the same."
            )
        shapes = _shapes(model)
        if len(shapes) != 2 or len(shapes[0]) != 4 or shapes[0][3] != 3 or None in shapes[0][1:] or len(shapes[1]) != 2:
            raise ReIDError(
                "Expected a functional model from pictures (batch, height, width, 3) of fixed size to embeddings "
                f"(batch, size). Received: {model.name!r} with inputs and outputs of shape {shapes}"
            )
        model = _in_float32(model)
        # Without the heads of a model that is being trained: they would travel along in the file.
        embedding = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
        return cls(embedding, model.name, shapes[0][1:3], shapes[1][1])

    def answers(self, pixels: np.ndarray) -> np.ndarray:
        """The Keras model's own embeddings of (n, height, width, 3) uint8 pixels, outside of any exported graph."""
        blocks = [pixels[start : start + 16].astype("float32") for start in range(0, len(pixels), 16)]
        return np.concatenate([np.asarray(self.keras(block, training=False)) for block in blocks])

    def facts(self, batch: int | None) -> dict[str, Any]:
        """What a user of the file alone wants to know about it; written into every export."""
        import keras_reid

        return {
            "model": self.name,
            "image_height": self.image_size[0],
            "image_width": self.image_size[1],
            "image_channels": "RGB",
            "pixels": "0..255, normalised inside",
            "resize": "bilinear with antialiasing, as Pillow's Image.Resampling.BILINEAR",
            "embedding_size": self.embedding_size,
            "embedding_length": 1,
            "batch": "dynamic" if batch is None else batch,
            "keras_reid": keras_reid.__version__,
        }

    def signature(self, batch: int | None) -> Any:
        """The TensorSpec of the pictures.

        Raises:
            ReIDError: `batch` is no number of pictures.
        """
        import tensorflow as tf

        if batch is not None and not is_whole(batch, least=1):
            raise ReIDError(
                f"`batch_size` is a whole number above 0, or None for any number. Received: batch_size={batch!r}"
            )
        return tf.TensorSpec((batch, *self.image_size, 3), tf.float32, name="images")

    def write_saved_model(self, path: Path, batch: int | None) -> Counter[str]:
        """Writes a SavedModel with one signature, "images" -> "embedding", and returns its operations.

        Raises:
            ReIDError: the graph holds operations of training.
        """
        import tensorflow as tf

        @tf.function(input_signature=[self.signature(batch)], autograph=False)
        def serve(images):
            return {"embedding": self.keras(images, training=False)}

        # Not Keras' ExportArchive, which traces the network three times and writes it twice.
        module = tf.Module()
        serving = serve.get_concrete_function()
        module.variables_of_network = list(serving.graph.variables)
        tf.saved_model.save(module, str(path), signatures=serving)
        ops = graph_ops(serving.graph.as_graph_def())
        check_ops(ops, TRAINING_OPS, "a layer runs in training mode inside the network; look for preprocessing layers")
        return ops


def graph_ops(graph: Any) -> Counter[str]:
    """Operations of a TensorFlow graph and of the functions that it calls."""
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return Counter(node.op for node in nodes if node.op not in _PLUMBING)


def check_ops(ops: Counter[str], forbidden: tuple[str, ...], reason: str) -> None:
    """Raise if one of the `forbidden` operations is there."""
    found = [name for name in forbidden if name in ops]
    if found:
        raise ReIDError(f"The exported graph must not hold {', '.join(found)}: {reason}.")


def batches(run: Callable[[np.ndarray], np.ndarray], batch: int | None) -> Callable[[np.ndarray], np.ndarray]:
    """`run` for any number of pictures, where a file takes `batch` at a time; None: as many as come, at most 16."""

    def all_pictures(pixels: np.ndarray) -> np.ndarray:
        step = batch or 16
        rows = []
        for start in range(0, len(pixels), step):
            block = pixels[start : start + step]
            missing = (batch or len(block)) - len(block)
            filled = np.concatenate([block, np.zeros((missing, *block.shape[1:]), block.dtype)]) if missing else block
            rows.append(run(filled)[: len(block)])
        return np.concatenate(rows)

    return all_pictures


def _shapes(model: keras.Model) -> list[tuple]:
    try:
        tensors = [*model.inputs, *model.outputs]
    except (AttributeError, ValueError):  # a subclassed model has none
        return []
    return [tuple(tensor.shape) for tensor in tensors]


def _in_float32(model: keras.Model) -> keras.Model:
    if all(layer.dtype_policy.name == "float32" for layer in model._flatten_layers() if layer is not model):
        return model
    with precision("float32"):
        twin = type(model).from_config(_without_policies(model.get_config()))
    twin.set_weights(model.get_weights())
    return twin


def _without_policies(config: Any) -> Any:
    """A model's config with every dtype policy replaced by float32."""
    if isinstance(config, dict):
        if str(config.get("class_name", "")).endswith("DTypePolicy"):
            return {**config, "class_name": "DTypePolicy", "config": {"name": "float32"}}
        return {key: _without_policies(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_without_policies(value) for value in config)
    return config

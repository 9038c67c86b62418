"""Export to ONNX."""

import gc
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from keras_reid.errors import ReIDError, of_extra
from keras_reid.export.exported import Exported, check_pictures
from keras_reid.export.network import Network, batches, check_ops
from keras_reid.export.parity import Images, compare, pictures
from keras_reid.export.report import Report
from keras_reid.export.staging import size_of, staged


def to_onnx(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    images: Images | None = None,
    batch_size: int | None = None,
    opset: int = 17,
    min_cosine: float = 0.9999,
) -> Report:
    """Writes the embedding as an ONNX file, for ONNX Runtime, TensorRT and OpenVINO.

    Input `images`, (batch, height, width, 3) float32 RGB 0..255; output `embedding`, (batch, size) float32. What it
    expects also stands in the file's metadata. Needs the extra `onnx`.

    Args:
        model: A `ReIDModel`, or any functional Keras model from pictures to embeddings.
        path: File to write; a file there is replaced.
        images: Pictures to compare with the Keras model, as `model.embed` takes them. Defaults to the bundled people's
            query pictures.
        batch_size: Pictures a call takes. Defaults to None: any number.
        opset: Version of ONNX's operators. Defaults to 17.
        min_cosine: Least cosine between its embeddings and the Keras model's. Defaults to 0.9999.

    Raises:
        ReIDError: no such model, a picture cannot be read, `path` is a folder, a package is missing, a constant of the
            network that is a tensor of its own, or a cosine below `min_cosine`; nothing is left at `path` then, and
            what stood there stays.
    """
    with of_extra("onnx"):
        import onnx
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401

    network = Network.of(model)
    pixels = pictures(network, images)
    with staged(path) as fresh:
        with _copies_collected():
            network.keras.export(
                str(fresh),
                format="onnx",
                verbose=False,
                input_signature=[network.signature(batch_size)],
                opset_version=opset,
            )
        graph = onnx.load(str(fresh))
        if lost := [tensor.name for tensor in graph.graph.input][1:]:
            raise ReIDError(
                f"The ONNX file of {network.name!r} would ask for {', '.join(lost)} beside the pictures: constants "
                "that were made by keras.ops before the network was. Make them NumPy arrays."
            )
        _name(graph, network, batch_size)
        onnx.checker.check_model(graph)
        onnx.save(graph, str(fresh))
        ops = Counter(f"{node.domain}.{node.op_type}".lstrip(".") for node in graph.graph.node)
        foreign = tuple(name for name in ops if "." in name)
        check_ops(ops, foreign, "only operators of the ONNX standard run everywhere")
        parity = compare(network, opened(fresh).run, pixels, min_cosine, "ONNX")
        size = size_of(fresh)
    return Report("onnx", None, Path(path).expanduser(), size, dict(ops.most_common()), *parity, batch_size)


def opened(path: Path) -> Exported:
    """An ONNX file, in ONNX Runtime."""
    with of_extra("onnx"):
        import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    unfit = (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented, state.RuntimeException)
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except unfit as error:
        raise ReIDError(f"'{path}' is no ONNX file that ONNX Runtime can run: {error}") from error
    (pictures_in, *others), embedding_out = session.get_inputs(), session.get_outputs()[0]
    if others:
        raise ReIDError(f"'{path}' takes {1 + len(others)} inputs. Expected: pictures alone")
    image_size = check_pictures(path, tuple(pictures_in.shape))
    batch = pictures_in.shape[0]

    def run(block: np.ndarray) -> np.ndarray:
        return session.run([embedding_out.name], {pictures_in.name: block.astype("float32")})[0]

    return Exported(path, image_size, batches(run, batch if isinstance(batch, int) else None))


@contextmanager
def _copies_collected() -> Iterator[None]:
    """Has the garbage collector run often, over what is made from now on.

    tf2onnx copies the whole graph, weights included, before each of its dozens of passes. The copies hold themselves in
    cycles, and Python's collector, which waits until a quarter of all objects are new, sees only small ones: beside
    TensorFlow's million, 23 copies were alive at once. With AiA-Net's 565 MB of weights that was more than 24 GB.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()  # what was frozen counts as old objects until then
    gc.set_threshold(700, 1, 1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _name(graph, network: Network, batch_size: int | None) -> None:
    """Gives the output and the free dimension readable names, and writes down what the file expects."""
    import onnx

    output = graph.graph.output[0]
    for node in graph.graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == output.name:
                    names[index] = "embedding"
    output.name = "embedding"
    if batch_size is None:
        for tensor in (graph.graph.input[0], output):
            tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.producer_name = "keras_reid"
    onnx.helper.set_model_props(graph, {key: str(value) for key, value in network.facts(batch_size).items()})

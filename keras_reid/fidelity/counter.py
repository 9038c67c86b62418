"""Multiply-adds of a network, computed from its layers as they are traced for one image."""

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops
from keras.src import backend

from keras_reid.errors import ReIDError
from keras_reid.fidelity.recording import Call, recording


@dataclass(frozen=True)
class LayerCount:
    """What one layer costs by itself, its sublayers having rows of their own.

    Attributes:
        name: Path of names, such as "level1.attention/soft/blend".
        kind: Class of the layer, or of the operation.
        calls: How many times the layer was applied to the image.
        output_shape: Of its last call for one image; regions that share a layer stand in the batch axis.
        multiply_adds: Of all its calls together.
        parameters: Values of its own weights, moving statistics included, as `count_params` counts them.
        kernels: Values of its own kernels alone: neither biases nor normalisation, which the papers leave out when
            they count an attention block's weights.
    """

    name: str
    kind: str
    calls: int
    output_shape: Any
    multiply_adds: int
    parameters: int
    kernels: int


@dataclass(frozen=True)
class Count:
    """What a network costs: `rows`, one a layer in the order of the forward pass, and their sums.

    Layers that did not run, such as the classifiers that only training needs, are not in it.
    """

    name: str
    rows: tuple[LayerCount, ...]

    @property
    def multiply_adds(self) -> int:
        return sum(row.multiply_adds for row in self.rows)

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def kernels(self) -> int:
        return sum(row.kernels for row in self.rows)

    def part(self, *names: str) -> "Count":
        """The rows of the layers called `names`, with all that is inside them.

        Raises:
            ReIDError: no layer that ran has one of the names.
        """
        for name in names:
            if not any(_within(row.name, name) for row in self.rows):
                raise ReIDError(
                    f"{self.name} has no layer {name!r} that costs anything. It has: "
                    f"{', '.join(dict.fromkeys(row.name.split('/')[0] for row in self.rows))}."
                )
        return Count("+".join(names), tuple(r for r in self.rows if any(_within(r.name, name) for name in names)))


def multiply_adds(model: keras.Model, image_size: tuple[int, int] | None = None) -> Count:
    """Count what embedding one image costs, and what each layer has of it.

    The network is traced once for one image, and every operation of the backend that multiplies and sums is counted
    from the shapes that it meets: convolutions (grouped, dilated, strided, depthwise, separable, transposed), dense
    layers, `matmul`, `dot`, `tensordot`, `einsum`, attention, resizing and sampling, wherever they are called, in a
    custom layer's `call` as well. A multiply-add counts once, as in the papers. A layer that is applied to several
    regions counts for each.

    By convention: padding counts as if it were image, as in the papers; a bilinear resize takes 4 multiply-adds a value
    of the result, a nearest one 0; a product that sums over nothing (`multiply`, or an `einsum` without a contracted
    label), sums, means, pooling, normalisation, biases and activations count 0.

    What is not seen: arithmetic that goes past Keras to the backend itself, such as the operator `@` between tensors;
    write `keras.ops.matmul`.

    Args:
        model: A network that takes images, or any Keras model of fixed input shapes. For a layer alone:
            `keras.Sequential([keras.Input((40, 16, 128)), layer])`.
        image_size: Height and width in pixels. Defaults to None: the size the network was built for.

    Returns:
        A `Count`: `multiply_adds`, `parameters`, `kernels`, `rows`, and `part(*names)` for some of the layers.

    Raises:
        ReIDError: no model, a size that is missing or that the network does not take, or an operation whose cost
            cannot be counted exactly (loops, conditions, recurrent layers, antialiased resizing, shapes that depend on
            values).
    """
    if not isinstance(model, keras.Model):
        raise ReIDError(
            "multiply_adds expects a keras.Model; put a layer into "
            f"keras.Sequential([keras.Input(shape), layer]). Received: {type(model).__name__}"
        )
    image = keras.tree.map_structure(
        lambda spec: keras.KerasTensor(_shape(model, tuple(spec.shape), image_size), spec.dtype),
        _input(model, image_size),
    )
    if not all(layer.built for layer in model._flatten_layers()):
        model(keras.tree.map_structure(lambda spec: ops.zeros(spec.shape, spec.dtype), image), training=False)
    weights = [keras.KerasTensor(weight.shape, weight.dtype) for weight in model.variables]
    with recording(model) as watched:
        # Shapes alone, through the backend itself: a symbolic call of the model would not look into its layers.
        backend.compute_output_spec(functools.partial(_forward, model), weights, image)
    rows = [_row(call) for call in watched.seen.values()]
    return Count(model.name, tuple(row for row in rows if row.multiply_adds or row.parameters))


def _forward(model: keras.Model, weights: Sequence[Any], image: Any) -> Any:
    """Call the model with given weights; of those without values Keras would trace how they are drawn, one by one."""
    with keras.StatelessScope(list(zip(model.variables, weights, strict=True))):
        return model(image, training=False)


def _input(model: keras.Model, image_size: tuple[int, int] | None) -> Any:
    if getattr(model, "inputs", None):
        return model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    if image_size is None:
        raise ReIDError(f"{model.name} does not say what it takes: give image_size=(height, width).")
    return keras.KerasTensor((None, None, None, 3))


def _shape(model: keras.Model, expected: tuple, image_size: tuple[int, int] | None) -> tuple:
    """One example's shape, (1, ...), the image size put in."""
    shape = expected[1:]
    if image_size is not None:
        if len(shape) != 3 or any(own not in (None, given) for own, given in zip(shape, image_size, strict=False)):
            raise ReIDError(f"{model.name} takes inputs of shape {expected}. Received: image_size={tuple(image_size)}")
        shape = (*image_size, shape[2])
    if None in shape:
        raise ReIDError(f"{model.name} takes inputs of any size, {expected}: give image_size=(height, width).")
    return (1, *shape)


def _row(call: Call) -> LayerCount:
    weights = list(_own_weights(call.operation))
    return LayerCount(
        name=call.name,
        kind=type(call.operation).__name__,
        calls=call.calls,
        output_shape=call.output_shape,
        multiply_adds=call.multiply_adds,
        parameters=sum(math.prod(weight.shape) for weight in weights),
        kernels=sum(math.prod(weight.shape) for weight in weights if len(weight.shape) > 1),
    )


def _own_weights(operation: keras.Operation) -> Iterable[keras.Variable]:
    if not isinstance(operation, keras.Layer):
        return ()
    inner = operation._flatten_layers(include_self=False)
    of_others = {id(weight) for layer in inner for weight in layer.weights}
    return (weight for weight in operation.weights if id(weight) not in of_others)


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}/")

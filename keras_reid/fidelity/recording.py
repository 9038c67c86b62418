"""Watching a network as it is traced or run: which operation of the backend ran, in which layer, on which shapes."""

import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

# Private to Keras, and the one place where every operation passes, however a layer came by it (`keras.ops`, `from
# keras.ops import matmul`, `Layer.convolution_op`, a node of a functional graph). `tests/fidelity` fails if it moves.
from keras.src import backend

from keras_reid.errors import ReIDError
from keras_reid.fidelity import operations


@dataclass
class Call:
    """What was seen of one layer, or of one operation that is a node of a functional graph."""

    operation: keras.Operation
    name: str
    depth: int
    calls: int = 0
    multiply_adds: int = 0
    output_shape: Any = None


@dataclass
class Recording:
    """Layers in the order in which they were first called, the network itself first."""

    root: keras.Operation
    seen: dict[int, Call] = field(default_factory=dict)
    stack: list[Call] = field(default_factory=list)
    refusal: str | None = None
    inside: bool = False  # an operation is running: what it is made of is not counted again

    def __post_init__(self) -> None:
        self.stack.append(self._entry(self.root, self.root.name))

    def _entry(self, operation: keras.Operation, name: str) -> Call:
        # A layer that is applied several times is one entry, under the name of its first call.
        return self.seen.setdefault(id(operation), Call(operation, name, len(self.stack)))

    def enter(self, operation: keras.Operation) -> Call:
        parent = self.stack[-1]
        name = operation.name if parent.operation is self.root else f"{parent.name}/{operation.name}"
        entry = self._entry(operation, name)
        self.stack.append(entry)
        return entry

    def leave(self) -> None:
        self.stack.pop()

    def refuse(self, what: str) -> None:
        # Kept rather than raised: Keras would wrap an error from within a layer into its own.
        self.refusal = self.refusal or f"{self.stack[-1].name}: {what} cannot be counted exactly."


# Of this context alone, so that other threads' forward passes are left out of the count.
_active: contextvars.ContextVar[Recording | None] = contextvars.ContextVar("keras_reid_recording", default=None)
_patching = threading.Lock()


@contextlib.contextmanager
def recording(root: keras.Operation) -> Iterator[Recording]:
    """Record the operations run in the `with` block; afterwards, whatever happened, Keras is as it was.

    Raises:
        ReIDError: something ran whose cost cannot be counted exactly, such as a loop.
    """
    watched = Recording(root)
    with _patching, contextlib.ExitStack() as patches:
        patches.enter_context(_replaced(keras.Operation, "__call__", _watched_call))
        for module, formulas in operations.FORMULAS.items():
            for name, formula in formulas.items():
                patches.enter_context(_replaced(getattr(backend, module), name, functools.partial(_counted, formula)))
        for module, names in operations.REFUSED.items():
            for name in names:
                owner = getattr(backend, module) if module else backend
                patches.enter_context(_replaced(owner, name, functools.partial(_refused, name)))
        token = _active.set(watched)
        try:
            yield watched
        finally:
            _active.reset(token)
    if watched.refusal:
        raise ReIDError(watched.refusal)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, wrap: Callable[[Callable], Callable]) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, wrap(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


def _watched_call(original: Callable) -> Callable:
    @functools.wraps(original)
    def call(self, *args, **kwargs):
        watched = _active.get()
        if watched is None:
            return original(self, *args, **kwargs)
        entry = watched.enter(self)
        try:
            outputs = original(self, *args, **kwargs)
        finally:
            watched.leave()
        entry.calls += 1
        entry.output_shape = keras.tree.map_structure(operations.shape, outputs)
        return outputs

    return call


def _counted(formula: Callable[..., int], original: Callable) -> Callable:
    @functools.wraps(original)
    def run(*args, **kwargs):
        watched = _active.get()
        if watched is None or watched.inside:
            return original(*args, **kwargs)
        watched.inside = True
        try:
            result = original(*args, **kwargs)
        finally:
            watched.inside = False
        try:
            watched.stack[-1].multiply_adds += formula(result, *args, **kwargs)
        except operations.Uncountable as error:
            watched.refuse(str(error))
        return result

    return run


def _refused(name: str, original: Callable) -> Callable:
    @functools.wraps(original)
    def run(*args, **kwargs):
        watched = _active.get()
        if watched is not None and not watched.inside:
            watched.refuse(f"what keras.ops runs through the backend's `{name}`")
        return original(*args, **kwargs)

    return run

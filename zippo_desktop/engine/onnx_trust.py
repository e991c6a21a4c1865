"""What an ONNX file from elsewhere may be: refused here before ONNX Runtime opens it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from zippo_desktop.errors import ModelError

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
# These hold, or load from a path, a compiled program of some device's: not arithmetic to look through.
_REFUSED_OPERATORS = frozenset({"EPContext"})
_LARGEST_FILE = (2 << 30) - 1  # bytes; what a protobuf can be
_LARGEST_WEIGHT = 1 << 30  # elements
_LARGEST_PICTURE = 1 << 28  # elements of a declared input or output: 9000 x 9000 pixels of three channels
_MOST_NODES = 200_000


@dataclass(frozen=True)
class GraphTensor:
    """An input or output as the graph declares it: sides that it leaves open are None."""

    name: str
    shape: tuple[int | None, ...]
    type: str  # "float32", "float16", "int64", ...


@dataclass(frozen=True)
class Signature:
    """What goes into a graph and what comes out, and the files beside it that hold weights."""

    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    external_files: tuple[Path, ...] = ()


def check_onnx(path: Path) -> Signature:
    """Read the graph without running it, and return what it declares.

    Raises `ModelError` if it is no ONNX file, keeps weights outside its folder, has operators other
    than ONNX's and ONNX Runtime's own, or declares tensors of absurd sizes.
    """
    model = _read(path)
    _check_operators(path, model)
    files = _external_files(path, model)
    graph = model.graph
    weights = {weight.name for weight in graph.initializer}
    inputs = tuple(_declared(value) for value in graph.input if value.name not in weights)
    outputs = tuple(_declared(value) for value in graph.output)
    for tensor in (*inputs, *outputs):
        known = [side for side in tensor.shape if side is not None]
        if any(side < 0 for side in known) or math.prod(known) > _LARGEST_PICTURE:
            raise _refused(path, f"'{tensor.name}' is said to be {_told(known)} large")
    return Signature(inputs, outputs, tuple(dict.fromkeys(files)))


def _read(path: Path) -> ModelProto:
    import onnx

    # protobuf comes with onnx and is no dependency of the program's own, so it is not imported by name.
    decode_error: type[Exception] = sys.modules["google.protobuf.message"].DecodeError
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise _refused(path, "it is larger than 2 GiB")
        model = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}).") from error
    except (decode_error, ValueError, MemoryError) as error:
        raise ModelError(f"{path} is no ONNX file, or is damaged.") from error
    if not model.graph.node or not model.graph.output:
        raise ModelError(f"{path} is no ONNX file, or is damaged: it computes nothing.")
    return model


def _check_operators(path: Path, model: ModelProto) -> None:
    """Functions that the file defines for itself are looked into as the graph is."""
    allowed = DOMAINS | {function.domain for function in model.functions}
    named = {(function.domain, function.name) for function in model.functions}
    for count, node in enumerate(_nodes(model)):
        is_defined = node.domain in DOMAINS or (node.domain, node.op_type) in named
        if node.domain not in allowed or not is_defined:
            raise _refused(path, f"it needs the operator '{node.op_type}' of '{node.domain}'")
        if node.op_type in _REFUSED_OPERATORS:
            raise _refused(path, f"it holds a compiled program ('{node.op_type}')")
        if count >= _MOST_NODES:
            raise _refused(path, f"it has more than {_MOST_NODES} operators")


def _external_files(path: Path, model: ModelProto) -> list[Path]:
    """The files with weights that the tensors name; each must lie in the graph's own folder."""
    files = []
    for tensor in _tensors(model):
        if any(side < 0 for side in tensor.dims) or math.prod(tensor.dims) > _LARGEST_WEIGHT:
            raise _refused(path, f"'{tensor.name}' is said to be {_told(tensor.dims)} large")
        if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
            named = {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
            files.append(_within(path, named))
    return files


def _within(path: Path, location: str) -> Path:
    folder = path.parent.resolve()
    is_plain = not (PurePosixPath(location).is_absolute() or PureWindowsPath(location).anchor)
    is_plain &= bool(location) and ".." not in PureWindowsPath(location).parts
    file = folder / location
    if not is_plain or not file.resolve().is_relative_to(folder):
        raise _refused(path, f"it keeps weights outside its folder ('{location}')")
    if not file.is_file():
        raise ModelError(f"{path} is not whole: the file {location} with its weights is missing.")
    return file


def _nodes(model: ModelProto) -> Iterator[NodeProto]:
    """All nodes: of the graph, of the functions, and of the graphs that are arguments of nodes."""
    waiting: list[Any] = [model.graph, *model.functions]
    while waiting:
        for node in waiting.pop().node:
            yield node
            for attribute in node.attribute:
                waiting += _subgraphs(attribute)


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """All constant tensors: initialisers, sparse ones, and arguments of nodes."""
    graphs: list[GraphProto] = [model.graph]
    for node in _nodes(model):
        for attribute in node.attribute:
            graphs += _subgraphs(attribute)
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)


def _subgraphs(attribute: AttributeProto) -> list[GraphProto]:
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _declared(value: Any) -> GraphTensor:
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(side.dim_value if side.HasField("dim_value") else None for side in tensor.shape.dim)
    known = onnx.helper.get_all_tensor_dtypes()
    type_ = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name if tensor.elem_type in known else ""
    return GraphTensor(value.name, shape, type_)


def _refused(path: Path, why: str) -> ModelError:
    return ModelError(
        f"{path} is not opened: {why}.", "Only plain ONNX files of a sensible size are trusted."
    )


def _told(shape: Any) -> str:
    return " x ".join(str(side) for side in shape)

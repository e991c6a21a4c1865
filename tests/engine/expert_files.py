"""ONNX files small enough for tests: what matting networks look like from outside, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def write_expert(
    path: Path, *, side: int | str = 32, outputs: int = 1, extras: dict[str, list[int]] | None = None
) -> Path:
    """A network [1,3,side,side] whose matte is a logit of the mean colour; `side` "s" leaves it open.

    Further outputs are of other sizes, as the side outputs of real ones; further inputs change nothing.
    """
    weight = np.full((1, 3, 1, 1), 4.0, np.float32)
    nodes = [helper.make_node("Conv", ["picture", "weight"], ["matte"])]
    declared = [helper.make_tensor_value_info("matte", FLOAT, [1, 1, side, side])]
    for number in range(1, outputs):
        nodes.append(helper.make_node("AveragePool", ["matte"], [f"side{number}"], kernel_shape=[2, 2]))
        declared.append(helper.make_tensor_value_info(f"side{number}", FLOAT, None))
    inputs = [helper.make_tensor_value_info("picture", FLOAT, [1, 3, side, side])]
    for name, shape in (extras or {}).items():
        inputs.append(helper.make_tensor_value_info(name, FLOAT, shape))
    graph = helper.make_graph(nodes, "net", inputs, declared, [numpy_helper.from_array(weight, "weight")])
    return save(path, graph)


def save(path: Path, graph: onnx.GraphProto, **about: object) -> Path:
    """A graph as a file."""
    opsets = about.pop("opset_imports", [helper.make_opsetid("", 17)])
    path.parent.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, **about)
    path.write_bytes(model.SerializeToString())
    return path


def one_node(node: onnx.NodeProto, *weights: onnx.TensorProto, side: int = 4) -> onnx.GraphProto:
    """A graph of one node from "x" to "y"."""
    x = helper.make_tensor_value_info("x", FLOAT, [1, 3, side, side])
    y = helper.make_tensor_value_info("y", FLOAT, [1, 3, side, side])
    return helper.make_graph([node], "graph", [x], [y], list(weights))


def external(location: str) -> onnx.TensorProto:
    """A weight that is said to lie in another file."""
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor

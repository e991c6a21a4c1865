"""Experts for tests: real ONNX networks of any manifest's signature, whose subject is whatever is bright."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zippo_desktop.engine.expert_manifest import (
    MANIFEST_FILE,
    ExpertInput,
    ExpertManifest,
    ExpertOutput,
    manifest_text,
)

FLOAT = TensorProto.FLOAT
STEEPNESS = 20  # of the sigmoid's logits, in brightness


def expert_manifest(name: str = "bright", size_px: int = 64, **changes) -> ExpertManifest:
    """The manifest of a small expert."""
    manifest = ExpertManifest(
        name, name, "net.onnx", "CC0-1.0", ExpertInput("picture", size_px), ExpertOutput("matte")
    )
    return replace(manifest, **changes)


def write_expert(parent: Path, manifest: ExpertManifest, *, batch: int | str = "n") -> Path:
    """The folder `parent/NAME` of an expert that answers with each pixel's mean colour, at half the size.

    The convolution undoes the manifest's normalisation; for "sigmoid" it makes logits of the brightness.
    The output that the manifest names is one of several. Sides are open where the manifest leaves them.
    """
    folder = parent / manifest.name
    folder.mkdir(parents=True)
    whole = replace(manifest, digest="", size_bytes=0)
    (folder / MANIFEST_FILE).write_text(manifest_text(whole), encoding="utf-8")
    model = helper.make_model(
        _graph(manifest, batch), opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    onnx.save(model, folder / manifest.file)
    return folder


def _graph(manifest: ExpertManifest, batch: int | str) -> onnx.GraphProto:
    wanted, output = manifest.input, manifest.output.tensor
    side = "s" if wanted.multiple_px else wanted.size_px
    picture = wanted.tensor if isinstance(wanted.tensor, str) else "picture"
    place = output if isinstance(output, int) else 1
    outputs = [f"side{number}" for number in range(place)]
    outputs.append(output if isinstance(output, str) else "matte")
    std, mean = np.array(wanted.std, np.float32), np.array(wanted.mean, np.float32)
    weight, bias = std / wanted.scale / 3, mean.sum() / wanted.scale / 3
    if manifest.output.activation == "sigmoid":
        weight, bias = weight * STEEPNESS, (bias - 0.5) * STEEPNESS
    weights = [
        numpy_helper.from_array(weight.reshape(1, 3, 1, 1).astype(np.float32), "weight"),
        numpy_helper.from_array(np.float32([bias]), "bias"),
        numpy_helper.from_array(np.float32([1, 1, 0.5, 0.5]), "half"),
    ]
    nodes = [
        helper.make_node("Conv", [picture, "weight", "bias"], ["brightness"]),
        helper.make_node("Resize", ["brightness", "", "half"], [outputs[-1]], mode="linear"),
        *(helper.make_node("Identity", [picture], [name]) for name in outputs[:-1]),
    ]
    inputs = [helper.make_tensor_value_info(picture, FLOAT, [batch, 3, side, side])]
    inputs += [
        helper.make_tensor_value_info(each.tensor, FLOAT, each.shape) for each in manifest.extra_inputs
    ]
    declared = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
    return helper.make_graph(nodes, "net", inputs, declared, weights)

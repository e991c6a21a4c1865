"""Exporting a Zippo folder's networks as ONNX graphs without weights, through optimum.

Each network is traced with random parameters. The exporter merges parameters that happen to be
equal (fresh norms, say), and such a graph would be wrong for other weights. This way it depends on
the configuration alone, and its initialisers are named as the state dict's keys.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise
from zippo_desktop.engine import onnx_graphs, zippo_vae
from zippo_desktop.engine.image_encoder import load_image_encoder
from zippo_desktop.engine.matte_decoder import load_matte_decoder
from zippo_desktop.engine.model_store import (
    IMAGE_ENCODER,
    MATTE_DECODER,
    patch_size,
    read_spec,
    record_digests,
)
from zippo_desktop.engine.onnx_session import OnnxSession
from zippo_desktop.engine.session import SessionInfo, ZippoSession, ZippoSpec
from zippo_desktop.engine.text_encoder import load_text_encoder, takes_mask
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.engine.zippo_unet import load_unet
from zippo_desktop.errors import ModelError

OPSET = 18
TOLERANCE = 1e-3  # largest difference to PyTorch, of the largest value
LARGEST_CONSTANT = 65536  # bytes of one constant that may stay in a graph
Axes = dict[int, str]
_PICTURE_AXES: Axes = {0: "batch_size", 2: "height", 3: "width"}
_LATENT_AXES: Axes = {0: "batch_size", 2: "latent_height", 3: "latent_width"}
_TEXT_AXES: Axes = {0: "batch_size", 1: "sequence_length"}


@dataclass(frozen=True)
class Part:
    """What becomes one graph: a module, an example for each input, and the axes that stay dynamic."""

    module: Any
    example: dict[str, torch.Tensor]
    inputs: dict[str, Axes]
    outputs: dict[str, Axes]
    renamed: dict[str, str] = field(default_factory=dict)  # the module's names of outputs to the graph's


def export_model(model_dir: Path) -> None:
    """Write `onnx/` of a Zippo folder: the graphs, and the names of the weights that each is to be given.

    The graphs are compared with PyTorch at several shapes before they replace the old ones; a
    relative difference over `TOLERANCE` is a `ModelError`. The digests in `zippo.json` are renewed.
    """
    spec = read_spec(model_dir)
    with tempfile.TemporaryDirectory(dir=model_dir, prefix=".export-") as folder:
        draft = Path(folder) / "onnx"
        draft.mkdir()
        bindings = {
            name: write_graph(part, onnx_graphs.graph_path(draft, name)) for name, part in parts(spec)
        }
        text = json.dumps(bindings, indent=1) + "\n"
        (draft / onnx_graphs.BINDINGS_FILE).write_text(text, "utf-8")
        check_parity(spec, draft)
        shutil.rmtree(model_dir / "onnx", ignore_errors=True)
        os.replace(draft, model_dir / "onnx")
    record_digests(model_dir)


def parts(spec: ZippoSpec) -> Iterator[tuple[str, Part]]:
    """The parts of a model one after the other, so that only one is in memory at a time."""
    folder = spec.model_dir
    yield "unet", _unet(spec, load_unet(folder / "unet"))
    yield "vae_encoder", _vae_encoder(spec, zippo_vae.load_vae(folder / "vae"))
    yield "vae_decoder", _vae_decoder(spec, zippo_vae.load_vae(folder / "vae"))
    yield "text_encoder", _text_encoder(spec, load_text_encoder(folder / "text_encoder"))
    image_encoder = load_image_encoder(folder / IMAGE_ENCODER)
    if image_encoder is not None:
        yield "image_encoder", _image_encoder(spec, image_encoder)
    matte_decoder = load_matte_decoder(folder / MATTE_DECODER)
    if matte_decoder is not None:
        yield "matte_decoder", _matte_decoder(spec, matte_decoder)


def write_graph(part: Part, path: Path) -> list[str]:
    """Export a part to `path` without its weights; returns the names of the weights that it lacks."""
    import onnx

    _randomise(part.module)
    with tempfile.TemporaryDirectory() as folder:
        traced = Path(folder) / path.name
        _trace(part, traced)
        model = onnx.load(traced)
    names = [_strip(tensor, path, part.module.state_dict()) for tensor in model.graph.initializer]
    path.write_bytes(model.SerializeToString())
    return [name for name in names if name]


def check_parity(spec: ZippoSpec, onnx_dir: Path) -> None:
    """Raise `ModelError` if any graph's answers differ from PyTorch's by more than `TOLERANCE`."""
    weights = onnx_graphs.read_graph_weights(spec.model_dir, onnx_dir)
    graphs = {
        graph: onnx_graphs.open_bound(onnx_graphs.graph_path(onnx_dir, graph), weights[graph])
        for graph in weights
    }
    ours = OnnxSession(spec, graphs, SessionInfo("onnx", "cpu"))
    with closing(ours), closing(TorchSession(spec, torch.device("cpu"))) as reference:
        for (name, answer), (_, expected) in zip(_answers(ours), _answers(reference), strict=True):
            error = float(np.abs(answer - expected).max() / np.abs(expected).max())
            if not error <= TOLERANCE:
                raise ModelError(
                    f"The exported {name} differs from PyTorch by {error:.1e} of its largest value."
                )


def _answers(session: ZippoSession) -> Iterator[tuple[str, Array]]:
    """Each graph's answers, for one square picture, and for three oblong ones."""
    spec = session.spec
    f, step = spec.downsampling, spec.multiple_px
    for count, height, width in ((1, spec.size_px, spec.size_px), (3, step, 3 * step)):
        yield "vae_encoder", session.encode_images(np.tanh(draw_noise(0, (count, 3, height, width))))
        latents = draw_noise(1, (count, 2 * spec.latent_channels, height // f, width // f))
        yield "vae_decoder", session.decode_latents(latents[:, : spec.latent_channels])
        text = session.encode_prompts(["", "a red apple on a table", "apple"][:count])
        yield "text_encoder", text
        branches = [Branch.JOINT_RGB, Branch.RGB_TO_MATTE, Branch.MATTE_TO_RGB][:count]
        detailed = np.tanh(draw_noise(2, (count, 3, height * spec.detail, width * spec.detail)))
        features = session.image_features(detailed)
        if features is not None:
            yield "image_encoder", features
        yield "unet", session.denoise(latents, 700, branches, text, features)
        mattes = session.decode_mattes(latents[:, : spec.latent_channels], detailed, features)
        if mattes is not None:
            yield "matte_decoder", mattes


def _unet(spec: ZippoSpec, unet: Any) -> Part:
    side = spec.size_px // spec.downsampling
    example = {
        "sample": torch.randn(2, 2 * spec.latent_channels + spec.feature_channels, side, side),
        "timestep": torch.tensor(500.0),
        "encoder_hidden_states": torch.randn(2, spec.text_tokens, unet.config["cross_attention_dim"]),
        "class_labels": torch.tensor([0, 3]),
    }
    inputs: dict[str, Axes] = {
        "sample": _PICTURE_AXES,
        "timestep": {},
        "encoder_hidden_states": _TEXT_AXES,
        "class_labels": {0: "batch_size"},
    }
    return Part(unet, example, inputs, {"out_sample": _PICTURE_AXES}, renamed={"sample": "out_sample"})


def _vae_encoder(spec: ZippoSpec, vae: Any) -> Part:
    """Pictures, folded, to the posterior's moments: all before the session's scaling."""

    def forward(sample: torch.Tensor) -> dict[str, torch.Tensor]:
        coded = encode(sample)
        posterior = getattr(coded, "latent_dist", None)
        return {"latent_parameters": coded.latents if posterior is None else posterior.parameters}

    encode, vae.forward = vae.encode, forward
    patch = patch_size(vae.config)
    example = {"sample": torch.randn(2, 3 * patch**2, spec.size_px // patch, spec.size_px // patch)}
    return Part(vae, example, {"sample": _PICTURE_AXES}, {"latent_parameters": _LATENT_AXES})


def _vae_decoder(spec: ZippoSpec, vae: Any) -> Part:
    """Unscaled latents to folded pictures."""

    def forward(latent_sample: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"sample": decode(latent_sample).sample}

    decode, vae.forward = vae.decode, forward
    side = spec.size_px // spec.downsampling
    example = {"latent_sample": torch.randn(2, spec.latent_channels, side, side)}
    return Part(vae, example, {"latent_sample": _LATENT_AXES}, {"sample": _PICTURE_AXES})


def _text_encoder(spec: ZippoSpec, encoder: Any) -> Part:
    ids = torch.ones(2, spec.text_tokens, dtype=torch.int64)
    example = {"input_ids": ids}
    if takes_mask(encoder.config.to_dict()):
        mask = ids.clone()
        mask[0, -1] = 0  # padding, so that the mask is traced
        example |= {"attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    inputs = dict.fromkeys(example, _TEXT_AXES)
    return Part(encoder, example, inputs, {"last_hidden_state": _TEXT_AXES})


def _image_encoder(spec: ZippoSpec, encoder: Any) -> Part:
    from transformers import PretrainedConfig

    encoder.config = PretrainedConfig()  # the exporter notes things in it
    side = spec.size_px * spec.detail
    example = {"sample": torch.randn(2, 3, side, side)}
    return Part(encoder, example, {"sample": _PICTURE_AXES}, {"features": _LATENT_AXES})


def _matte_decoder(spec: ZippoSpec, decoder: Any) -> Part:
    from transformers import PretrainedConfig

    decoder.config = PretrainedConfig()
    side, f = spec.size_px, spec.downsampling
    example = {
        "sample": torch.randn(2, 3, side * spec.detail, side * spec.detail),
        "coded": torch.randn(2, spec.latent_channels + spec.feature_channels, side // f, side // f),
    }
    inputs = {"sample": _PICTURE_AXES, "coded": _LATENT_AXES}
    return Part(decoder, example, inputs, {"mattes": _PICTURE_AXES})


def _trace(part: Part, path: Path) -> None:
    """Let optimum export a part, unfolded, so that every weight stays as it is and under its own name."""
    from optimum.exporters.onnx import export
    from optimum.exporters.onnx.base import OnnxConfig
    from optimum.utils import NormalizedConfig

    class PartConfig(OnnxConfig):
        NORMALIZED_CONFIG_CLASS = NormalizedConfig
        inputs = property(lambda self: part.inputs)
        outputs = property(lambda self: part.outputs)
        torch_to_onnx_output_map = property(lambda self: part.renamed)

        def generate_dummy_inputs(self, framework: str = "pt", **shapes: int) -> dict[str, torch.Tensor]:
            return dict(part.example)

    config = PartConfig(part.module.config, task="feature-extraction")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, on shapes that never vary here; parity is checked
        export(
            part.module,
            config,
            path,
            opset=OPSET,
            do_constant_folding=False,
            disable_dynamic_axes_fix=True,
        )


def _randomise(module: torch.nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()


def _strip(tensor: Any, path: Path, state: dict[str, torch.Tensor]) -> str:
    """Take a weight's data out of a graph and return its name; "" for a constant, which stays."""
    from onnx import TensorProto, numpy_helper

    data = numpy_helper.to_array(tensor)
    weight = state.get(tensor.name)
    if weight is None or not weight.is_floating_point():
        if data.nbytes > LARGEST_CONSTANT:
            raise ModelError(f"{path.name} holds {tensor.name}, which is large and no weight of the model.")
        return ""
    if not np.array_equal(data, weight.numpy()):
        raise ModelError(f"{path.name} holds {tensor.name} in another form than the model.")
    stripped = TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
    stripped.data_location = TensorProto.EXTERNAL
    stripped.external_data.add(key="location", value=onnx_graphs.BINDINGS_FILE)
    tensor.CopyFrom(stripped)
    return str(tensor.name)

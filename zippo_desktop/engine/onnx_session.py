"""A model opened in ONNX Runtime. Needs neither PyTorch nor diffusers nor transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch, with_features
from zippo_desktop.engine.model_store import patch_size, read_config
from zippo_desktop.engine.onnx_graphs import engine_errors
from zippo_desktop.engine.session import SessionInfo, ZippoSpec
from zippo_desktop.engine.tokens import PromptTokenizer
from zippo_desktop.errors import EngineError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class OnnxSession:
    """`Session` over a model's ONNX graphs, all of them on one execution provider."""

    def __init__(self, spec: ZippoSpec, graphs: Mapping[str, InferenceSession], info: SessionInfo) -> None:
        vae = read_config(spec.model_dir, "vae")
        self._spec, self._info = spec, info
        self._graphs = dict(graphs)
        self._scaling = float(vae["scaling_factor"])
        self._patch = patch_size(vae)
        self._tokenize = PromptTokenizer(spec.model_dir / "tokenizer", spec.text_tokens)

    @property
    def spec(self) -> ZippoSpec:
        """The model's own facts."""
        return self._spec

    @property
    def info(self) -> SessionInfo:
        """The provider that the opened graphs report."""
        return self._info

    def encode_images(self, images: Array) -> Array:
        """See `Session.encode_images`."""
        folded = pixel_unshuffle(images, self._patch)
        moments = self._run("vae_encoder", sample=folded)  # [N,C or 2C,h,w]: means first
        return moments[:, : self._spec.latent_channels] * np.float32(self._scaling)

    def decode_latents(self, latents: Array) -> Array:
        """See `Session.decode_latents`."""
        folded = self._run("vae_decoder", latent_sample=latents * np.float32(1 / self._scaling))
        return pixel_shuffle(folded, self._patch)

    def image_features(self, images: Array) -> Array | None:
        """See `Session.image_features`."""
        return self._run("image_encoder", sample=images) if self._spec.feature_channels else None

    def decode_mattes(self, latents: Array, images: Array, features: Array | None) -> Array | None:
        """See `Session.decode_mattes`."""
        if not self._spec.has_matte_decoder:
            return None
        coded = with_features(latents, features, self._spec.feature_channels)
        return self._run("matte_decoder", sample=images, coded=coded)[:, 0]

    def encode_prompts(self, prompts: Sequence[str]) -> Array:
        """See `Session.encode_prompts`."""
        ids, mask = self._tokenize(prompts)
        # CLIP's graph takes no mask: Stable Diffusion was trained without.
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        taken = {entry.name for entry in self._graph("text_encoder").get_inputs()}
        return self._run("text_encoder", **{name: feeds[name] for name in feeds if name in taken})

    def denoise(
        self,
        latents: Array,
        timestep: float,
        branches: Sequence[Branch],
        text: Array,
        features: Array | None = None,
    ) -> Array:
        """See `Session.denoise`."""
        return self._run(
            "unet",
            sample=with_features(latents, features, self._spec.feature_channels),
            timestep=np.array(timestep, np.float32),
            encoder_hidden_states=text,
            class_labels=np.array(branches, np.int64),
        )

    def close(self) -> None:
        """Free the graphs."""
        self._graphs.clear()

    def _graph(self, name: str) -> InferenceSession:
        if name not in self._graphs:
            raise EngineError("The session is closed.")
        return self._graphs[name]

    def _run(self, name: str, **feeds: np.ndarray[tuple[int, ...], np.dtype[np.float32 | np.int64]]) -> Array:
        graph = self._graph(name)
        with engine_errors(f"running {name} on {self._info.provider}"):
            output: Array = graph.run(None, feeds)[0]
        return output


def pixel_unshuffle(images: Array, patch: int) -> Array:
    """Fold p x p pixels into channels: [N,C,H,W] to [N,C*p*p,H/p,W/p], ordered as PyTorch does it."""
    count, channels, height, width = images.shape
    blocks = images.reshape(count, channels, height // patch, patch, width // patch, patch)
    folded = blocks.transpose(0, 1, 3, 5, 2, 4).reshape(count, -1, height // patch, width // patch)
    return np.ascontiguousarray(folded)


def pixel_shuffle(folded: Array, patch: int) -> Array:
    """The inverse of `pixel_unshuffle`."""
    count, channels, height, width = folded.shape
    blocks = folded.reshape(count, channels // patch**2, patch, patch, height, width)
    unfolded = blocks.transpose(0, 1, 4, 2, 5, 3).reshape(count, -1, height * patch, width * patch)
    return np.ascontiguousarray(unfolded)

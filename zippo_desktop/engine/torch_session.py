"""A model opened in PyTorch: the fallback where ONNX Runtime cannot serve, and the session that trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zippo_desktop.diffusion.latents import Array, Branch, with_features
from zippo_desktop.engine import zippo_vae
from zippo_desktop.engine.image_encoder import load_image_encoder
from zippo_desktop.engine.matte_decoder import load_matte_decoder
from zippo_desktop.engine.model_store import IMAGE_ENCODER, MATTE_DECODER, read_config, read_spec
from zippo_desktop.engine.session import SessionInfo, ZippoSpec
from zippo_desktop.engine.text_encoder import load_text_encoder, takes_mask
from zippo_desktop.engine.tokens import PromptTokenizer
from zippo_desktop.engine.zippo_unet import load_unet
from zippo_desktop.errors import EngineError, OutOfMemory


class TorchSession:
    """`Session` over the PyTorch modules `unet`, `vae` and `text_encoder`, in float32.

    So are `image_encoder` and `matte_decoder`, where the model has them.

    The modules are there to be trained or exchanged; the methods use them as they are.
    """

    def __init__(self, spec: ZippoSpec, device: torch.device, fallbacks: tuple[str, ...] = ()) -> None:
        """Load the networks of `spec.model_dir` onto `device`; `ModelError` if the weights do not fit."""
        folder = spec.model_dir
        self.unet: Any = load_unet(folder / "unet").to(device)
        self.vae: Any = zippo_vae.load_vae(folder / "vae").to(device).requires_grad_(False)
        self.text_encoder: Any = load_text_encoder(folder / "text_encoder").to(device).requires_grad_(False)
        image_encoder = load_image_encoder(folder / IMAGE_ENCODER)
        self.image_encoder: Any = image_encoder and image_encoder.to(device).requires_grad_(False)
        matte_decoder = load_matte_decoder(folder / MATTE_DECODER)
        self.matte_decoder: Any = matte_decoder and matte_decoder.to(device).requires_grad_(False)
        self._spec, self._info = spec, SessionInfo("torch", device.type, fallbacks)
        self._device = device
        self._tokenize = PromptTokenizer(folder / "tokenizer", spec.text_tokens)
        self._takes_mask = takes_mask(read_config(folder, "text_encoder"))
        self._is_open = True

    @classmethod
    def open(cls, model_dir: Path, device: torch.device | str = "cpu") -> TorchSession:
        """Open a model folder on a device of PyTorch's."""
        return cls(read_spec(model_dir), torch.device(device))

    @property
    def spec(self) -> ZippoSpec:
        """The model's own facts."""
        return self._spec

    @property
    def info(self) -> SessionInfo:
        """The device that the networks lie on."""
        return self._info

    def encode_images(self, images: Array) -> Array:
        """See `Session.encode_images`."""
        with self._running("vae"):
            return self._array(zippo_vae.encode(self.vae, self._tensor(images)))

    def decode_latents(self, latents: Array) -> Array:
        """See `Session.decode_latents`."""
        with self._running("vae"):
            return self._array(zippo_vae.decode(self.vae, self._tensor(latents)))

    def image_features(self, images: Array) -> Array | None:
        """See `Session.image_features`."""
        if not self._spec.feature_channels:
            return None
        with self._running("image_encoder"):
            return self._array(self.image_encoder(self._tensor(images)))

    def decode_mattes(self, latents: Array, images: Array, features: Array | None) -> Array | None:
        """See `Session.decode_mattes`."""
        if not self._spec.has_matte_decoder:
            return None
        coded = with_features(latents, features, self._spec.feature_channels)
        with self._running("matte_decoder"):
            return self._array(self.matte_decoder(self._tensor(images), self._tensor(coded)))[:, 0]

    def encode_prompts(self, prompts: Sequence[str]) -> Array:
        """See `Session.encode_prompts`."""
        ids, mask = self._tokenize(prompts)
        with self._running("text_encoder"):
            seen = self._tensor(mask) if self._takes_mask else None
            return self._array(self.text_encoder(self._tensor(ids), attention_mask=seen).last_hidden_state)

    def denoise(
        self,
        latents: Array,
        timestep: float,
        branches: Sequence[Branch],
        text: Array,
        features: Array | None = None,
    ) -> Array:
        """See `Session.denoise`."""
        sample = with_features(latents, features, self._spec.feature_channels)
        labels = self._tensor(np.array(branches, np.int64))
        with self._running("unet"):
            answer = self.unet(self._tensor(sample), timestep, self._tensor(text), class_labels=labels)
            return self._array(answer.sample)

    def close(self) -> None:
        """Free the networks."""
        self._is_open = False
        self.unet = self.vae = self.text_encoder = self.image_encoder = self.matte_decoder = None

    @contextmanager
    def _running(self, network: str) -> Iterator[None]:
        """No gradients, and PyTorch's errors as ours."""
        if not self._is_open:
            raise EngineError("The session is closed.")
        try:
            with torch.inference_mode():
                yield
        except (MemoryError, RuntimeError) as error:
            doing = f"running {network} on {self._info.provider}"
            if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(
                error
            ):
                raise OutOfMemory(f"Memory ran out while {doing}.", "Try a smaller size.") from error
            raise EngineError(f"PyTorch failed while {doing}: {str(error).splitlines()[0]}") from error

    def _tensor(self, array: np.ndarray[Any, Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    @staticmethod
    def _array(tensor: torch.Tensor) -> Array:
        array: Array = tensor.float().cpu().numpy()
        return array


def torch_device(provider: str) -> torch.device:
    """PyTorch's device for a provider: "cpu", "cuda", or for "auto" the better of what there is.

    Raises `EngineError` for a provider that PyTorch does not have here.
    """
    has_cuda = torch.cuda.is_available()
    if provider == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    if provider == "cpu" or (provider == "cuda" and has_cuda):
        return torch.device(provider)
    raise EngineError(f"PyTorch cannot run on '{provider}' here.", "Leave --provider out, or ask for cpu.")

"""The frozen text encoder in PyTorch: BERT, as MiniLM, or the CLIP of Stable Diffusion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from zippo_desktop.engine.model_store import read_json
from zippo_desktop.engine.zippo_unet import load_weights
from zippo_desktop.errors import ModelError


def load_text_encoder(folder: Path) -> torch.nn.Module:
    """The text encoder of a model folder in float32. Raises `ModelError` for another kind, or a misfit."""
    from transformers import BertConfig, BertModel, CLIPTextConfig, CLIPTextModel

    content = read_json(folder / "config.json")
    kind = content.get("model_type")
    if kind == "bert":
        encoder: torch.nn.Module = BertModel(BertConfig.from_dict(content), add_pooling_layer=False)
    elif kind == "clip_text_model":
        encoder = CLIPTextModel(CLIPTextConfig.from_dict(content))
    else:
        raise ModelError(f"{folder} is a text encoder of the kind '{kind}', which is not supported.")
    load_weights(encoder, folder)
    return encoder


def takes_mask(config: Mapping[str, Any]) -> bool:
    """Whether padding is masked. CLIP's is not: Stable Diffusion was trained on the padding as well."""
    return config.get("model_type") != "clip_text_model"

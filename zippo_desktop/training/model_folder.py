"""Putting a Zippo model folder together: indexes, manifest, scheduler, text encoder and tokenizer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zippo_desktop.engine.model_store import (
    OWN_NETWORKS,
    TASKS,
    networks_of,
    read_config,
    read_json,
    record_digests,
)
from zippo_desktop.engine.weights import find_weights, read_weights, write_weights
from zippo_desktop.errors import ModelError

# Stable Diffusion's betas, rescaled so that the last step is pure noise (Lin et al. 2024).
SCHEDULER_CONFIG = {
    "_class_name": "DDIMScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
    "set_alpha_to_one": True,
    "steps_offset": 0,
}
WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a readable JSON file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_index(model_dir: Path) -> None:
    """Write `model_index.json`, naming the class of each part as diffusers does."""
    text_encoder = read_json(model_dir / "text_encoder" / "config.json")
    tokenizer = read_json(model_dir / "tokenizer" / "tokenizer_config.json")
    index = {
        "_class_name": "ZippoPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", read_json(model_dir / "vae" / "config.json")["_class_name"]],
        "text_encoder": ["transformers", text_encoder["architectures"][0]],
        "tokenizer": ["transformers", tokenizer.get("tokenizer_class", "PreTrainedTokenizerFast")],
        "scheduler": ["diffusers", "DDIMScheduler"],
    }
    for network in networks_of(model_dir):
        if network in OWN_NETWORKS:
            index[network] = ["zippo_desktop", read_config(model_dir, network)["_class_name"]]
    write_json(model_dir / "model_index.json", index)


def write_manifest(
    model_dir: Path,
    name: str,
    version: str,
    size_px: int,
    matting_px: int,
    closer_px: int,
    multiple_px: int,
    text_tokens: int,
    licence: str,
    rgb_gain: float = 1.0,
) -> None:
    """Write `zippo.json` and the digests of what lies in the folder; measured quality is kept if there."""
    path = model_dir / "zippo.json"
    quality = read_json(path).get("quality", {}) if path.is_file() else {}
    manifest = {
        "format_version": 1,
        "name": name,
        "version": version,
        "size_px": size_px,
        "matting_px": matting_px,
        "closer_px": closer_px,
        "multiple_px": multiple_px,
        "text_tokens": text_tokens,
        "tasks": list(TASKS),
        "licence": licence,
        "rgb_gain": rgb_gain,
        "digests": {},
        "quality": quality,
    }
    write_json(path, manifest)
    record_digests(model_dir)


def record_quality(model_dir: Path, measured: Mapping[str, Any]) -> None:
    """Add or replace entries of `quality` in `zippo.json`; everything else stays as it is."""
    path = model_dir / "zippo.json"
    manifest = read_json(path)
    manifest["quality"] = dict(manifest.get("quality", {})) | dict(measured)
    draft = path.with_suffix(".json.part")
    write_json(draft, manifest)
    draft.replace(path)


def write_network(module: Any, folder: Path) -> None:
    """Write a diffusers module as `config.json` and fp16 safetensors."""
    module.save_config(folder)
    tensors = {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
    write_weights(folder / WEIGHTS_NAME, tensors, "float16")


def write_own_network(module: Any, folder: Path) -> None:
    """The same of a network that diffusers does not know, whose `config` is a plain dictionary."""
    tensors = {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
    write_weights(folder / WEIGHTS_NAME, tensors, "float16")
    write_json(folder / "config.json", module.config)


def write_text_encoder(source: Path, model_dir: Path) -> None:
    """Take over a transformers text encoder: weights weight-only int8, its tokenizer as one JSON file.

    `source` holds `config.json`, safetensors and `tokenizer.json`. Raises ModelError if one is missing.
    """
    config = read_json(source / "config.json")
    tensors = read_weights(find_weights(source))
    kept = {
        name: array
        for name, array in tensors.items()
        if not name.startswith("pooler.") and array.dtype.kind == "f"
    }
    write_json(model_dir / "text_encoder" / "config.json", config)
    write_weights(model_dir / "text_encoder" / "model.safetensors", kept, "int8")
    if not (source / "tokenizer.json").is_file():
        raise ModelError(f"{source} has no tokenizer.json.", "Save its fast tokenizer there first.")
    (model_dir / "tokenizer").mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        if (source / name).is_file():
            shutil.copyfile(source / name, model_dir / "tokenizer" / name)

"""Making a Zippo folder out of a Stable Diffusion folder: the network inflated, all else taken over."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from zippo_desktop.engine.model_store import downsampling_of, read_config, read_json
from zippo_desktop.engine.weights import find_weights, read_weights, write_weights
from zippo_desktop.engine.zippo_unet import inflate, load_unet
from zippo_desktop.errors import ModelError, UsageError
from zippo_desktop.training.model_folder import write_index, write_json, write_manifest, write_network

PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
# The names that diffusers gave a VAE's attention weights until 0.17; Stable Diffusion 1.x came with them.
OLD_ATTENTION_NAMES = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}


def initialise(source: Path, target: Path) -> None:
    """Inflate the Stable Diffusion 1.x or 2.x folder `source` into a new Zippo folder `target`.

    `source` has the diffusers layout with safetensors; nothing in it is changed. The new folder
    computes, for equal latents in both halves, exactly what the base computes. Its ONNX graphs are
    made by `zippo-desktop export`. Raises UsageError if `target` is not empty, ModelError if
    `source` is incomplete.
    """
    _check(source, target)
    base = load_unet(source / "unet")
    write_network(inflate(base), target / "unet")
    for name in ("vae", "text_encoder"):
        _take_weights(source / name, target / name)
    _take_tokenizer(source / "tokenizer", target / "tokenizer")
    scheduler = read_json(source / "scheduler" / "scheduler_config.json")
    write_json(target / "scheduler" / "scheduler_config.json", _deterministic(scheduler))
    write_index(target)
    downsampling = downsampling_of(read_config(target, "vae"))
    unet_factor = 2 ** (len(base.config["block_out_channels"]) - 1)
    side = int(base.config["sample_size"]) * downsampling
    write_manifest(
        target,
        name=target.resolve().name,
        version="0",
        size_px=side,
        matting_px=side,
        closer_px=side,
        multiple_px=downsampling * unet_factor,
        text_tokens=_text_tokens(target),
        licence="that of the base model",
    )


def _check(source: Path, target: Path) -> None:
    missing = [name for name in PARTS if not (source / name).is_dir()]
    if missing:
        raise ModelError(
            f"{source} is no Stable Diffusion folder in the diffusers layout: it has no {missing[0]} folder.",
            "Single-file checkpoints must be converted to a diffusers folder first.",
        )
    if target.exists() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty.", "Name a new folder; nothing is overwritten.")


def _take_weights(source: Path, target: Path) -> None:
    """Copy a network as its configuration and one fp16 safetensors file named as diffusers wants it."""
    weights = find_weights(source)
    name = "model.safetensors" if weights.name.startswith("model") else "diffusion_pytorch_model.safetensors"
    write_json(target / "config.json", read_json(source / "config.json"))
    tensors = {_present_name(key): tensor for key, tensor in read_weights(weights).items()}
    write_weights(target / name, tensors, "float16")


def _present_name(key: str) -> str:
    for old, new in OLD_ATTENTION_NAMES.items():
        if ".attentions." in key and old in key:
            return key.replace(old, new)
    return key


def _take_tokenizer(source: Path, target: Path) -> None:
    """Copy the tokenizer, as one `tokenizer.json` too if it only has a vocabulary and merges.

    Stable Diffusion 2's files name two padding tokens, and it was trained on the one in
    `special_tokens_map.json`, "!" (diffusers #2201). Padding is not masked, so what transformers makes of
    the files is written down.
    """
    from transformers import CLIPTokenizerFast

    fast = CLIPTokenizerFast.from_pretrained(source)
    shutil.copytree(source, target)
    if not (target / "tokenizer.json").is_file():
        fast.backend_tokenizer.save(str(target / "tokenizer.json"))
    config = read_json(source / "tokenizer_config.json")
    write_json(target / "tokenizer_config.json", config | {"pad_token": fast.pad_token})


def _text_tokens(model_dir: Path) -> int:
    """The longest prompt in tokens: what the encoder has positions for, unless the tokenizer says less."""
    positions = int(read_config(model_dir, "text_encoder")["max_position_embeddings"])
    named = read_json(model_dir / "tokenizer" / "tokenizer_config.json").get("model_max_length", positions)
    return min(positions, int(named))


def _deterministic(scheduler: dict[str, Any]) -> dict[str, Any]:
    """The base's betas and prediction type, read by a DDIM scheduler that starts from the noisiest step.

    Without "trailing" spacing few-step answers are wrong (Garcia et al. 2024, E2E-FT, section 3).
    """
    ours = {"_class_name": "DDIMScheduler", "clip_sample": False, "set_alpha_to_one": True}
    return scheduler | ours | {"timestep_spacing": "trailing"}

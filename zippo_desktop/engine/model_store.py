"""Model folders: finding them by name, reading what they are, and checking that they are whole."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine.session import ZippoSpec
from zippo_desktop.engine.weights import find_weights, shards
from zippo_desktop.errors import ModelError
from zippo_desktop.paths import models_dir, resource_dir

FORMAT_VERSION = 1
NETWORKS = ("unet", "vae", "text_encoder")
IMAGE_ENCODER = "image_encoder"
MATTE_DECODER = "matte_decoder"
OWN_NETWORKS = (IMAGE_ENCODER, MATTE_DECODER)  # the folders of networks that not every model has
TASKS = ("matting", "painting", "generation")
FEATURE_PX = 16  # pixels of the image encoder's picture for each of its features, along a side
_CONTENT = ("*/*.safetensors", "onnx/*.onnx", "onnx/*.json", "tokenizer/tokenizer.json")
_COPY_AGAIN = "Copy or download the model again."


def list_models() -> list[Path]:
    """The folders of all models that can be asked for by name: bundled ones first, then the user's own."""
    found: dict[str, Path] = {}
    for parent in (resource_dir() / "models", models_dir()):
        for manifest in sorted(parent.glob("*/zippo.json")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return list(found.values())


def find_model(model: str | Path) -> Path:
    """The folder of a model given by name (bundled or the user's own) or by its folder.

    Raises `ModelError` if there is no such model, or if the folder holds none.
    """
    named = {folder.name: folder for folder in list_models()}
    if isinstance(model, str) and model in named:
        return named[model]
    folder = Path(model).expanduser()
    if (folder / "zippo.json").is_file():
        return folder.resolve()
    if (folder / "model_index.json").is_file():
        raise ModelError(
            f"{folder} is a diffusion model, but not a Zippo one (it has no zippo.json).",
            f"Make one of it with: zippo-desktop init --from {folder}",
        )
    if folder.is_dir():
        raise ModelError(f"{folder} is not a model folder: it has no zippo.json.", "")
    known = ", ".join(named) or "none"
    raise ModelError(f"There is no model '{model}'.", f"Known models: {known}. A folder can be given, too.")


def read_spec(model_dir: Path) -> ZippoSpec:
    """Read and check a model folder's `zippo.json` and configurations; the weights stay untouched.

    Raises `ModelError` naming the file and what is wrong with it.
    """
    manifest = read_json(model_dir / "zippo.json")
    unet, vae = read_config(model_dir, "unet"), read_config(model_dir, "vae")
    if _get(manifest, "format_version", int, model_dir) > FORMAT_VERSION:
        raise ModelError(f"{model_dir} was made for a newer version of this program.", "Update the program.")
    latent_channels = _get(vae, "latent_channels", int, model_dir)
    features = _image_encoder(model_dir)
    feature_channels = _get(features, "feature_channels", int, model_dir) if features else 0
    _check_unet(model_dir, unet, latent_channels, feature_channels)
    downsampling = downsampling_of(vae)
    return ZippoSpec(
        name=_get(manifest, "name", str, model_dir),
        version=_get(manifest, "version", str, model_dir),
        digest=_model_digest(model_dir, manifest),
        model_dir=model_dir,
        size_px=_get(manifest, "size_px", int, model_dir),
        matting_px=_side(manifest, ("matting_px", "size_px"), model_dir),
        closer_px=_side(manifest, ("closer_px", "matting_px", "size_px"), model_dir),
        multiple_px=_get(manifest, "multiple_px", int, model_dir),
        latent_channels=latent_channels,
        downsampling=downsampling,
        text_tokens=_get(manifest, "text_tokens", int, model_dir),
        tasks=tuple(_get(manifest, "tasks", list, model_dir)),
        licence=_get(manifest, "licence", str, model_dir),
        schedule=NoiseSchedule.from_config(read_json(model_dir / "scheduler" / "scheduler_config.json")),
        feature_channels=feature_channels,
        has_matte_decoder=_has_matte_decoder(model_dir, latent_channels, feature_channels),
        rgb_gain=float(manifest.get("rgb_gain", 1.0)),
        detail=FEATURE_PX // downsampling if features else 1,
    )


def verify_model(model_dir: Path) -> list[str]:
    """Read all files and return one sentence for each that is not as `zippo.json` recorded it."""
    problems = []
    recorded = read_json(model_dir / "zippo.json").get("digests")
    if not isinstance(recorded, dict) or not recorded:
        return ["zippo.json records no digests, so that nothing can be verified."]
    for name, digest in recorded.items():
        path = model_dir / name
        if not path.is_file():
            problems.append(f"{name} is missing.")
        elif file_digest(path) != digest:
            problems.append(f"{name} is not the file that was recorded: damaged or replaced.")
    unrecorded = {path.relative_to(model_dir).as_posix() for path in _content(model_dir)} - set(recorded)
    problems += [f"{name} is not recorded in zippo.json." for name in sorted(unrecorded)]
    try:
        read_spec(model_dir)
    except ModelError as error:
        problems.append(error.message)
    return problems


def is_to_be_recorded(name: str) -> bool:
    """Whether a file of this path in a model folder decides what the model computes."""
    path = PurePosixPath(name)
    return len(path.parts) == 2 and any(path.match(pattern) for pattern in _CONTENT)


def record_digests(model_dir: Path) -> None:
    """Write the SHA-256 of every weight, graph and tokenizer file into `zippo.json`, as they are now."""
    path = model_dir / "zippo.json"
    manifest = read_json(path)
    manifest["digests"] = {
        file.relative_to(model_dir).as_posix(): file_digest(file) for file in _content(model_dir)
    }
    draft = path.with_suffix(".json.part")
    draft.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")
    os.replace(draft, path)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_config(model_dir: Path, network: str) -> dict[str, Any]:
    """The `config.json` of one of the model's networks."""
    return read_json(model_dir / network / "config.json")


def read_own_config(folder: Path, class_name: str) -> dict[str, Any] | None:
    """The `config.json` of a network of our own making; None where the model has none.

    Raises `ModelError` for one of another kind.
    """
    if not folder.is_dir():
        return None
    config = read_json(folder / "config.json")
    if config.get("_class_name") != class_name:
        kind = config.get("_class_name")
        raise ModelError(f"{folder} holds a network of the kind '{kind}', which is not supported.")
    return config


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model folder; anything else is a `ModelError`."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing.", _COPY_AGAIN) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not readable as JSON ({error}).", _COPY_AGAIN) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object.", _COPY_AGAIN)
    return content


def patch_size(vae_config: Mapping[str, Any]) -> int:
    """The side p of the pixel blocks that the VAE takes as 3*p*p channels; 1 for plain RGB."""
    return math.isqrt(int(vae_config.get("in_channels", 3)) // 3)


def downsampling_of(vae_config: Mapping[str, Any]) -> int:
    """Pixels for each latent, along a side, of a VAE with this configuration. May raise `ModelError`."""
    levels = vae_config.get("block_out_channels") or vae_config.get("encoder_block_out_channels")
    if not levels:
        raise ModelError("The VAE's configuration has no block_out_channels.", _COPY_AGAIN)
    return patch_size(vae_config) * int(2 ** (len(levels) - 1))


def networks_of(model_dir: Path) -> tuple[str, ...]:
    """The folders of the networks that a model has."""
    return (*NETWORKS, *(name for name in OWN_NETWORKS if (model_dir / name).is_dir()))


def _image_encoder(model_dir: Path) -> dict[str, Any]:
    """The image encoder's configuration; empty where there is none."""
    return read_config(model_dir, IMAGE_ENCODER) if IMAGE_ENCODER in networks_of(model_dir) else {}


def _has_matte_decoder(model_dir: Path, latent_channels: int, feature_channels: int) -> bool:
    if MATTE_DECODER not in networks_of(model_dir):
        return False
    config = read_config(model_dir, MATTE_DECODER)
    for key, value in (("latent_channels", latent_channels), ("feature_channels", feature_channels)):
        if config.get(key) != value:
            raise ModelError(
                f"{model_dir / MATTE_DECODER / 'config.json'} does not belong to this model: {key} is "
                f"{config.get(key)}, not {value}.",
                _COPY_AGAIN,
            )
    return True


def _check_unet(
    model_dir: Path, unet: Mapping[str, Any], latent_channels: int, feature_channels: int
) -> None:
    expected = {
        "in_channels": 2 * latent_channels + feature_channels,
        "out_channels": latent_channels,
        "num_class_embeds": len(Branch),
    }
    for key, value in expected.items():
        if unet.get(key) != value:
            raise ModelError(
                f"{model_dir / 'unet' / 'config.json'} is not a Zippo network: {key} is "
                f"{unet.get(key)}, not {value}.",
                "Make a Zippo folder with: zippo-desktop init --from DIR",
            )


def _model_digest(model_dir: Path, manifest: Mapping[str, Any]) -> str:
    """One SHA-256 for all weights: of the recorded digests, or of the files where none are recorded."""
    recorded = manifest.get("digests") or {}
    lines = []
    for network in networks_of(model_dir):
        for path in shards(find_weights(model_dir / network)):
            name = path.relative_to(model_dir).as_posix()
            lines.append(f"{name} {recorded.get(name) or file_digest(path)}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _content(model_dir: Path) -> list[Path]:
    """The files that decide what the model computes."""
    return sorted(path for pattern in _CONTENT for path in model_dir.glob(pattern))


def _side(manifest: Mapping[str, Any], keys: Sequence[str], model_dir: Path) -> int:
    """A side in pixels: of the first of these keys that the manifest has."""
    key = next((key for key in keys if key in manifest), keys[-1])
    return int(_get(manifest, key, int, model_dir))


def _get(content: Mapping[str, Any], key: str, kind: type[Any], model_dir: Path) -> Any:
    value = content.get(key)
    if not isinstance(value, kind):
        raise ModelError(f"{model_dir}: the configuration has no valid '{key}'.", _COPY_AGAIN)
    return value

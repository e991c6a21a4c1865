"""TensorRT's options for a model: where its built engines are kept, and the shapes they are built for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from zippo_desktop.engine.model_store import patch_size, read_config
from zippo_desktop.engine.providers import NvidiaGpu, Options
from zippo_desktop.engine.session import ZippoSpec
from zippo_desktop.paths import cache_dir

Shape = tuple[int, ...]
MAX_BATCH = 8
OPT_BATCH = 2
MAX_SIZE_FACTOR = 2  # pictures up to twice the trained side
_DISTRIBUTIONS = ("tensorrt", "tensorrt-cu13", "tensorrt-cu12")


@dataclass(frozen=True)
class ShapeRange:
    """The smallest, the usual and the largest shape of one graph input."""

    smallest: Shape
    usual: Shape
    largest: Shape


def tensorrt_options(spec: ZippoSpec, graph: str, engine_dir: Path) -> Options:
    """fp16, engines and timings cached in `engine_dir`, one shape profile for all usual sizes.

    A shape outside the profile would rebuild the engine for minutes (optimum PR 657).
    """
    ranges = input_ranges(spec, graph)
    return {
        "trt_fp16_enable": "1",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(engine_dir),
        "trt_engine_cache_prefix": graph,
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(engine_dir),
        "trt_profile_min_shapes": _profile({name: r.smallest for name, r in ranges.items()}),
        "trt_profile_opt_shapes": _profile({name: r.usual for name, r in ranges.items()}),
        "trt_profile_max_shapes": _profile({name: r.largest for name, r in ranges.items()}),
    }


def engine_dir_of(spec: ZippoSpec, ort_version: str, trt_version: str, gpu: NvidiaGpu | None) -> Path:
    """The cache folder of a model's engines.

    TensorRT does not notice that an engine was built by other software or for another GPU
    (onnxruntime issue 22244), so all of that is in the folder's name.
    """
    made_by = (spec.digest, ort_version, trt_version, gpu.driver if gpu else "", gpu.name if gpu else "")
    key = hashlib.sha256("|".join(made_by).encode()).hexdigest()[:24]
    return cache_dir() / "tensorrt" / key


def installed_version() -> str:
    """The version of the installed TensorRT package, "unknown" if TensorRT came another way."""
    for name in _DISTRIBUTIONS:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def build_notice(engine_dir: Path) -> str | None:
    """What to tell before a session is opened that must build its engines first; None if they exist."""
    if any(engine_dir.glob("*.engine")):
        return None
    return "TensorRT builds its engines for this model and GPU now. This takes minutes, once."


def input_ranges(spec: ZippoSpec, graph: str) -> dict[str, ShapeRange]:
    """The range of every input of a graph that has dynamic dimensions."""
    f = spec.downsampling
    largest = max(MAX_SIZE_FACTOR * spec.size_px, spec.matting_px, spec.closer_px)
    sides = (spec.multiple_px // f, spec.matting_px // f, largest // f)  # in latents
    if graph == "unet":
        width = int(read_config(spec.model_dir, "unet")["cross_attention_dim"])
        return {
            "sample": _pictures(2 * spec.latent_channels + spec.feature_channels, *sides),
            "encoder_hidden_states": _rows(spec.text_tokens, width),
            "class_labels": _rows(),
        }
    if graph == "vae_decoder":
        return {"latent_sample": _pictures(spec.latent_channels, *sides)}
    if graph == "vae_encoder":
        p = patch_size(read_config(spec.model_dir, "vae"))
        return {"sample": _pictures(3 * p * p, *(side * f // p for side in sides))}
    if graph == "image_encoder":
        return {"sample": _pictures(3, *(side * f * spec.detail for side in sides))}
    if graph == "matte_decoder":
        return {
            "sample": _pictures(3, *(side * f * spec.detail for side in sides)),
            "coded": _pictures(spec.latent_channels + spec.feature_channels, *sides),
        }
    names = ["input_ids"]
    if read_config(spec.model_dir, "text_encoder").get("model_type") == "bert":
        names += ["attention_mask", "token_type_ids"]
    return {name: _rows(spec.text_tokens) for name in names}


def _pictures(channels: int, smallest: int, usual: int, largest: int) -> ShapeRange:
    return ShapeRange(
        (1, channels, smallest, smallest),
        (OPT_BATCH, channels, usual, usual),
        (MAX_BATCH, channels, largest, largest),
    )


def _rows(*shape: int) -> ShapeRange:
    return ShapeRange((1, *shape), (OPT_BATCH, *shape), (MAX_BATCH, *shape))


def _profile(shapes: dict[str, Shape]) -> str:
    """The provider's notation: name:1x8x16x16,other:1x32."""
    return ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in shapes.items())

"""Training configurations: TOML files read into frozen dataclasses, with unknown keys refused."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from zippo_desktop.errors import UsageError

STAGES = ("vae", "unet", "matte_decoder", "matting")


@dataclass(frozen=True)
class DataConfig:
    """Where the material lies and how pairs are composed from it."""

    cutouts: tuple[Path, ...]
    backgrounds: tuple[Path, ...]
    size_px: int = 128
    scene_px: int = 0  # of scenes, which train matting alone; 0: as of studio shots, size_px
    sharp_backgrounds: bool = False  # more of them in focus: needed where scenes are larger than 128 px
    varied_sharpness: bool = False  # of subjects and whole pictures, with textures and larger subjects
    small: float = 0.0  # share of the subjects in scenes that are small in their frame, alone there
    figures: float = 0.0  # share of the subjects in scenes that are made up: see `figures.py`
    workers: int = 1
    photos: tuple[Path, ...] = ()  # folders with image/ and matte/, as `evaluate` takes them
    captioned: tuple[Path, ...] = ()  # pictures without mattes, for a conversion: see `captioned.py`
    cache_mb: int = 8000  # of decoded pictures, shared out over a process's workers

    @property
    def scene_side(self) -> int:
        """The sides of scenes in pixels."""
        return self.scene_px or self.size_px


@dataclass(frozen=True)
class LoopConfig:
    """The optimiser's loop. `batch` is per process; times are in minutes; a step has `accumulate` batches."""

    steps: int
    batch: int
    learning_rate: float
    accumulate: int = 1
    warmup_steps: int = 200
    ema_decay: float = 0.999
    start_share: float = 0.0  # of the weights before the run in those that it writes, from 0 to 1
    clip_norm: float = 1.0
    mixed_precision: str = "no"  # "no", "fp16" or "bf16"
    compile: bool = False  # torch.compile: minutes at each start, then faster steps
    checkpoint_minutes: float = 5.0
    sheet_every: int = 500
    log_every: int = 50
    seed: int = 0


@dataclass(frozen=True)
class VaeConfig:
    """A small norm-free `AutoencoderTiny` on pictures folded by `patch`; starts from principal components."""

    width: int = 128
    latent_channels: int = 16
    encoder_blocks: int = 2
    decoder_blocks: int = 4
    patch: int = 8
    latent_noise: float = 0.05  # standard deviation added to unit-variance latents before decoding
    gradient_weight: float = 0.5
    freeze_encoder: bool = False  # refine the decoder alone; latents stay what a trained UNet knows


@dataclass(frozen=True)
class UnetConfig:
    """The UNet's shape (when it starts from nothing) and how its three branches are trained."""

    channels: tuple[int, ...] = (64, 128, 192)
    attention_levels: tuple[int, ...] = (1, 2)
    layers: int = 1
    heads: int = 4
    feature_channels: int = 160  # of an image encoder that is added
    rgb_gain: float = 0.0  # scales pictures' latents to mattes' variance; 0: as it is, 1 in a fresh UNet
    scenes_per_batch: float = 0.75  # share of pairs that train matting alone; the rest train all branches
    photos_per_batch: float = 0.5  # share of the scenes that are photos, where `data.photos` names any
    last_step_share: float = 0.4  # share of pairs at t = T, the only step of one-step matting
    studio_t_power: float = 1.0  # studio shots draw t = T * u**power, u uniform: below 1, more noise
    finest_channels: int = 0  # widens the first level of a trained UNet; 0: as it is
    replay: int = 1  # how many times an encoded pair is used, on average
    caption_dropout: float = 0.1
    matting_caption_dropout: float = 0.7
    decoded_weight: float = 0.0  # weight of L1 and gradient losses on the decoded one-step matte
    use_identifier: bool = True
    reassign_noise: bool = True
    checkpointing: bool = False  # compute activations twice instead of keeping them: less memory, slower
    prediction: str = ""  # "v_prediction" converts a network that predicts noise; empty leaves it as it is
    conversion_steps: int = 1000  # first steps of such a run, which learn from the base alone
    base_weight: float = 1.0  # weight of what the base says in the steps on pairs that follow


@dataclass(frozen=True)
class TrainConfig:
    """One training run. `stage` is one of `STAGES`; `model_dir` is the Zippo folder it works on."""

    stage: str
    model_dir: Path
    run_dir: Path
    data: DataConfig
    loop: LoopConfig
    vae: VaeConfig = field(default_factory=VaeConfig)
    unet: UnetConfig = field(default_factory=UnetConfig)
    image_encoder_file: Path | None = None  # EfficientNet-Lite0 as published, to be added where there is none
    text_encoder_dir: Path | None = None  # a transformers folder, when the Zippo folder has none yet
    name: str = "zippo"


def read_config(path: Path) -> TrainConfig:
    """Read a TOML configuration; relative paths count from the file's folder.

    Raises UsageError for unreadable files, unknown or missing keys and wrong types.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The configuration {path} cannot be read: {error}.") from error
    config = _build(TrainConfig, table, path.parent, "")
    if config.stage not in STAGES:
        raise UsageError(f'{path}: stage is "{config.stage}".', f"Write one of: {', '.join(STAGES)}.")
    if config.unet.prediction not in ("", "v_prediction"):
        raise UsageError(
            f'{path}: unet.prediction is "{config.unet.prediction}".',
            'Write prediction = "v_prediction", or leave it out.',
        )
    if not 0 <= config.loop.start_share < 1:
        raise UsageError(f"{path}: loop.start_share is {config.loop.start_share}.", "Write 0 to below 1.")
    if config.loop.accumulate < 1:
        raise UsageError(f"{path}: loop.accumulate is {config.loop.accumulate}.", "Write 1 or more.")
    return config


def _build(kind: type[Any], table: dict[str, Any], base: Path, prefix: str) -> Any:
    """Fill the dataclass `kind` from a TOML table, converting paths and tuples."""
    hints = get_type_hints(kind)
    unknown = set(table) - set(hints)
    if unknown:
        raise UsageError(
            f"Unknown key {prefix}{sorted(unknown)[0]} in the configuration.",
            f"Known keys: {', '.join(sorted(hints))}.",
        )
    missing = [
        item.name for item in dataclasses.fields(kind) if _is_required(item) and item.name not in table
    ]
    if missing:
        raise UsageError(f"The configuration lacks {prefix}{missing[0]}.")
    values = {key: _convert(hints[key], value, base, f"{prefix}{key}") for key, value in table.items()}
    return kind(**values)


def _is_required(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _convert(hint: Any, value: Any, base: Path, key: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise UsageError(f"{key} in the configuration must be a table, [{key}].")
        return _build(hint, value, base, f"{key}.")  # type: ignore[arg-type]
    if hint in (Path, Path | None):
        return base / str(value)
    if hint == tuple[Path, ...]:
        return tuple(base / str(item) for item in value)
    if hint == tuple[int, ...]:
        return tuple(int(item) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint):
        raise UsageError(f"{key} in the configuration must be of type {hint.__name__}, not {value!r}.")
    return value

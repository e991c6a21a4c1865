"""The judge: a classifier of cut-outs by name, trained for measuring only, that no generating network knows.

It sees a cut-out as people do: its straight colour under its own matte, over plain grey. Its features
are those of a small network trained here, or of a published ImageNet network, under a linear layer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.weights import Weights, read_weights, write_weights
from zippo_desktop.imaging.backdrop import STUDIO_GREY, add_backdrop, remove_backdrop
from zippo_desktop.imaging.resize import resize
from zippo_desktop.training.composites import studio
from zippo_desktop.training.judge_networks import (
    JudgeConfig,
    Trunk,
    apply_trunk,
    encoder_trunk,
    file_digest,
    small_trunk,
    train_head,
    train_small,
)
from zippo_desktop.training.named_views import NamedViews, load_view

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Judge:
    """A trained judge: how it sees a cut-out, and what it holds it for."""

    names: tuple[str, ...]
    kind: str  # "small network" or "EfficientNet-Lite0"
    digest: str  # of the views, the configuration and the trunk's weights
    size_px: int
    trunk: Trunk
    weight: Array  # [K,F]
    bias: Array  # [K]

    def features(self, cutouts: Sequence[Array]) -> Array:
        """Cut-outs [h,w,4] in 0..1 (colours over the grey backdrop, then the matte) to [N,F]."""
        seen = np.stack([self._seen(cutout) for cutout in cutouts])
        return apply_trunk(self.trunk, seen)

    def name(self, features: Array) -> list[str]:
        """The name that each row of features [N,F] is held for."""
        return [self.names[index] for index in (features @ self.weight.T + self.bias).argmax(axis=1)]

    def _seen(self, cutout: Array) -> Array:
        colours = remove_backdrop(cutout[..., :3], cutout[..., 3])
        return resize(add_backdrop(colours, cutout[..., 3]), self.size_px, self.size_px)


def open_judge(
    names: Sequence[NamedViews],
    folder: Path,
    encoder_file: Path | None = None,
    config: JudgeConfig | None = None,
) -> Judge:
    """The judge of these names: as kept in `folder`, or trained now and kept there.

    With `encoder_file`, the published EfficientNet-Lite0 weights, only a linear layer is trained on
    its frozen features. Raises ModelError for another file, InputError for an unreadable view.
    """
    config = config or JudgeConfig()
    digest = _digest(names, encoder_file, config)
    path = folder / f"judge-{digest[:16]}.safetensors"
    weights = read_weights(path) if path.is_file() else _trained(names, encoder_file, config)
    if not path.is_file():
        write_weights(path, weights, "float32")
    trunk = small_trunk(weights) if encoder_file is None else encoder_trunk(encoder_file)
    return Judge(
        names=tuple(views.name for views in names),
        kind="small network" if encoder_file is None else "EfficientNet-Lite0",
        digest=digest,
        size_px=config.size_px if encoder_file is None else config.encoder_px,
        trunk=trunk,
        weight=weights["head.weight"],
        bias=weights["head.bias"],
    )


def _digest(names: Sequence[NamedViews], encoder_file: Path | None, config: JudgeConfig) -> str:
    """A SHA-256 of everything that decides the judge's weights."""
    lines = [json.dumps(asdict(config), sort_keys=True)]
    lines += [f"{views.name} {file_digest(path)}" for views in names for path in views.known]
    lines.append("" if encoder_file is None else file_digest(encoder_file))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _trained(names: Sequence[NamedViews], encoder_file: Path | None, config: JudgeConfig) -> Weights:
    size_px = config.size_px if encoder_file is None else config.encoder_px
    pictures, labels = _examples(names, size_px, config)
    if encoder_file is None:
        return train_small(pictures, labels, len(names), config)
    features = apply_trunk(encoder_trunk(encoder_file), pictures)
    return train_head(features, labels, len(names), config)


def _examples(
    names: Sequence[NamedViews], size_px: int, config: JudgeConfig
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Each known view several times, framed as for generation: [N,S,S,3] uint8 and labels [N]."""
    rng = np.random.default_rng([config.seed, 1])
    pictures, labels = [], []
    for label, views in enumerate(names):
        for path in views.known:
            view = load_view(path)
            for _ in range(config.copies):
                pictures.append(_example(view, size_px, config, rng))
                labels.append(label)
    return np.stack(pictures), np.array(labels, np.int64)


def _example(
    view: NDArray[np.uint8], size_px: int, config: JudgeConfig, rng: np.random.Generator
) -> NDArray[np.uint8]:
    pair = studio(view, size_px, rng)
    image = pair.image
    if rng.random() < config.colour_share:
        colour = rng.random(3).astype(np.float32)
        image = image + (colour - np.float32(STUDIO_GREY)) * (1 - pair.matte[..., None])
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.95, 1.05, 3)
    return np.rint(np.clip(image * gain, 0, 1) * 255).astype(np.uint8)

"""The judge's networks: a small one from nothing or a published one's features, and a linear layer."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.weights import Weights
from zippo_desktop.errors import InputError, ModelError

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float32]
SMALL_CHANNELS = ((32, 2), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1))  # width and stride
CHUNK = 32

Trunk = Callable[["torch.Tensor"], "torch.Tensor"]  # pictures [N,3,S,S] in -1..1 to features [N,F]


@dataclass(frozen=True)
class JudgeConfig:
    """How the judge is trained; part of its digest. `copies` counts the framings of each known view."""

    size_px: int = 96  # of the small network; a published one sees `encoder_px`
    encoder_px: int = 192
    copies: int = 8
    colour_share: float = 0.25  # of the copies lie over a random colour instead of grey
    epochs: int = 12
    batch: int = 64
    learning_rate: float = 3e-3
    head_steps: int = 300
    head_learning_rate: float = 1e-2
    label_smoothing: float = 0.1
    seed: int = 0


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal. Raises InputError if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error


def train_head(features: Array, labels: NDArray[np.int64], count: int, config: JudgeConfig) -> Weights:
    """A linear layer on frozen features, by the whole set at once; standardising is folded into it."""
    import torch

    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    x, y = torch.from_numpy((features - mean) / scale), torch.from_numpy(labels)
    torch.manual_seed(config.seed)
    head = torch.nn.Linear(x.shape[1], count)
    optimizer = torch.optim.AdamW(head.parameters(), config.head_learning_rate, weight_decay=0.1)
    for _ in range(config.head_steps):
        optimizer.zero_grad()
        _loss(head(x), y, config).backward()
        optimizer.step()
    weight = head.weight.detach().numpy() / scale  # [K,F]
    return {"head.weight": weight, "head.bias": head.bias.detach().numpy() - weight @ mean}


def train_small(
    pictures: NDArray[np.uint8], labels: NDArray[np.int64], count: int, config: JudgeConfig
) -> Weights:
    """The small network and its linear layer, from nothing."""
    import torch

    torch.manual_seed(config.seed)
    head = torch.nn.Linear(SMALL_CHANNELS[-1][0], count)
    network = torch.nn.Sequential(OrderedDict(trunk=_small_network(), drop=torch.nn.Dropout(0.3), head=head))
    steps = config.epochs * -(-len(labels) // config.batch)
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=0.05)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(len(labels), (config.batch,)).numpy()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(_to_tensor(pictures[chosen]))
        optimizer.zero_grad()
        _loss(logits.float(), torch.from_numpy(labels[chosen]), config).backward()
        optimizer.step()
        rates.step()
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def _loss(logits: torch.Tensor, labels: torch.Tensor, config: JudgeConfig) -> torch.Tensor:
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits, labels, label_smoothing=config.label_smoothing)


def _small_network() -> torch.nn.Sequential:
    """Convolutions with batch norm, averaged over the picture: [N,3,S,S] to [N,256]."""
    from torch import nn

    layers: list[nn.Module] = []
    inputs = 3
    for width, stride in SMALL_CHANNELS:
        layers += [nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def small_trunk(weights: Mapping[str, NDArray]) -> Trunk:
    """The small network without its linear layer, as `train_small` left it."""
    import torch

    network = _small_network()
    state = {name: torch.from_numpy(array) for name, array in weights.items() if name.startswith("trunk.")}
    network.load_state_dict({name.removeprefix("trunk."): tensor for name, tensor in state.items()})
    return network.eval()


def encoder_trunk(path: Path) -> Trunk:
    """The published EfficientNet-Lite0's three tapped levels, each averaged over the picture: [N,472]."""
    import torch

    from zippo_desktop.engine.image_encoder import ImageEncoder, folded_weights
    from zippo_desktop.training.image_encoder_start import PUBLISHED_SHA256

    if file_digest(path) != PUBLISHED_SHA256:
        raise ModelError(f"{path} is not the file that was published.", "See docs/training.md.")
    encoder = ImageEncoder(1)
    encoder.load_state_dict(
        folded_weights(torch.load(path, map_location="cpu", weights_only=True)), strict=False
    )
    encoder.eval()
    return lambda pictures: encoder.tapped(pictures).mean(dim=(2, 3))


def apply_trunk(trunk: Trunk, pictures: NDArray) -> Array:
    """Features [N,F] of pictures [N,S,S,3], uint8 or float32 in 0..1, some at a time."""
    import torch

    with torch.no_grad():
        chunks = [pictures[start : start + CHUNK] for start in range(0, len(pictures), CHUNK)]
        return np.concatenate([trunk(_to_tensor(chunk)).numpy() for chunk in chunks])


def _to_tensor(pictures: NDArray) -> torch.Tensor:
    """Pictures [N,S,S,3], uint8 or float32 in 0..1, to [N,3,S,S] in -1..1; channels stay last in memory."""
    import torch

    scaled = pictures.astype(np.float32) / (127.5 if pictures.dtype == np.uint8 else 0.5) - 1
    return torch.from_numpy(scaled).permute(0, 3, 1, 2)

"""What a Zippo model keeps of the text-to-image network that it was made of.

Captioned pictures are noised to fixed signal-to-noise ratios, and both networks say once what the clean
latent is. The ratio, not the timestep, is what two schedules have in common.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine.model_store import find_model, read_json, read_spec
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import ZippoSession
from zippo_desktop.engine.torch_session import torch_device
from zippo_desktop.engine.zippo_unet import load_unet
from zippo_desktop.errors import InputError, ModelError
from zippo_desktop.pipelines.pictures import encode_colours, encode_matte
from zippo_desktop.training.conversion import time_of
from zippo_desktop.training.cutouts import Cutout, read_cutouts

RATIOS = (10.0, 1.0, 0.1, 0.01)  # signal power to noise power; Stable Diffusion's last step has 0.0047
BATCH = 4
BASE, EQUAL_HALVES, WHITE_MATTE = "base network", "Zippo, both halves equal", "Zippo, white matte"
# (noisy latents [N,C,h,w], time, text states [N,L,D]) -> the network's prediction [N,C,h,w]
Ask = Callable[[Array, float, Array], Array]


@dataclass(frozen=True)
class Retention:
    """Mean square errors of the clean latents at `ratios`, by how the network was asked."""

    pictures: int
    mean_square: float  # of the clean latents themselves
    ratios: tuple[float, ...]
    errors: dict[str, tuple[float, ...]]

    def table(self) -> str:
        """One line for each way of asking; in brackets how many times the base network's error it is."""
        lines = [f"{'signal to noise':26}" + "".join(f"{ratio:>16g}" for ratio in self.ratios)]
        for name, errors in self.errors.items():
            cells = [
                f"{error:.4f} ({error / base:.2f})"
                for error, base in zip(errors, self.errors[BASE], strict=True)
            ]
            lines.append(f"{name:26}" + "".join(f"{cell:>16}" for cell in cells))
        told = f"{self.pictures} pictures; mean square of their latents {self.mean_square:.3f}."
        return "\n".join([*lines, told])

    def to_json(self, path: Path) -> None:
        """Write all numbers."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def measure_retention(
    base_dir: Path,
    model: str | Path,
    pictures_dir: Path,
    limit: int | None = None,
    seed: int = 0,
    provider: str = "auto",
) -> Retention:
    """Compare a Zippo model with the Stable Diffusion folder `base_dir` on a folder of captioned pictures.

    Pictures are cropped to squares of the model's size; captions are read as a cut-out's are. The Zippo
    network is asked in two ways, both of the branch `MATTE_TO_RGB`. With the noisy latent in both halves an
    untrained one answers as the base does. With an all-white matte in the matte's half the picture fills its
    frame: that is how it makes pictures from text alone. VAE and text encoder are frozen, so both networks
    get the model's. All of it runs in PyTorch: an untrained model has no graphs yet.
    Raises ModelError if the networks do not fit one another, InputError for unusable pictures.
    """
    _check_fit(base_dir, find_model(model))
    sources = read_cutouts([pictures_dir])[:limit]
    schedule = NoiseSchedule.from_config(read_json(base_dir / "scheduler" / "scheduler_config.json"))
    with closing(cast(ZippoSession, open_session(model, "torch", provider))) as session:
        gain = session.spec.rgb_gain
        ways: dict[str, tuple[NoiseSchedule, float, Ask]] = {
            BASE: (schedule, 1.0, _base(base_dir, torch_device(provider))),
            EQUAL_HALVES: (session.spec.schedule, gain, _with_equal_halves(session)),
            WHITE_MATTE: (session.spec.schedule, gain, _with_white_matte(session)),
        }
        sums = {name: np.zeros(len(RATIOS)) for name in ways}
        squares = 0.0
        for number, (clean, text) in enumerate(_latents(session, sources)):
            noise = draw_noise(seed + number, clean.shape)
            squares += float(np.square(clean).mean(axis=(1, 2, 3)).sum())
            for name, (its_schedule, its_gain, ask) in ways.items():
                sums[name] += [
                    _error(ask, its_schedule, clean, text, noise, ratio, its_gain) for ratio in RATIOS
                ]
    count = len(sources)
    errors = {name: tuple(float(value) for value in total / count) for name, total in sums.items()}
    return Retention(count, squares / count, RATIOS, errors)


def _error(
    ask: Ask,
    schedule: NoiseSchedule,
    clean: Array,
    text: Array,
    noise: Array,
    ratio: float,
    gain: float,
) -> float:
    """The sum over N of the mean square errors of one answer at this signal-to-noise ratio.

    A network that knows pictures' latents times `gain` is asked at a time of more noise, so that as much of
    the picture is left.
    """
    own = ratio / gain**2
    signal, sigma = np.sqrt(own / (1 + own)), np.sqrt(1 / (1 + own))
    noisy = np.float32(signal * gain) * clean + np.float32(sigma) * noise
    answer = ask(noisy, time_of(schedule, own), text)
    if schedule.prediction_type == "epsilon":
        found = (noisy - sigma * answer) / signal
    elif schedule.prediction_type == "v_prediction":
        found = signal * noisy - sigma * answer
    else:
        found = answer
    return float(np.square(found / gain - clean).mean(axis=(1, 2, 3)).sum())


def _base(base_dir: Path, device: torch.device) -> Ask:
    unet = load_unet(base_dir / "unet").to(device)

    def ask(noisy: Array, time: float, text: Array) -> Array:
        with torch.inference_mode():
            sample, states = (torch.from_numpy(array).to(device) for array in (noisy, text))
            answer: Array = unet(sample, time, states).sample.cpu().numpy()
        return answer

    return ask


def _with_equal_halves(session: ZippoSession) -> Ask:
    def ask(noisy: Array, time: float, text: Array) -> Array:
        return session.denoise(join(noisy, noisy), time, [Branch.MATTE_TO_RGB] * len(noisy), text)

    return ask


def _with_white_matte(session: ZippoSession) -> Ask:
    side = session.spec.size_px
    white = encode_matte(session, np.ones((side, side), np.float32))

    def ask(noisy: Array, time: float, text: Array) -> Array:
        joint = join(noisy, np.repeat(white, len(noisy), axis=0))
        return session.denoise(joint, time, [Branch.MATTE_TO_RGB] * len(noisy), text)

    return ask


def _latents(session: ZippoSession, sources: Sequence[Cutout]) -> Iterator[tuple[Array, Array]]:
    """Clean latents [N,C,h,w], without the model's gain, and text states, `BATCH` pictures at a time."""
    for first in range(0, len(sources), BATCH):
        chunk = sources[first : first + BATCH]
        pictures = np.stack([_square(source.path, session.spec.size_px) for source in chunk])
        clean = encode_colours(session, pictures) / np.float32(session.spec.rgb_gain)
        yield clean, session.encode_prompts([source.captions[0] for source in chunk])


def _square(path: Path, side: int) -> NDArray[np.float32]:
    """A picture's middle, [side,side,3] in 0..1."""
    try:
        with Image.open(path) as image:
            square = ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
    except OSError as error:
        raise InputError(f"{path} cannot be read as a picture ({error}).") from error
    return np.asarray(square, np.float32) / np.float32(255)


def _check_fit(base_dir: Path, model_dir: Path) -> None:
    base, spec = read_json(base_dir / "unet" / "config.json"), read_spec(model_dir)
    unet = read_json(spec.model_dir / "unet" / "config.json")
    is_plain = base.get("in_channels") == base.get("out_channels") == unet["out_channels"]
    if not is_plain or base.get("cross_attention_dim") != unet["cross_attention_dim"]:
        raise ModelError(
            f"{base_dir} is no network that {model_dir} can have been made of: their channels differ.",
            "Name the Stable Diffusion folder that zippo-desktop init was given.",
        )

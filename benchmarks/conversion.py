"""What a conversion to v-prediction keeps of its base, next to reading the same network in other terms.

    python benchmarks/conversion.py --keep FILE.safetensors

Small enough for one CPU core: a UNet of 1.2 million parameters on 8 x 8 latents that are drawn, not coded.
A base learns to predict noise on 24 captions: three shapes in eight colours, before a background. Its pairs
show four of the colours only, half of them before plain grey, as studio shots; captioned pictures, without
mattes, show all eight. Printed are the base's and the converted networks' errors of the clean latent at
signal-to-noise ratios 10, 1, 0.1 and 0.01, on all captions and a white matte, and the losses on new pairs.
The base is kept in the file, and read from there.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch.nn import functional

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine.zippo_unet import inflate, use_plain_attention
from zippo_desktop.training.branches import PairBatch, RowMaker
from zippo_desktop.training.config import UnetConfig
from zippo_desktop.training.conversion import BASE, SCHEDULER, V_PREDICTION, FrozenBase, time_of
from zippo_desktop.training.model_folder import write_json, write_network
from zippo_desktop.training.unet_losses import base_losses, step_losses

SCHEDULER_CONFIG = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
SIDE, CHANNELS, TEXT = 8, 4, (2, 16)
SHAPES, COLOURS = 3, 8
RATIOS = (10.0, 1.0, 0.1, 0.01)
BASE_STEPS, BASE_BATCH, STEPS, CONVERSION_STEPS, PAIRS = 2500, 64, 400, 150, 16
RATE = 2e-3
WHITE = torch.tensor([1.0, -0.6, 0.4, 0.8]).view(1, CHANNELS, 1, 1).expand(1, CHANNELS, SIDE, SIDE)
EMPTY = torch.zeros(1, *TEXT)
_KNOWN = torch.Generator().manual_seed(0)
COLOUR_VALUES = torch.randn(COLOURS, CHANNELS, generator=_KNOWN) * 0.9
CAPTIONS = torch.randn(SHAPES * COLOURS, *TEXT, generator=_KNOWN)


def draw(is_studio: torch.Tensor, colours: int) -> PairBatch:
    """A pair for each of `is_studio`, of the first so many colours."""
    count = len(is_studio)
    shape, colour = torch.randint(SHAPES, (count,)), torch.randint(colours, (count,))
    axis = torch.linspace(-1, 1, SIDE)
    centre, radius = (torch.rand(2, count, 1, 1) - 0.5) * 0.8, 0.35 + 0.35 * torch.rand(count, 1, 1)
    x, y = axis.view(1, 1, -1) - centre[0], axis.view(1, -1, 1) - centre[1]
    distances = torch.stack([torch.hypot(x, y), torch.maximum(x.abs(), y.abs()), (x.abs() + y.abs()) / 1.2])
    alpha = ((radius - distances[shape, torch.arange(count)]) / 0.15 + 0.5).clamp(0, 1)
    field = functional.interpolate(torch.randn(count, CHANNELS, 3, 3), size=(SIDE, SIDE), mode="bicubic")
    background = torch.where(is_studio.view(-1, 1, 1, 1), 0.0, 0.8 * field)
    subject = COLOUR_VALUES[colour].view(count, CHANNELS, 1, 1) * (1 + 0.3 * x[:, None])
    rgb = torch.lerp(background, subject, alpha[:, None])
    matte = (2 * alpha[:, None] - 1) * WHITE
    features = rgb.new_zeros(count, 0, SIDE, SIDE)
    return PairBatch(rgb, matte, alpha, CAPTIONS[colour * SHAPES + shape], is_studio, features)


def scenes(count: int) -> PairBatch:
    """What the base knows: every colour, always before a background."""
    return draw(torch.zeros(count, dtype=torch.bool), COLOURS)


def pairs(count: int) -> PairBatch:
    """What it is trained on afterwards: half of the colours, half of them before grey."""
    return draw(torch.arange(count) % 2 == 0, COLOURS // 2)


def descend(network: torch.nn.Module, steps: int, rate: float) -> Iterator[tuple[int, torch.optim.Optimizer]]:
    """AdamW with warm-up and half a cosine; whoever asks for the next step has called `backward`."""
    optimizer = torch.optim.AdamW(network.parameters(), rate, betas=(0.9, 0.99))
    for step in range(steps):
        cosine = 0.05 + 0.475 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50) * cosine
        optimizer.zero_grad()
        yield step, optimizer
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()


def trained_base(kept: Path) -> UNet2DConditionModel:
    """The network that predicts noise, out of `kept` if it is there."""
    torch.manual_seed(0)
    network = UNet2DConditionModel(
        sample_size=SIDE,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        block_out_channels=(48, 96),
        layers_per_block=1,
        attention_head_dim=4,
        cross_attention_dim=TEXT[1],
        norm_num_groups=16,
        num_class_embeds=None,
    )
    use_plain_attention(network)
    if kept.is_file():
        network.load_state_dict(load_file(kept))
        return network.eval()
    signals = torch.from_numpy(NoiseSchedule.from_config(SCHEDULER_CONFIG).alphas_cumprod).float().sqrt()
    for _ in descend(network, BASE_STEPS, RATE):
        batch, t = scenes(BASE_BATCH), torch.randint(1000, (BASE_BATCH,))
        noise, signal = torch.randn_like(batch.rgb), signals[t].view(-1, 1, 1, 1)
        noisy = signal * batch.rgb + (1 - signal**2).sqrt() * noise
        text = torch.where(torch.rand(BASE_BATCH, 1, 1) < 0.1, EMPTY, batch.text)
        (network(noisy, t, text).sample - noise).square().mean().backward()
    save_file(network.state_dict(), kept)
    return network.eval()


@torch.no_grad()
def retained(network: torch.nn.Module, schedule: NoiseSchedule) -> list[str]:
    """Errors of the clean latent at `RATIOS`; a Zippo network is given a white matte."""
    torch.manual_seed(99)
    batch = scenes(512)
    noise, errors = torch.randn_like(batch.rgb), []
    for ratio in RATIOS:
        signal, sigma = math.sqrt(ratio / (1 + ratio)), math.sqrt(1 / (1 + ratio))
        noisy, time = signal * batch.rgb + sigma * noise, torch.tensor(time_of(schedule, ratio))
        if schedule.prediction_type == "epsilon":
            clean = (noisy - sigma * network(noisy, time, batch.text).sample) / signal
        else:
            joint = torch.cat([noisy, WHITE.expand_as(noisy)], dim=1)
            labels = torch.full((len(noisy),), int(Branch.MATTE_TO_RGB))
            velocity = network(joint, time, batch.text, class_labels=labels).sample
            clean = signal * noisy - sigma * velocity
        errors.append(f"{(clean - batch.rgb).square().mean():.4f}")
    return errors


@torch.no_grad()
def losses_on_new_pairs(network: torch.nn.Module, maker: RowMaker) -> list[str]:
    """The mean squared error of each branch."""
    torch.manual_seed(77)
    losses = step_losses(network, None, maker, pairs(256))
    return [f"{name} {value:.4f}" for name, value in losses.items() if name != "total"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    base = trained_base(given.keep)
    print("base:", *retained(base, NoiseSchedule.from_config(SCHEDULER_CONFIG)))
    schedule = NoiseSchedule.from_config(SCHEDULER_CONFIG | V_PREDICTION)
    for name, conversion_steps, weight, has_captioned in (
        ("read in other terms", 0, None, False),
        ("converted", CONVERSION_STEPS, None, False),
        ("converted, base kept", CONVERSION_STEPS, 1.0, False),
        ("converted, base kept, half on captioned pictures", CONVERSION_STEPS, 1.0, True),
    ):
        config = UnetConfig(last_step_share=0.0, base_weight=weight or 0.0)
        maker = RowMaker(schedule, config, EMPTY)
        torch.manual_seed(1)
        network = inflate(base)
        use_plain_attention(network)
        with tempfile.TemporaryDirectory() as run_dir:
            write_network(network, Path(run_dir) / BASE / "unet")
            write_json(Path(run_dir) / BASE / SCHEDULER, SCHEDULER_CONFIG)
            captioned = (scenes(PAIRS // 2) for _ in range(STEPS)) if has_captioned else None
            teacher = FrozenBase(Path(run_dir), WHITE, EMPTY, config, captioned)
        for step, _ in descend(network.train(), conversion_steps + STEPS - CONVERSION_STEPS, RATE / 2):
            if step < conversion_steps:
                base_losses(network, teacher, pairs(PAIRS))["total"].backward()
            else:
                kept = teacher if weight else None
                step_losses(network, None, maker, pairs(PAIRS), kept)["total"].backward()
            if step + 1 in (conversion_steps, conversion_steps + 100):
                print(
                    f"  step {step + 1}:", *retained(network, schedule), *losses_on_new_pairs(network, maker)
                )
        print(f"{name}:", *retained(network.eval(), schedule), *losses_on_new_pairs(network, maker))


if __name__ == "__main__":
    main()

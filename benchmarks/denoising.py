"""At which timesteps a model knows what it does: how much of the noise its joint branches leave.

    python benchmarks/denoising.py --model DIR --cutouts DIR --backgrounds DIR

Studio shots of the training split, new noise. Prints, for each timestep and modality, the mean square
error of the clean latent, and that as a share of the noise that was in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import ZippoSession
from zippo_desktop.pipelines.pictures import encode_colours, encode_matte
from zippo_desktop.training.config import DataConfig
from zippo_desktop.training.pairs import PairSource

TIMESTEPS = (19, 49, 99, 199, 399, 599, 799, 899, 999)
PAIRS = 48


def clean_errors(session: ZippoSession, rgb: Array, matte: Array, text: Array, t: int) -> tuple[float, float]:
    """Mean square errors of the clean RGB and matte latents, each from one evaluation at `t`."""
    schedule = session.spec.schedule
    alpha, sigma = float(schedule.signal(t)), float(schedule.sigma(t))
    noisy = [alpha * clean + sigma * draw_noise(seed, clean.shape) for seed, clean in enumerate((rgb, matte))]
    errors = []
    for branch, sample, clean in zip(
        (Branch.JOINT_RGB, Branch.JOINT_MATTE), noisy, (rgb, matte), strict=True
    ):
        velocity = session.denoise(join(*noisy), t, [branch] * len(rgb), text)
        errors.append(float(np.square(alpha * sample - sigma * velocity - clean).mean()))
    return errors[0], errors[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--cutouts", type=Path, action="append", required=True)
    parser.add_argument("--backgrounds", type=Path, action="append", required=True)
    given = parser.parse_args()
    session = open_session(given.model)
    data = DataConfig(tuple(given.cutouts), tuple(given.backgrounds), session.spec.size_px)
    pairs = [PairSource(data, "train", seed=3).studio(index) for index in range(PAIRS)]
    rgb = encode_colours(session, np.stack([item.pair.image for item in pairs]))
    matte = np.concatenate([encode_matte(session, item.pair.matte) for item in pairs])
    text = session.encode_prompts([item.caption for item in pairs])
    print(f"mean square: RGB {np.square(rgb).mean():.2f}, matte {np.square(matte).mean():.2f}")
    for t in TIMESTEPS:
        signal, noise = (
            float(session.spec.schedule.signal(t)) ** 2,
            float(session.spec.schedule.sigma(t)) ** 2,
        )
        errors = clean_errors(session, rgb, matte, text, t)
        left = [error * signal / noise for error in errors]
        print(
            f"t {t:3}: RGB {errors[0]:.4f} ({left[0]:.0%} left), matte {errors[1]:.4f} ({left[1]:.0%} left)"
        )


if __name__ == "__main__":
    main()

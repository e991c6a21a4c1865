"""Whole training runs of a toy model, as a person starts them: from a configuration file."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tiny_models import tiny_bert, write_word_tokenizer
from tests.training.material import write_material
from zippo_desktop.training.train import train

CONFIG = """
stage = "{stage}"
name = "toy"
model_dir = "model"
run_dir = "{stage}-run"
text_encoder_dir = "text"
[data]
cutouts = ["cutouts"]
backgrounds = ["backgrounds"]
size_px = 32
workers = 0
[loop]
steps = {steps}
batch = 8
learning_rate = 2e-3
warmup_steps = 5
ema_decay = 0.9
log_every = 5
sheet_every = 1000
[vae]
width = 48
encoder_blocks = 1
decoder_blocks = 1
[unet]
channels = [32, 64]
attention_levels = [1]
heads = 2
replay = {replay}
decoded_weight = 0.5
"""


def write_config(folder: Path, stage: str, steps: int, replay: int = 1) -> Path:
    path = folder / f"{stage}.toml"
    path.write_text(CONFIG.format(stage=stage, steps=steps, replay=replay), encoding="utf-8")
    return path


def read_log(folder: Path, stage: str) -> list[dict[str, float]]:
    log = folder / f"{stage}-run" / "log.jsonl"
    return [json.loads(line) for line in log.open(encoding="utf-8")] if log.is_file() else []


def run(folder: Path, stage: str, steps: int, replay: int = 1) -> list[dict[str, float]]:
    train(write_config(folder, stage, steps, replay))
    return read_log(folder, stage)


def prepare(folder: Path) -> Path:
    write_material(folder, names=tuple(f"red apple {index}" for index in range(24)))
    tiny_bert().save_pretrained(folder / "text")
    write_word_tokenizer(folder / "text")
    return folder

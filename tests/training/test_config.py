from pathlib import Path

import pytest

from zippo_desktop.errors import UsageError
from zippo_desktop.training.config import read_config

EXAMPLES = Path(__file__).parents[2] / "resources" / "training"
WHOLE = """
stage = "unet"
model_dir = "model"
run_dir = "runs/a"
[data]
cutouts = ["one", "two"]
backgrounds = ["/abs"]
[loop]
steps = 10
batch = 2
learning_rate = 1
[unet]
channels = [32, 64]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "train.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_count_from_the_file_and_numbers_become_what_is_asked(tmp_path: Path):
    config = read_config(write(tmp_path, WHOLE))

    assert config.data.cutouts == (tmp_path / "one", tmp_path / "two")
    assert config.data.backgrounds == (Path("/abs"),)
    assert config.model_dir == tmp_path / "model"
    assert config.loop.learning_rate == 1.0
    assert isinstance(config.loop.learning_rate, float)
    assert config.unet.channels == (32, 64)
    assert config.vae.patch == 8


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_examples_that_the_program_comes_with_are_understood(path: Path):
    config = read_config(path)
    assert config.data.cutouts
    assert config.loop.steps > 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 10", "step = 10", r"Unknown key loop\.step "),
        ("steps = 10", "", r"lacks loop\.steps"),
        ("batch = 2", 'batch = "two"', r"loop\.batch .* must be of type int"),
        ('stage = "unet"', 'stage = "all"', 'stage is "all"'),
        ("[loop]", "[loop", "cannot be read"),
        ("batch = 2", "batch = 2\naccumulate = 0", r"loop\.accumulate is 0"),
        ("batch = 2", "batch = 2\nstart_share = 1.0", r"loop\.start_share is 1\.0"),
        ("[unet]", '[unet]\nprediction = "epsilon"', 'prediction is "epsilon"'),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str):
    with pytest.raises(UsageError, match=message):
        read_config(write(tmp_path, WHOLE.replace(old, new, 1)))


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path / "none.toml")

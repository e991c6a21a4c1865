"""A trained UNet gets a wider first level and goes on from what it knew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from zippo_desktop.engine.model_store import verify_model
from zippo_desktop.engine.zippo_unet import build_unet, load_unet
from zippo_desktop.errors import UsageError
from zippo_desktop.training.wider_unet import widen_finest_level, wider


def answer(unet: torch.nn.Module) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(4, 8, 8, 8, generator=generator)
    text = torch.randn(4, 5, 16, generator=generator)
    times, branches = torch.tensor([999, 500, 100, 10]), torch.arange(4)
    with torch.no_grad():
        return unet(latents, times, text, class_labels=branches).sample


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).square().mean() / one.square().mean())


# Where the second level is wider than the new first one, all its layers are kept.
@pytest.mark.parametrize(("channels", "new", "off"), [((32, 128, 64), 64, 0.05), ((32, 64, 64), 64, 0.5)])
def test_a_wider_network_still_says_about_the_same(channels: tuple[int, ...], new: int, off: float) -> None:
    torch.manual_seed(0)
    unet = build_unet(4, channels, (1,), 1, 4, 16, 8).eval()
    fresh = build_unet(4, (new, *channels[1:]), (1,), 1, 4, 16, 8).eval()
    before = {name: value.clone() for name, value in unet.state_dict().items()}

    grown = wider(unet, new)

    assert grown.config["block_out_channels"] == (new, *channels[1:])
    assert distance(answer(unet), answer(grown)) < off < 1 < distance(answer(unet), answer(fresh))
    assert all(torch.equal(value, before[name]) for name, value in unet.state_dict().items())


def test_copies_do_not_stay_copies() -> None:
    torch.manual_seed(0)
    grown = wider(build_unet(4, (32, 64), (1,), 1, 4, 16, 8), 64).train()
    grown(
        torch.randn(1, 8, 8, 8), 500, torch.randn(1, 5, 16), class_labels=torch.tensor([0])
    ).sample.square().sum().backward()
    one, two = grown.conv_in.weight.grad[0::2], grown.conv_in.weight.grad[1::2]
    assert distance(one, two) > 0.01


def test_a_width_that_holds_no_whole_copies_is_refused() -> None:
    with pytest.raises(UsageError, match=r"32 channels.*48"):
        wider(build_unet(4, (32, 64), (1,), 1, 4, 16, 8), 48)


def test_a_folder_is_widened_once(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    known = load_unet(folder / "unet").config["block_out_channels"][0]
    shutil.rmtree(folder / "onnx")
    widen_finest_level(folder, 2 * known)
    assert load_unet(folder / "unet").config["block_out_channels"][0] == 2 * known
    assert verify_model(folder) == []
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    widen_finest_level(folder, 2 * known)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before

"""The Zippo network: inflation keeps the base, the identifier tells branches apart, bad folders are told."""

from pathlib import Path

import pytest
import torch

from tests.tiny_models import TEXT_WIDTH, build_tiny_zippo, tiny_unet
from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.engine.zippo_unet import (
    IDENTIFIER,
    build_unet,
    inflate,
    load_unet,
    use_plain_attention,
    widen,
)
from zippo_desktop.errors import ModelError


def test_the_inflated_network_reproduces_the_base_for_every_branch():
    torch.manual_seed(0)
    base = tiny_unet(in_channels=4).eval()
    inflated = inflate(base)
    latent, text, t = torch.randn(4, 4, 8, 8), torch.randn(4, 5, TEXT_WIDTH), torch.tensor([3, 250, 700, 999])

    with torch.no_grad():
        expected = base(latent, t, text).sample
        both = torch.cat([latent, latent], dim=1)
        got = inflated(both, t, text, class_labels=torch.tensor([int(branch) for branch in Branch])).sample

    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_inflation_leaves_the_base_alone():
    base = tiny_unet(in_channels=4)
    before = {name: value.clone() for name, value in base.state_dict().items()}

    inflate(base)

    assert all(torch.equal(value, before[name]) for name, value in base.state_dict().items())


def test_a_network_with_other_inputs_cannot_be_inflated():
    with pytest.raises(ModelError, match="no plain text-to-image network"):
        inflate(tiny_unet(in_channels=8))


def test_a_fresh_network_begins_without_preferring_a_branch_and_can_learn_to():
    unet = build_unet(4, (32, 64), (1,), 1, 2, TEXT_WIDTH, 8)
    latent, text = torch.randn(1, 8, 8, 8).repeat(2, 1, 1, 1), torch.randn(1, 5, TEXT_WIDTH).repeat(2, 1, 1)
    labels = torch.tensor([0, 1])

    first, second = unet(latent, 500, text, class_labels=labels).sample
    torch.testing.assert_close(first, second)

    first.square().mean().backward()
    assert unet.get_parameter(IDENTIFIER).grad[0].abs().max() > 0


def test_a_missing_weight_is_named(tmp_path: Path):
    from safetensors.torch import load_file, save_file

    build_tiny_zippo(tmp_path)
    path = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    del tensors["conv_out.bias"]
    save_file(tensors, path)

    with pytest.raises(ModelError, match=r"lacks the weight conv_out\.bias"):
        load_unet(tmp_path / "unet")


def test_a_widened_network_answers_as_before_whatever_the_new_inputs_say():
    torch.manual_seed(0)
    unet = tiny_unet(in_channels=8, num_class_embeds=4).eval()
    wider = widen(unet, 5)
    latent, text = torch.randn(2, 8, 8, 8), torch.randn(2, 5, TEXT_WIDTH)
    labels = torch.tensor([0, 3])

    with torch.no_grad():
        expected = unet(latent, 400, text, class_labels=labels).sample
        seen = torch.cat([latent, torch.randn(2, 5, 8, 8)], dim=1)
        got = wider(seen, 400, text, class_labels=labels).sample

    torch.testing.assert_close(got, expected)
    assert wider.config["in_channels"] == 13


def test_plain_attention_is_the_same_attention():
    torch.manual_seed(0)
    unet = tiny_unet(in_channels=8, num_class_embeds=4).eval()
    latent, text = torch.randn(2, 8, 8, 8), torch.randn(2, 5, TEXT_WIDTH)
    labels = torch.tensor([0, 3])

    with torch.no_grad():
        expected = unet(latent, 400, text, class_labels=labels).sample
        use_plain_attention(unet)
        got = unet(latent, 400, text, class_labels=labels).sample

    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)

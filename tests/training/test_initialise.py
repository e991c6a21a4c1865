"""A Stable Diffusion folder becomes a Zippo folder that opens, and computes what the base computes."""

from pathlib import Path

import pytest
import torch

from tests.tiny_models import (
    TEXT_WIDTH,
    build_tiny_sd,
    build_tiny_sd2,
    tiny_open_clip,
    without_last_layer,
)
from zippo_desktop.engine.model_store import read_spec, verify_model
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.engine.zippo_unet import load_unet
from zippo_desktop.errors import ModelError, UsageError
from zippo_desktop.training.initialise import initialise


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return build_tiny_sd(tmp_path / "sd")


def test_the_new_folder_opens_and_is_whole(base: Path, tmp_path: Path):
    initialise(base, tmp_path / "zippo")

    spec = read_spec(tmp_path / "zippo")
    assert verify_model(tmp_path / "zippo") == []
    assert (spec.latent_channels, spec.downsampling, spec.text_tokens) == (4, 8, 77)
    assert (spec.size_px, spec.multiple_px) == (32, 16)
    assert spec.schedule.prediction_type == "epsilon"
    session = TorchSession.open(tmp_path / "zippo")
    assert session.encode_prompts(["a red apple"]).shape == (1, 77, TEXT_WIDTH)


def test_equal_halves_give_the_base_networks_answer(base: Path, tmp_path: Path):
    initialise(base, tmp_path / "zippo")
    old, new = load_unet(base / "unet"), load_unet(tmp_path / "zippo" / "unet")
    latent, text = torch.randn(1, 4, 8, 8), torch.randn(1, 5, TEXT_WIDTH)

    with torch.no_grad():
        expected = old(latent, 500, text).sample
        got = new(torch.cat([latent, latent], dim=1), 500, text, class_labels=torch.tensor([2])).sample

    torch.testing.assert_close(got, expected, atol=5e-3, rtol=5e-3)  # the new folder holds fp16


def test_the_base_folder_stays_as_it_was(base: Path, tmp_path: Path):
    before = {path: path.read_bytes() for path in base.rglob("*") if path.is_file()}

    initialise(base, tmp_path / "zippo")

    assert {path: path.read_bytes() for path in base.rglob("*") if path.is_file()} == before


def test_an_existing_folder_is_never_overwritten(base: Path, tmp_path: Path):
    target = tmp_path / "zippo"
    target.mkdir()
    (target / "precious.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(UsageError, match="not empty"):
        initialise(base, target)


def test_an_incomplete_base_is_named(base: Path, tmp_path: Path):
    (base / "vae").rename(base / "elsewhere")

    with pytest.raises(ModelError, match="no vae folder"):
        initialise(base, tmp_path / "zippo")
    assert not (tmp_path / "zippo").exists()


def test_a_vae_with_the_attention_names_of_old_opens_too(base: Path, tmp_path: Path):
    from safetensors.torch import load_file, save_file

    path = base / "vae" / "diffusion_pytorch_model.safetensors"
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    renamed = {}
    for key, tensor in load_file(path).items():
        for new_part, old_part in old.items():
            key = key.replace(new_part, old_part)
        renamed[key] = tensor
    assert any(".query." in key for key in renamed)
    save_file(renamed, path)

    initialise(base, tmp_path / "zippo")

    picture = torch.zeros(1, 3, 32, 32).numpy()
    assert TorchSession.open(tmp_path / "zippo").encode_images(picture).shape == (1, 4, 4, 4)


def test_a_tokenizer_without_a_limit_takes_the_encoders(base: Path, tmp_path: Path):
    path = base / "tokenizer" / "tokenizer_config.json"
    path.write_text(path.read_text("utf-8").replace("77", "1" + "0" * 30), encoding="utf-8")

    initialise(base, tmp_path / "zippo")

    assert read_spec(tmp_path / "zippo").text_tokens == 77


def test_stable_diffusion_2_is_opened_as_it_is(tmp_path: Path):
    initialise(build_tiny_sd2(tmp_path / "sd2"), tmp_path / "zippo")

    spec = read_spec(tmp_path / "zippo")
    assert verify_model(tmp_path / "zippo") == []
    assert (spec.schedule.prediction_type, spec.schedule.has_zero_terminal_snr) == ("v_prediction", False)
    assert spec.schedule.timesteps(1) == [999]
    unet = load_unet(tmp_path / "zippo" / "unet")
    assert unet.config["attention_head_dim"] == [2, 4]
    assert unet.mid_block.attentions[0].proj_in.weight.ndim == 2  # linear, not a convolution


def test_stable_diffusion_2_reads_prompts_in_the_last_layer_but_one():
    torch.manual_seed(0)
    whole, ids = tiny_open_clip().eval(), torch.tensor([[514, 5, 9, 515, 0]])

    with torch.no_grad():
        penultimate = whole(ids, output_hidden_states=True).hidden_states[-2]
        expected = whole.text_model.final_layer_norm(penultimate)
        got = without_last_layer(whole).eval()(ids).last_hidden_state

    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("build", [build_tiny_sd, build_tiny_sd2])
def test_prompts_become_the_states_that_the_base_was_trained_on(build, tmp_path: Path):
    from transformers import CLIPTextModel, CLIPTokenizer

    base = build(tmp_path / "sd")
    initialise(base, tmp_path / "zippo")
    prompts = ["a red apple", "", "a long one " * 30]

    tokenizer = CLIPTokenizer.from_pretrained(base / "tokenizer")
    ids = tokenizer(
        prompts, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
    ).input_ids
    with torch.no_grad():
        expected = CLIPTextModel.from_pretrained(base / "text_encoder")(ids).last_hidden_state

    got = torch.from_numpy(TorchSession.open(tmp_path / "zippo").encode_prompts(prompts))
    torch.testing.assert_close(got, expected, atol=5e-3, rtol=5e-3)  # the new folder holds fp16
    padding = {build_tiny_sd: "<|endoftext|>", build_tiny_sd2: "!"}[build]
    assert ids[1, -1] == tokenizer.convert_tokens_to_ids(padding)

"""Adding an image encoder to a model that has none: the file is checked, the answers stay, it trains."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import torch

from tests.tiny_models import build_tiny_zippo, published_efficientnet, tiny_image_encoder, tiny_unet
from tests.training.material import write_material
from zippo_desktop.diffusion.latents import Branch, draw_noise
from zippo_desktop.engine.matte_decoder import MatteDecoder
from zippo_desktop.engine.model_store import read_spec
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.errors import ModelError
from zippo_desktop.training import image_encoder_start
from zippo_desktop.training.config import LoopConfig, TrainConfig, UnetConfig
from zippo_desktop.training.image_encoder_start import add_image_encoder, reduce_to_components
from zippo_desktop.training.model_folder import write_network, write_own_network


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A tiny model without image encoder, material, and a published file that is what it should be."""
    model = build_tiny_zippo(tmp_path / "model", has_matte_decoder=False)
    shutil.rmtree(model / "image_encoder")
    torch.manual_seed(0)
    write_network(tiny_unet(in_channels=8, num_class_embeds=4), model / "unet")
    torch.save(published_efficientnet(), tmp_path / "published.pth")
    digest = hashlib.sha256((tmp_path / "published.pth").read_bytes()).hexdigest()
    monkeypatch.setattr(image_encoder_start, "PUBLISHED_SHA256", digest)
    monkeypatch.setattr(image_encoder_start, "COMPONENT_PAIRS", 4)
    return TrainConfig(
        stage="unet",
        model_dir=model,
        run_dir=tmp_path / "run",
        data=write_material(tmp_path, names=tuple(f"red apple {index}" for index in range(24))),
        loop=LoopConfig(steps=1, batch=4, learning_rate=1e-3),
        unet=UnetConfig(feature_channels=6),
        image_encoder_file=tmp_path / "published.pth",
    )


def test_a_matte_decoder_that_knows_no_features_is_in_the_way_and_stays(config):
    write_own_network(MatteDecoder(4, 0), config.model_dir / "matte_decoder")
    with pytest.raises(ModelError, match="matte_decoder was trained without an image encoder"):
        add_image_encoder(config)
    assert (config.model_dir / "matte_decoder" / "config.json").is_file()


def test_the_model_sees_more_and_answers_as_before(config):
    joint, branch = draw_noise(0, (1, 8, 4, 4)), [Branch.RGB_TO_MATTE]
    before = TorchSession.open(config.model_dir)
    text = before.encode_prompts([""])
    expected = before.denoise(joint, 999, branch, text)

    add_image_encoder(config)

    spec = read_spec(config.model_dir)
    assert (spec.feature_channels, spec.detail) == (6, 2)
    session = TorchSession.open(config.model_dir)
    features = session.image_features(np.tanh(draw_noise(1, (1, 3, 64, 64))))
    np.testing.assert_allclose(session.denoise(joint, 999, branch, text, features), expected, atol=1e-4)
    index = json.loads((config.model_dir / "model_index.json").read_text())
    assert index["image_encoder"] == ["zippo_desktop", "EfficientNetLite0Features"]


def test_another_file_is_refused_before_it_is_opened(config):
    config.image_encoder_file.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ModelError, match="not the file that was published"):
        add_image_encoder(config)
    config.image_encoder_file.unlink()
    with pytest.raises(ModelError, match="do not exist"):
        add_image_encoder(config)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_ends")
def test_a_model_is_given_one_and_trained_with_it(config, tmp_path):
    from zippo_desktop.training.train import train

    (tmp_path / "joint.toml").write_text(
        """
stage = "unet"
model_dir = "model"
run_dir = "run"
image_encoder_file = "published.pth"
[data]
cutouts = ["cutouts"]
backgrounds = ["backgrounds"]
size_px = 32
workers = 0
[loop]
steps = 2
batch = 4
learning_rate = 1e-3
log_every = 2
[unet]
feature_channels = 6
replay = 2
decoded_weight = 1.0
last_step_share = 1.0
"""
    )
    train(tmp_path / "joint.toml")

    seen = TorchSession.open(config.model_dir).unet.conv_in.weight[:, 8:]
    assert seen.any()  # the zeros have moved: gradients reach the features


def test_components_are_uncorrelated_and_of_mean_square_one():
    torch.manual_seed(0)
    encoder, pictures = tiny_image_encoder(), torch.randn(8, 3, 64, 64)
    reduce_to_components(encoder, pictures)

    with torch.no_grad():
        features = encoder(pictures).permute(1, 0, 2, 3).flatten(1)  # [F,M]

    correlation = torch.corrcoef(features) - torch.eye(len(features))
    assert correlation.abs().max() < 0.02
    assert features.mean(dim=1).abs().max() < 0.02
    assert features.square().mean() == pytest.approx(1.0, rel=0.05)

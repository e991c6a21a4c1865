import json

import numpy as np
import pytest
import torch

from tests.tiny_models import FEATURES, build_tiny_zippo
from zippo_desktop.diffusion.latents import draw_noise
from zippo_desktop.engine.matte_decoder import MatteDecoder, load_matte_decoder
from zippo_desktop.engine.model_store import read_spec, verify_model
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.errors import ModelError
from zippo_desktop.training.model_folder import write_own_network


@pytest.mark.parametrize("widths", [(8, 16), (4, 8, 8, 16)])
def test_a_matte_is_as_large_as_its_picture_and_within_0_to_1(widths):
    decoder, side = MatteDecoder(4, FEATURES, widths), 2 * 2 ** len(widths)
    with torch.no_grad():
        mattes = decoder(torch.randn(3, 3, side, 2 * side), 9 * torch.randn(3, 4 + FEATURES, 2, 4))
    assert mattes.shape == (3, 1, side, 2 * side)
    assert 0 <= mattes.min() < mattes.max() <= 1


def test_the_photo_s_edges_reach_the_finest_level():
    decoder = MatteDecoder(4, 0, widths=(8, 16))
    coded, picture = torch.randn(1, 4, 2, 2), torch.zeros(1, 3, 8, 8)
    with torch.no_grad():
        changed = decoder(picture, coded)
        picture[..., 0, 0] = 1
        changed = (decoder(picture, coded) - changed).abs()[0, 0]
    assert changed[0, 0] > 0


def test_it_comes_back_from_its_folder(tmp_path):
    decoder = MatteDecoder(4, FEATURES, widths=(8, 16))
    seen = torch.randn(1, 3, 8, 8), torch.randn(1, 4 + FEATURES, 2, 2)
    write_own_network(decoder, tmp_path / "matte_decoder")
    again = load_matte_decoder(tmp_path / "matte_decoder")

    assert again is not None
    with torch.no_grad():
        torch.testing.assert_close(again(*seen), decoder(*seen), atol=1e-2, rtol=1e-2)


def test_a_model_may_have_none_and_another_kind_is_refused(tmp_path):
    assert load_matte_decoder(tmp_path / "matte_decoder") is None
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "Painter"}))
    with pytest.raises(ModelError, match="kind 'Painter'"):
        load_matte_decoder(tmp_path)


def test_one_of_another_model_is_refused_with_its_file_named(tmp_path):
    model = build_tiny_zippo(tmp_path / "model")
    assert read_spec(model).has_matte_decoder
    assert verify_model(model) == []
    write_own_network(MatteDecoder(8, FEATURES), model / "matte_decoder")
    with pytest.raises(ModelError, match=r"matte_decoder.*latent_channels is 8, not 4"):
        read_spec(model)


def test_a_model_without_one_leaves_mattes_to_the_vae(tmp_path):
    spec = read_spec(build_tiny_zippo(tmp_path / "model", has_matte_decoder=False))
    assert not spec.has_matte_decoder
    latents, picture = draw_noise(0, (1, 4, 4, 4)), np.tanh(draw_noise(1, (1, 3, 64, 64)))
    session = TorchSession(spec, torch.device("cpu"))
    assert session.decode_mattes(latents, picture, session.image_features(picture)) is None


def test_its_weights_are_part_of_the_model_s_digest(tmp_path):
    model = build_tiny_zippo(tmp_path / "model")
    other = build_tiny_zippo(tmp_path / "other", has_matte_decoder=False)
    assert read_spec(model).digest != read_spec(other).digest

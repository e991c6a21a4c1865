"""EfficientNet-Lite0's trunk: one grid for its levels, published weights folded, other kinds refused."""

import json

import pytest
import torch

from tests.tiny_models import published_efficientnet, tiny_image_encoder
from zippo_desktop.engine.image_encoder import (
    TAPPED_CHANNELS,
    ImageEncoder,
    folded_weights,
    load_image_encoder,
)
from zippo_desktop.errors import ModelError
from zippo_desktop.training.model_folder import write_own_network


def test_all_levels_lie_on_one_grid():
    encoder = tiny_image_encoder()
    with torch.no_grad():
        assert encoder(torch.randn(2, 3, 64, 96)).shape == (2, 6, 4, 6)
        assert encoder.tapped(torch.randn(1, 3, 32, 32)).shape == (1, TAPPED_CHANNELS, 2, 2)


def test_published_weights_fit_and_their_norms_are_folded_in():
    weights = folded_weights(published_efficientnet())
    missing = ImageEncoder(6).load_state_dict(weights, strict=False).missing_keys
    assert set(missing) == {"projection.weight", "projection.bias"}

    theirs, x = published_efficientnet(), torch.randn(1, 3, 9, 9)
    expected = torch.nn.functional.batch_norm(
        torch.nn.functional.conv2d(x, theirs["_conv_stem.weight"]),
        theirs["_bn0.running_mean"],
        theirs["_bn0.running_var"],
        theirs["_bn0.weight"],
        theirs["_bn0.bias"],
        eps=1e-3,
    )
    got = torch.nn.functional.conv2d(x, weights["stem.weight"], weights["stem.bias"])
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_a_stride_pads_less_at_the_start_as_tensorflow_does():
    encoder = tiny_image_encoder()
    picture = torch.zeros(1, 3, 32, 32)
    picture[..., 0, 0] = 1.0  # under "SAME" the first window begins here: only its first weight sees it
    with torch.no_grad():
        seen = encoder.stem(picture) - encoder.stem(torch.zeros_like(picture))
    torch.testing.assert_close(seen[0, :, 0, 0], encoder.stem.weight[..., 0, 0].sum(dim=1))
    assert not seen[..., 1, 1].any()


def test_it_comes_back_from_its_folder(tmp_path):
    encoder, picture = tiny_image_encoder(), torch.randn(1, 3, 32, 32)
    write_own_network(encoder, tmp_path / "image_encoder")
    again = load_image_encoder(tmp_path / "image_encoder")

    assert again is not None
    with torch.no_grad():
        torch.testing.assert_close(again(picture), encoder(picture), atol=2e-2, rtol=2e-2)


def test_a_model_may_have_none_and_another_kind_is_refused(tmp_path):
    assert load_image_encoder(tmp_path / "image_encoder") is None
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "ViT"}))
    with pytest.raises(ModelError, match="kind 'ViT'"):
        load_image_encoder(tmp_path)

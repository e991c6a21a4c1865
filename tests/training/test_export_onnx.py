"""Exported graphs: no weights inside, right for any weights of the same shape, and never half exchanged."""

import json
import shutil

import numpy as np
import pytest

from tests.tiny_models import build_tiny_sd
from zippo_desktop.engine.model_store import read_spec, verify_model
from zippo_desktop.engine.onnx_graphs import WEIGHTS_OF
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.weights import find_weights, read_weights, write_weights
from zippo_desktop.errors import ModelError
from zippo_desktop.training import export_onnx
from zippo_desktop.training.export_onnx import check_parity, export_model


@pytest.fixture
def model(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "tiny")


def test_graphs_hold_no_weight_and_are_small(tiny_model):
    import onnx

    bindings = json.loads((tiny_model / "onnx" / "weights.json").read_text())
    for name, folder in WEIGHTS_OF.items():
        graph = onnx.load(tiny_model / "onnx" / f"{name}.onnx", load_external_data=False).graph
        weights = {tensor.name for tensor in graph.initializer if tensor.data_location == 1}
        assert weights == set(bindings[name])
        assert weights <= set(read_weights(find_weights(tiny_model / folder)))
        inline = sum(len(tensor.raw_data) for tensor in graph.initializer)
        assert inline < 4096
    assert sum(path.stat().st_size for path in (tiny_model / "onnx").iterdir()) < 1_000_000


def test_the_exporter_merged_no_equal_weights(tiny_model):
    bindings = json.loads((tiny_model / "onnx" / "weights.json").read_text())
    assert set(bindings["unet"]) == set(read_weights(find_weights(tiny_model / "unet")))
    vae = set(read_weights(find_weights(tiny_model / "vae")))
    assert set(bindings["vae_encoder"]) | set(bindings["vae_decoder"]) == vae


def test_the_digests_know_the_graphs(tiny_model):
    assert verify_model(tiny_model) == []
    assert "onnx/unet.onnx" in json.loads((tiny_model / "zippo.json").read_text())["digests"]


def test_graphs_serve_weights_that_were_trained_after_the_export(model):
    path = find_weights(model / "unet")
    rng = np.random.default_rng(5)
    weights = {name: tensor + rng.normal(0, 0.1, tensor.shape) for name, tensor in read_weights(path).items()}
    write_weights(path, weights, "float16")
    check_parity(read_spec(model), model / "onnx")


def test_a_graph_that_answers_otherwise_is_refused_and_the_old_ones_stay(model, monkeypatch):
    from diffusers import UNet2DConditionModel

    before = {path.name: path.read_bytes() for path in (model / "onnx").iterdir()}
    config = UNet2DConditionModel.load_config(model / "unet") | {"norm_num_groups": 4}
    other = UNet2DConditionModel.from_config(config)  # the same weights fit, but mean something else
    monkeypatch.setattr(export_onnx, "load_unet", lambda folder: other)
    with pytest.raises(ModelError, match="unet differs from PyTorch"):
        export_model(model)
    assert {path.name: path.read_bytes() for path in (model / "onnx").iterdir()} == before
    assert not list(model.glob(".export-*"))


def test_a_weight_in_another_form_is_refused(model, monkeypatch):
    monkeypatch.setattr(export_onnx.np, "array_equal", lambda *arrays: False)
    with pytest.raises(ModelError, match="in another form"):
        export_model(model)


def test_a_tiny_autoencoder_is_exported(model):
    from diffusers import AutoencoderTiny

    channels, blocks = (16, 16, 16), (1, 1, 1)
    vae = AutoencoderTiny(
        in_channels=12,
        out_channels=12,
        latent_channels=4,
        encoder_block_out_channels=channels,
        decoder_block_out_channels=channels,
        num_encoder_blocks=blocks,
        num_decoder_blocks=blocks,
        scaling_factor=0.5,
    )
    shutil.rmtree(model / "vae")
    vae.save_pretrained(model / "vae")
    export_model(model)  # compares with PyTorch itself
    assert open_session(model, "onnx").encode_images(np.zeros((1, 3, 32, 16), np.float32)).shape == (
        1,
        4,
        4,
        2,
    )


def test_a_stable_diffusion_sized_layout_is_exported(tmp_path):
    from zippo_desktop.training.initialise import initialise

    initialise(build_tiny_sd(tmp_path / "sd"), tmp_path / "zippo")
    export_model(tmp_path / "zippo")
    session = open_session(tmp_path / "zippo", "onnx")
    assert session.spec.downsampling == 8
    assert session.encode_prompts(["a red apple"]).shape == (1, 77, 32)

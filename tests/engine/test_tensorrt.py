"""TensorRT's options: the cache is keyed by all that an engine depends on, the profile covers all graphs."""

import shutil
from dataclasses import replace

import pytest

from tests.tiny_models import TEXT_TOKENS, TEXT_WIDTH, tiny_clip
from zippo_desktop.engine.model_store import read_spec
from zippo_desktop.engine.onnx_graphs import WEIGHTS_OF, graph_path
from zippo_desktop.engine.providers import NvidiaGpu
from zippo_desktop.engine.tensorrt import build_notice, engine_dir_of, input_ranges, tensorrt_options
from zippo_desktop.paths import cache_dir

GPU = NvidiaGpu("NVIDIA GeForce RTX 4090", "580.65.06")


@pytest.fixture
def spec(tiny_model):
    return read_spec(tiny_model)


def test_options_ask_for_fp16_and_a_cache(spec, tmp_path):
    options = tensorrt_options(spec, "unet", tmp_path)
    assert options["trt_fp16_enable"] == options["trt_engine_cache_enable"] == "1"
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(tmp_path)
    assert all(isinstance(value, str) for value in options.values())


def test_the_unet_s_profile_spans_from_the_smallest_picture_to_twice_the_trained_size(spec, tmp_path):
    options = tensorrt_options(spec, "unet", tmp_path)
    text = f"{TEXT_TOKENS}x{TEXT_WIDTH}"
    # 16, 32 and 64 px at 8-fold down-sampling
    assert (
        options["trt_profile_min_shapes"] == f"sample:1x14x2x2,encoder_hidden_states:1x{text},class_labels:1"
    )
    assert (
        options["trt_profile_opt_shapes"] == f"sample:2x14x4x4,encoder_hidden_states:2x{text},class_labels:2"
    )
    assert (
        options["trt_profile_max_shapes"] == f"sample:8x14x8x8,encoder_hidden_states:8x{text},class_labels:8"
    )


def test_the_encoder_s_profile_is_in_folded_pixels(spec):
    assert input_ranges(spec, "vae_encoder")["sample"].usual == (2, 12, 16, 16)
    assert input_ranges(spec, "vae_decoder")["latent_sample"].usual == (2, 4, 4, 4)


def test_the_image_encoder_s_profile_is_in_the_pixels_that_it_sees(spec):
    assert input_ranges(spec, "image_encoder")["sample"].usual == (2, 3, 64, 64)
    assert input_ranges(spec, "unet")["sample"].usual == (2, 14, 4, 4)


@pytest.mark.parametrize("graph", WEIGHTS_OF)
def test_the_profile_names_every_dynamic_input_of_the_exported_graph(spec, graph):
    import onnx

    inputs = onnx.load(graph_path(spec.model_dir / "onnx", graph), load_external_data=False).graph.input
    ranks = {entry.name: len(entry.type.tensor_type.shape.dim) for entry in inputs}
    ranges = input_ranges(spec, graph)
    assert set(ranges) == {name for name, rank in ranks.items() if rank > 0}
    for name, found in ranges.items():
        assert {len(found.smallest), len(found.usual), len(found.largest)} == {ranks[name]}


def test_clip_s_profile_has_no_mask(spec, tmp_path):
    folder = shutil.copytree(spec.model_dir, tmp_path / "model")
    tiny_clip(vocabulary=20).config.save_pretrained(folder / "text_encoder")
    assert set(input_ranges(replace(spec, model_dir=folder), "text_encoder")) == {"input_ids"}


def test_the_cache_folder_changes_with_everything_that_an_engine_depends_on(spec):
    folders = {
        engine_dir_of(spec, "1.31", "10.13", GPU),
        engine_dir_of(replace(spec, digest="0" * 64), "1.31", "10.13", GPU),
        engine_dir_of(spec, "1.32", "10.13", GPU),
        engine_dir_of(spec, "1.31", "10.14", GPU),
        engine_dir_of(spec, "1.31", "10.13", replace(GPU, driver="590.1")),
        engine_dir_of(spec, "1.31", "10.13", replace(GPU, name="NVIDIA T4")),
    }
    assert len(folders) == 6
    assert all(folder.parent == cache_dir() / "tensorrt" for folder in folders)
    assert engine_dir_of(spec, "1.31", "10.13", GPU) in folders


def test_a_build_is_announced_until_its_engines_are_there(tmp_path):
    assert "minutes, once" in (build_notice(tmp_path / "missing") or "")
    (tmp_path / "unet_sm89.engine").touch()
    assert build_notice(tmp_path) is None

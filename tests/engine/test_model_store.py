"""Models are found by name and folder, read strictly, and verified byte for byte."""

import json
import shutil

import pytest

from tests.tiny_models import build_tiny_sd, write_json
from zippo_desktop.engine import model_store
from zippo_desktop.engine.model_store import find_model, list_models, read_spec, record_digests, verify_model
from zippo_desktop.errors import ModelError
from zippo_desktop.paths import models_dir


@pytest.fixture
def model(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "tiny")


def change(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_the_spec_holds_what_the_folder_says(model):
    spec = read_spec(model)
    assert (spec.name, spec.version, spec.licence) == ("tiny", "0.1", "CC0-1.0")
    assert (spec.size_px, spec.multiple_px, spec.text_tokens) == (32, 16, 12)
    assert (spec.latent_channels, spec.downsampling) == (4, 8)
    assert spec.tasks == ("matting", "painting", "generation")
    assert spec.schedule.has_zero_terminal_snr
    assert len(spec.digest) == 64


def test_the_gain_of_pictures_is_the_folders_and_1_where_it_says_none(model):
    assert read_spec(model).rgb_gain == 1
    change(model / "zippo.json", rgb_gain=2.5)
    assert read_spec(model).rgb_gain == 2.5


def test_the_digest_follows_the_weights_whether_recorded_or_not(model):
    recorded = read_spec(model).digest
    change(model / "zippo.json", digests={})
    assert read_spec(model).digest == recorded
    (model / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"other")
    assert read_spec(model).digest != recorded


def test_photos_are_seen_at_the_size_of_pictures_unless_another_is_told(model):
    assert read_spec(model).matting_px == 32
    change(model / "zippo.json", matting_px=64)
    assert (read_spec(model).size_px, read_spec(model).matting_px, read_spec(model).closer_px) == (32, 64, 64)
    change(model / "zippo.json", closer_px=80)
    assert (read_spec(model).matting_px, read_spec(model).closer_px) == (64, 80)


def test_models_are_listed_and_found_by_name(model, tmp_path, monkeypatch):
    monkeypatch.setattr(model_store, "resource_dir", lambda: tmp_path / "resources")
    bundled = shutil.copytree(model, tmp_path / "resources" / "models" / "bundled")
    own = shutil.copytree(model, models_dir() / "own")
    shutil.copytree(model, models_dir() / "bundled")  # a bundled name is not taken over
    (models_dir() / "no-model").mkdir()
    assert list_models() == [bundled, own]
    assert find_model("bundled") == bundled
    assert find_model("own") == own


def test_a_folder_is_found_as_text_or_path(model):
    assert find_model(model) == find_model(str(model)) == model.resolve()


def test_an_unknown_name_is_a_model_error_that_lists_the_known(model, monkeypatch, tmp_path):
    monkeypatch.setattr(model_store, "resource_dir", lambda: tmp_path / "resources")
    shutil.copytree(model, models_dir() / "own")
    with pytest.raises(ModelError, match="no model 'zippo-maxi'") as caught:
        find_model("zippo-maxi")
    assert "own" in caught.value.hint


def test_a_stable_diffusion_folder_is_sent_to_init(tmp_path):
    with pytest.raises(ModelError, match="not a Zippo one") as caught:
        find_model(build_tiny_sd(tmp_path / "sd"))
    assert "init --from" in caught.value.hint


def test_a_folder_without_a_model_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="not a model folder"):
        find_model(tmp_path)


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        ("zippo.json", lambda path: path.write_text("{"), "not readable as JSON"),
        ("zippo.json", lambda path: path.write_text("[]"), "not a JSON object"),
        ("zippo.json", lambda path: change(path, size_px="128"), "no valid 'size_px'"),
        ("zippo.json", lambda path: change(path, matting_px="256"), "no valid 'matting_px'"),
        ("zippo.json", lambda path: change(path, format_version=99), "newer version"),
        ("unet/config.json", lambda path: path.unlink(), r"config\.json is missing"),
        ("unet/config.json", lambda path: change(path, in_channels=4), "in_channels is 4, not 14"),
        ("vae/config.json", lambda path: change(path, block_out_channels=None), "block_out_channels"),
        ("scheduler/scheduler_config.json", lambda path: path.unlink(), "is missing"),
    ],
)
def test_a_damaged_description_is_one_sentence(model, file, damage, words):
    damage(model / file)
    with pytest.raises(ModelError, match=words):
        read_spec(model)


def test_a_whole_model_has_no_problems(model):
    assert verify_model(model) == []


def test_changed_missing_and_added_files_are_each_a_problem(model):
    (model / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"other")
    (model / "onnx" / "vae_encoder.onnx").unlink()
    (model / "unet" / "more.safetensors").write_bytes(b"added")
    problems = "\n".join(verify_model(model))
    assert "unet/diffusion_pytorch_model.safetensors is not the file" in problems
    assert "onnx/vae_encoder.onnx is missing" in problems
    assert "unet/more.safetensors is not recorded" in problems
    assert len(verify_model(model)) == 3


def test_a_description_that_cannot_be_read_is_a_problem(model):
    change(model / "unet" / "config.json", in_channels=4)
    (problem,) = verify_model(model)
    assert problem.endswith("is not a Zippo network: in_channels is 4, not 14.")


def test_without_digests_nothing_is_verified(model):
    change(model / "zippo.json", digests={})
    assert verify_model(model) == ["zippo.json records no digests, so that nothing can be verified."]


def test_recording_digests_keeps_the_rest_of_the_manifest(model):
    change(model / "zippo.json", quality={"mad": 0.1}, digests={"gone": "0"})
    record_digests(model)
    manifest = json.loads((model / "zippo.json").read_text())
    assert manifest["quality"] == {"mad": 0.1}
    assert "unet/diffusion_pytorch_model.safetensors" in manifest["digests"]
    assert "gone" not in manifest["digests"]
    assert verify_model(model) == []


def test_an_autoencoder_tiny_has_its_levels_counted(model):
    config = {"_class_name": "AutoencoderTiny", "in_channels": 12, "latent_channels": 4}
    write_json(model / "vae" / "config.json", config | {"encoder_block_out_channels": [8, 8, 8]})
    assert read_spec(model).downsampling == 8

"""The model that travels with the program: whole, small enough, alike on both engines, and of some use."""

from pathlib import Path

import numpy as np
import pytest

from zippo_desktop.engine.model_store import find_model, read_json, verify_model
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import Session
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import decode, is_image_name
from zippo_desktop.paths import resource_dir
from zippo_desktop.pipelines import generation, matting
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest
from zippo_desktop.training.evaluate import predict

LARGEST_BYTES = 60_000_000
SAMPLES = sorted(filter(is_image_name, (resource_dir() / "samples").iterdir()))


@pytest.fixture(scope="module")
def onnx() -> Session:
    return open_session("zippo-mini", "onnx", "cpu")


@pytest.fixture(scope="module")
def torch() -> Session:
    return open_session("zippo-mini", "torch", "cpu")


def test_every_file_is_the_recorded_one():
    assert verify_model(find_model("zippo-mini")) == []


def test_all_model_files_together_stay_small():
    files = (path for path in (resource_dir() / "models").rglob("*") if path.is_file())
    assert sum(path.stat().st_size for path in files) < LARGEST_BYTES


def test_its_manifest_says_what_was_measured():
    quality = read_json(find_model("zippo-mini") / "zippo.json")["quality"]
    methods = quality["matting"]["methods"]
    assert quality["matting"]["images"] >= 200
    assert methods["model"]["mad"] <= 0.5 * methods["ellipse"]["mad"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_photo_is_neither_kept_whole_nor_lost(onnx: Session, path: Path):
    photo = decode(path)
    matte = predict(onnx, photo, MattingRequest())
    assert matte.shape == photo.pixels.shape[:2]
    assert 0.01 < matte.mean() < 0.95
    assert matte.max() > 0.5


def test_both_engines_cut_a_photo_alike(onnx: Session, torch: Session):
    picture = to_srgb(decode(resource_dir() / "samples" / "flower.jpg"))
    first, second = (matting.infer(session, picture, MattingRequest(steps=2)) for session in (onnx, torch))
    np.testing.assert_allclose(first, second, atol=0.5 / 255)


def test_the_same_seed_is_the_same_picture_on_both_engines(onnx: Session, torch: Session):
    request = GenerationRequest("a red apple", steps=4, seed=7, tries=1)
    first, second = (generation.infer(session, request) for session in (onnx, torch))
    np.testing.assert_allclose(first, second, atol=0.5 / 255)


def test_the_prompt_and_the_seed_decide_what_is_generated(onnx: Session):
    base, other_prompt, other_seed = (
        generation.infer(onnx, GenerationRequest(prompt, steps=4, seed=seed, tries=1))
        for prompt, seed in (("a red apple", 7), ("a wooden chair", 7), ("a red apple", 8))
    )
    assert np.abs(base - other_prompt).mean() > 0.005
    assert np.abs(base - other_seed).mean() > 0.005

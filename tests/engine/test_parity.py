"""ONNX Runtime and PyTorch give the same answers: each graph, and whole pictures after eight steps.

Stated tolerances: 1e-4 of the largest value for one evaluation of a graph; half a step of an 8-bit
picture for a whole generation with the same seed.
"""

from contextlib import closing

import numpy as np
import pytest

from zippo_desktop.diffusion.latents import Branch, draw_noise, join, split
from zippo_desktop.diffusion.sampler import guide, sample_ddim
from zippo_desktop.engine.open_session import open_session

ONE_EVALUATION = 1e-4
HALF_AN_8_BIT_STEP = 0.5 / 255


@pytest.fixture(scope="module")
def both(tiny_model):
    with (
        closing(open_session(tiny_model, "onnx")) as ours,
        closing(open_session(tiny_model, "torch")) as theirs,
    ):
        yield ours, theirs


def assert_close(both, ask):
    answer, expected = (ask(session) for session in both)
    assert answer.shape == expected.shape
    assert np.abs(answer - expected).max() <= ONE_EVALUATION * np.abs(expected).max()


SHAPES = pytest.mark.parametrize(("count", "height", "width"), [(1, 32, 32), (1, 16, 64), (5, 48, 32)])


@SHAPES
def test_vae_encoder(both, count, height, width):
    pictures = np.tanh(draw_noise(0, (count, 3, height, width)))
    assert_close(both, lambda session: session.encode_images(pictures))


@SHAPES
def test_vae_decoder(both, count, height, width):
    latents = draw_noise(1, (count, 4, height // 8, width // 8))
    assert_close(both, lambda session: session.decode_latents(latents))


@pytest.mark.parametrize("prompts", [[""], ["a red apple", "", "wooden chairs " * 20]])
def test_text_encoder(both, prompts):
    assert_close(both, lambda session: session.encode_prompts(prompts))


@SHAPES
def test_image_encoder(both, count, height, width):
    pictures = np.tanh(draw_noise(3, (count, 3, 2 * height, 2 * width)))
    assert_close(both, lambda session: session.image_features(pictures))


@SHAPES
def test_matte_decoder(both, count, height, width):
    latents = draw_noise(5, (count, 4, height // 8, width // 8))
    pictures = np.tanh(draw_noise(6, (count, 3, 2 * height, 2 * width)))
    features = draw_noise(7, (count, 6, height // 8, width // 8))
    assert_close(both, lambda session: session.decode_mattes(latents, pictures, features))


@SHAPES
@pytest.mark.parametrize("timestep", [999, 400, 0])
def test_unet(both, count, height, width, timestep):
    joint = draw_noise(2, (count, 8, height // 8, width // 8))
    text = both[0].encode_prompts(["a red apple"] * count)
    branches = [Branch(i % 4) for i in range(count)]
    features = draw_noise(4, (count, 6, height // 8, width // 8))
    assert_close(both, lambda session: session.denoise(joint, timestep, branches, text, features))


def generate(session):
    """Guided joint generation in eight steps: a picture and its matte [2,3,32,32], clipped to -1..1."""
    text = np.repeat(session.encode_prompts(["a red apple", ""]), 2, axis=0)
    branches = [Branch.JOINT_RGB, Branch.JOINT_MATTE] * 2

    def denoise(joint, t):
        answers = session.denoise(np.repeat(joint, 4, axis=0), t, branches, text)
        guided = guide(answers[:2], answers[2:], 3.0, rescale=0.7)
        return join(guided[:1], guided[1:])

    joint = sample_ddim(denoise, draw_noise(7, (1, 8, 4, 4)), session.spec.schedule, steps=8)
    return np.clip(session.decode_latents(np.concatenate(split(joint))), -1, 1)


def test_a_whole_generation(both):
    ours, theirs = (generate(session) for session in both)
    assert theirs.std() > 0.01  # a picture, not a constant
    assert np.abs(ours - theirs).max() / 2 <= HALF_AN_8_BIT_STEP


def test_pixel_folding_is_that_of_pytorch():
    import torch

    from zippo_desktop.engine.onnx_session import pixel_shuffle, pixel_unshuffle

    pictures = draw_noise(0, (2, 3, 8, 12))
    expected = torch.nn.functional.pixel_unshuffle(torch.from_numpy(pictures), 2).numpy()
    np.testing.assert_array_equal(pixel_unshuffle(pictures, 2), expected)
    np.testing.assert_array_equal(pixel_shuffle(expected, 2), pictures)

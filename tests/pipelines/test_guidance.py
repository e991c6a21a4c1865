"""Guidance over several branches at once equals guidance over each alone."""

import numpy as np

from zippo_desktop.diffusion.latents import Branch, draw_noise
from zippo_desktop.diffusion.sampler import guide
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.pipelines.guidance import GUIDANCE_RESCALE, guided_denoiser

BRANCHES = (Branch.JOINT_RGB, Branch.JOINT_MATTE)


def predictions(session, joint, prompt):
    return session.denoise(np.repeat(joint, 2, 0), 500, BRANCHES, session.encode_prompts([prompt] * 2))


def test_each_branch_is_guided_by_its_own_negative():
    session, joint = FakeSession(), draw_noise(0, (1, 8, 4, 4))
    guided = guided_denoiser(session, BRANCHES, "a pear", "a plum", 2.5)(joint, 500)
    expected = guide(
        predictions(session, joint, "a pear"), predictions(session, joint, "a plum"), 2.5, GUIDANCE_RESCALE
    )
    np.testing.assert_allclose(guided, expected, rtol=1e-6)


def test_guidance_one_is_the_prompt_alone():
    session, joint = FakeSession(), draw_noise(0, (1, 8, 4, 4))
    unguided = guided_denoiser(session, BRANCHES, "a pear", "a plum", 1.0)(joint, 500)
    np.testing.assert_array_equal(unguided, predictions(session, joint, "a pear"))


def test_guidance_zero_is_the_negative_alone():
    session, joint = FakeSession(), draw_noise(0, (1, 8, 4, 4))
    guided = guided_denoiser(session, [Branch.JOINT_RGB], "a pear", "a plum", 0.0)(joint, 500)
    negative = predictions(session, joint, "a plum")[:1]
    correlation = np.corrcoef(guided.ravel(), negative.ravel())[0, 1]
    assert correlation > 0.999  # the rescale changes its strength, not its content

"""What every session promises, whichever engine is behind it."""

from contextlib import closing
from functools import partial

import numpy as np
import pytest

from zippo_desktop.diffusion.latents import Branch, draw_noise
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.errors import EngineError


@pytest.fixture(params=["fake", "onnx", "torch"])
def session(request, tiny_model):
    opened = FakeSession() if request.param == "fake" else open_session(tiny_model, request.param)
    with closing(opened):
        yield opened


class TestSessionContract:
    def picture(self, session, count=1, height=1, width=1):
        """Smooth pictures, sides in multiples of the model's."""
        step = session.spec.multiple_px
        return np.tanh(draw_noise(0, (count, 3, height * step, width * step)))

    def joint(self, session, count=1, height=1, width=1):
        side = session.spec.multiple_px // session.spec.downsampling
        return draw_noise(1, (count, 2 * session.spec.latent_channels, height * side, width * side))

    def test_the_info_names_an_engine_and_a_provider(self, session):
        assert session.info.engine in ("fake", "onnx", "torch")
        assert session.info.provider == "cpu"
        assert session.info.fallbacks == ()

    @pytest.mark.parametrize(("count", "height", "width"), [(1, 2, 2), (3, 1, 2)])
    def test_pictures_become_latents_and_pictures_again(self, session, count, height, width):
        pictures = self.picture(session, count, height, width)
        latents = session.encode_images(pictures)
        spec = session.spec
        sides = (pictures.shape[2] // spec.downsampling, pictures.shape[3] // spec.downsampling)
        assert latents.shape == (count, spec.latent_channels, *sides)
        decoded = session.decode_latents(latents)
        assert decoded.shape == pictures.shape
        assert latents.dtype == decoded.dtype == np.float32
        assert np.isfinite(latents).all()
        assert np.isfinite(decoded).all()

    def test_prompts_become_states_of_one_length(self, session):
        prompts = ["", "a red apple", "wooden chair " * 99]
        states = session.encode_prompts(prompts)
        assert states.shape[:2] == (3, session.spec.text_tokens)
        assert states.dtype == np.float32
        assert not np.allclose(states[0], states[1])

    def test_a_prompt_s_states_do_not_depend_on_the_others(self, session):
        alone = session.encode_prompts(["a red apple"])
        beside = session.encode_prompts(["plant", "a red apple"])
        np.testing.assert_allclose(alone[0], beside[1], atol=1e-5)

    @pytest.mark.parametrize(("count", "height", "width"), [(1, 2, 2), (3, 1, 2)])
    def test_denoising_answers_for_one_half(self, session, count, height, width):
        joint = self.joint(session, count, height, width)
        branches = [Branch.RGB_TO_MATTE, Branch.JOINT_RGB, Branch.MATTE_TO_RGB][:count]
        text = session.encode_prompts(["a chair"] * count)
        answer = session.denoise(joint, 999, branches, text)
        assert answer.shape == (count, session.spec.latent_channels, *joint.shape[2:])
        assert answer.dtype == np.float32
        assert np.isfinite(answer).all()

    def test_branches_timesteps_and_texts_matter(self, session):
        joint = self.joint(session)
        apple, chair = session.encode_prompts(["a red apple"]), session.encode_prompts(["wooden chair"])
        answer = session.denoise(joint, 500, [Branch.MATTE_TO_RGB], apple)
        assert not np.allclose(answer, session.denoise(joint, 500, [Branch.RGB_TO_MATTE], apple))
        assert not np.allclose(answer, session.denoise(joint, 900, [Branch.MATTE_TO_RGB], apple))
        assert not np.allclose(answer, session.denoise(joint, 500, [Branch.MATTE_TO_RGB], chair))

    def test_features_belong_to_a_model_with_an_image_encoder(self, session):
        spec = session.spec
        pictures = np.repeat(np.repeat(self.picture(session), spec.detail, axis=2), spec.detail, axis=3)
        features = session.image_features(pictures)
        assert (features is None) == (spec.feature_channels == 0)
        if features is not None:
            side = spec.multiple_px // spec.downsampling
            assert features.shape == (1, spec.feature_channels, side, side)
            assert features.std() > 0
            joint, text = self.joint(session), session.encode_prompts([""])
            ask = partial(session.denoise, joint, 999, [Branch.RGB_TO_MATTE], text)
            assert not np.allclose(ask(features), ask(-features))
            np.testing.assert_array_equal(ask(None), ask(np.zeros_like(features)))

    def test_mattes_are_decoded_along_the_picture_by_a_model_with_a_matte_decoder(self, session):
        spec = session.spec
        pictures = np.repeat(np.repeat(self.picture(session), spec.detail, axis=2), spec.detail, axis=3)
        features = session.image_features(pictures)
        latents = session.encode_images(self.picture(session))
        mattes = session.decode_mattes(latents, pictures, features)
        assert (mattes is None) == (not spec.has_matte_decoder)
        if mattes is not None:
            assert mattes.shape == (1, *pictures.shape[2:])
            assert mattes.dtype == np.float32
            assert 0 <= mattes.min() < mattes.max() <= 1
            assert not np.allclose(mattes, session.decode_mattes(latents, -pictures, features))
            assert not np.allclose(mattes, session.decode_mattes(-latents, pictures, features))
            assert not np.allclose(mattes, session.decode_mattes(latents, pictures, -features))

    def test_a_row_s_answer_does_not_depend_on_its_batch(self, session):
        joint = self.joint(session, count=2)
        text = session.encode_prompts(["a chair", "a plant"])
        branches = [Branch.JOINT_MATTE, Branch.MATTE_TO_RGB]
        both = session.denoise(joint, 300, branches, text)
        alone = session.denoise(joint[1:], 300, branches[1:], text[1:])
        np.testing.assert_allclose(both[1:], alone, atol=1e-4)

    def test_the_same_question_has_the_same_answer_and_inputs_stay(self, session):
        pictures = self.picture(session)
        kept = pictures.copy()
        first = session.encode_images(pictures)
        held = first.copy()
        np.testing.assert_array_equal(session.encode_images(pictures), first)
        session.encode_images(-pictures)
        np.testing.assert_array_equal(first, held)  # an answer is nobody else's memory
        np.testing.assert_array_equal(pictures, kept)

    def test_inputs_need_not_be_contiguous(self, session):
        pictures = self.picture(session, height=2, width=2)
        mirrored = pictures[..., ::-1]
        expected = session.encode_images(np.ascontiguousarray(mirrored))
        np.testing.assert_allclose(session.encode_images(mirrored), expected, atol=1e-6)

    def test_a_closed_session_says_so(self, session):
        session.close()
        session.close()
        with pytest.raises(EngineError, match="closed"):
            session.encode_images(self.picture(session))

"""Experts are fed and read as their manifests say, on real ONNX graphs."""

from dataclasses import replace

import numpy as np
import pytest

from tests.bright_experts import expert_manifest, write_expert
from zippo_desktop.engine import open_session as opening
from zippo_desktop.engine.expert_manifest import ExpertInput, ExpertOutput, ExtraInput
from zippo_desktop.engine.expert_session import activated
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.find_spec import find_spec
from zippo_desktop.engine.open_session import open_expert, open_session
from zippo_desktop.errors import EngineError, ModelError, OutOfMemory

RNG = np.random.default_rng(0)


def opened(tmp_path, manifest=None, **options):
    return open_session(write_expert(tmp_path, manifest or expert_manifest(), **options))


def smooth(count=1, height=64, width=64):
    """Pictures [N,h,w,3] that scaling changes little: brightness rises from left to right."""
    row = np.linspace(0.1, 0.9, width, dtype=np.float32)
    pictures = np.broadcast_to(row[None, None, :, None], (count, height, width, 3)).copy()
    return pictures * np.linspace(0.5, 1, count, dtype=np.float32)[:, None, None, None]


def test_the_spec_holds_what_the_manifest_says(tmp_path):
    spec = opened(tmp_path).spec
    assert (spec.name, spec.licence, spec.tasks) == ("bright", "CC0-1.0", ("matting",))
    assert (spec.size_px, spec.multiple_px, spec.is_stretched) == (64, 64, True)
    assert len(spec.digest) == 64
    assert spec.digest.startswith(spec.version)


def test_the_info_names_engine_and_provider(tmp_path):
    info = opened(tmp_path).info
    assert (info.engine, info.provider, info.fallbacks) == ("onnx", "cpu", ())


@pytest.mark.parametrize("batch", ["n", 1])
@pytest.mark.parametrize("activation", ["none", "sigmoid", "minmax"])
@pytest.mark.parametrize("size", [(64, 64), (48, 64), (200, 90)])
def test_mattes_have_the_pictures_size_and_order(tmp_path, batch, activation, size):
    session = opened(tmp_path, expert_manifest(output=ExpertOutput("matte", activation)), batch=batch)
    pictures = smooth(3, *size)
    mattes = session.mattes(pictures)
    assert mattes.shape == (3, *size)
    assert mattes.dtype == np.float32
    for matte, picture in zip(mattes, pictures, strict=True):
        expected = activated((picture[..., 0] - 0.5) * 20, "sigmoid")
        if activation == "none":
            expected = picture[..., 0]
        elif activation == "minmax":
            expected = np.broadcast_to(np.linspace(0, 1, size[1]), size)
        assert np.abs(matte - expected).max() < 0.06


@pytest.mark.parametrize(
    "wanted",
    [
        ExpertInput("picture", 64, scale=255.0, mean=(128.0,) * 3, std=(256.0,) * 3),
        ExpertInput(0, 64, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        ExpertInput("picture", 64, 16, "fit", mean=(0.5,) * 3, std=(0.5,) * 3),
        ExpertInput("picture", 64, resize="fit"),
    ],
)
def test_every_normalisation_and_resize_rule_arrives(tmp_path, wanted):
    session = opened(tmp_path, expert_manifest(input=wanted))
    pictures = smooth(2, 40, 100)
    np.testing.assert_allclose(session.mattes(pictures), pictures[..., 0], atol=0.02)


def seen_by(session, picture):
    """What the graph is given for a picture: [3,h,w]."""
    seen = {}
    run = session._graph.run
    session._graph = type(
        "Graph", (), {"run": lambda self, names, feeds: seen.update(feeds) or run(names, feeds)}
    )()
    session.mattes(picture[None])
    return seen


@pytest.mark.parametrize(("channels", "order"), [("rgb", [0, 1, 2]), ("bgr", [2, 1, 0])])
def test_mean_and_std_are_of_the_channels_as_the_network_sees_them(tmp_path, channels, order):
    wanted = ExpertInput("picture", 64, channels=channels, scale=2, mean=(1, 2, 3), std=(1, 2, 4))
    picture = RNG.random((64, 64, 3), np.float32)
    seen = seen_by(opened(tmp_path, expert_manifest(input=wanted)), picture)["picture"][0]
    for channel in range(3):
        expected = (2 * picture[..., order[channel]] - wanted.mean[channel]) / wanted.std[channel]
        np.testing.assert_allclose(seen[channel], expected, atol=1e-6)


def test_a_fitted_picture_is_padded_by_its_own_edge(tmp_path):
    session = opened(tmp_path, expert_manifest(input=ExpertInput("picture", 64, 16, "fit")))
    seen = seen_by(session, smooth(1, 32, 100)[0])["picture"][0]
    assert seen.shape == (3, 32, 64)
    np.testing.assert_array_equal(seen[:, 20:], np.repeat(seen[:, 19:20], 12, axis=1))


def test_constant_inputs_are_given(tmp_path):
    extras = (ExtraInput("r1i", (1, 1, 1, 1)), ExtraInput("downsample_ratio", (1,), 0.25))
    session = opened(tmp_path, expert_manifest(extra_inputs=extras), batch=1)
    seen = seen_by(session, smooth()[0])
    np.testing.assert_array_equal(seen["r1i"], np.zeros((1, 1, 1, 1), np.float32))
    np.testing.assert_array_equal(seen["downsample_ratio"], np.float32([0.25]))
    assert session.mattes(smooth(2)).shape == (2, 64, 64)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"output": ExpertOutput("alpha")}, "has no output 'alpha'"),
        ({"output": ExpertOutput(7)}, "has no output '7'"),
        ({"input": ExpertInput("image", 64)}, "has no input 'image'"),
        ({"extra_inputs": (ExtraInput("r", (1,)),)}, "has no input 'r'"),
    ],
)
def test_a_manifest_of_another_graph_is_a_model_error(tmp_path, changes, told):
    folder = write_expert(tmp_path, expert_manifest())
    spec = find_spec(folder)
    with pytest.raises(ModelError, match=told):
        open_expert(replace(spec, manifest=replace(spec.manifest, **changes)))


def test_an_input_of_which_the_manifest_is_silent_is_a_model_error(tmp_path):
    folder = write_expert(tmp_path, expert_manifest(extra_inputs=(ExtraInput("r", (1,)),)))
    spec = find_spec(folder)
    with pytest.raises(ModelError, match="also wants 'r'"):
        open_expert(replace(spec, manifest=replace(spec.manifest, extra_inputs=())))


def test_an_answer_that_is_no_matte_is_a_model_error(tmp_path):
    session = opened(tmp_path)
    session._graph = type("Graph", (), {"run": lambda *_: [np.zeros((1, 3, 8, 8), np.float32)]})()
    with pytest.raises(ModelError, match=r"answers 1 pictures with \[1, 3, 8, 8\]"):
        session.mattes(smooth())


def test_an_answer_that_is_no_number_is_an_engine_error(tmp_path):
    session = opened(tmp_path)
    session._graph = type("Graph", (), {"run": lambda *_: [np.full((1, 1, 8, 8), np.nan, np.float32)]})()
    with pytest.raises(EngineError, match="not finite"):
        session.mattes(smooth())


def test_memory_that_runs_out_is_told_as_such(tmp_path):
    def run(*_):
        raise RuntimeError("Failed to allocate memory for requested buffer")

    session = opened(tmp_path)
    session._graph = type("Graph", (), {"run": run})()
    with pytest.raises(OutOfMemory, match=r"running net\.onnx on cpu"):
        session.mattes(smooth())


def test_activations_stay_in_range():
    answer = np.float32([[-1e9, -1, 0, 1, 1e9]])
    for activation in ("none", "sigmoid", "minmax"):
        matte = activated(answer, activation)
        assert matte.dtype == np.float32
        assert matte.min() >= 0
        assert matte.max() <= 1
    assert not activated(np.full((2, 2), 3, np.float32), "minmax").any()


def test_inputs_stay_and_answers_are_nobody_elses_memory(tmp_path):
    session, pictures = opened(tmp_path), smooth(2)
    kept = pictures.copy()
    first = session.mattes(pictures)
    held = first.copy()
    session.mattes(1 - pictures)
    np.testing.assert_array_equal(first, held)
    np.testing.assert_array_equal(pictures, kept)
    np.testing.assert_allclose(session.mattes(pictures[:, :, ::-1]), held[:, :, ::-1], atol=1e-6)


def test_a_closed_session_says_so_and_takes_its_refiner_along(tmp_path):
    spec, refiner = find_spec(write_expert(tmp_path, expert_manifest())), FakeSession()
    session = open_expert(spec, refiner=refiner)
    assert session.refiner is refiner
    session.close()
    session.close()
    assert refiner.is_closed
    with pytest.raises(EngineError, match="closed"):
        session.mattes(smooth())
    with pytest.raises(EngineError, match="closed"):
        _ = session.refiner


def test_the_refiner_is_opened_when_first_asked_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(opening, "open_zippo", lambda *given: asked.append(given) or FakeSession())
    session = opened(tmp_path)
    assert asked == []
    assert session.refiner is session.refiner
    assert [spec.name for spec, *_ in asked] == ["zippo-mini"]

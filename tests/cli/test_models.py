"""`models` and `doctor` on tiny model folders."""

import json
import shutil

import pytest

from tests.tiny_models import build_tiny_zippo
from zippo_desktop.engine import open_session as opening
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import EngineError
from zippo_desktop.paths import models_dir


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_zippo(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def installed(tiny):
    """A copy among the user's own models, to be damaged at will."""
    return shutil.copytree(tiny, models_dir() / "my-model")


def test_list_names_installed_models(zippo, installed):
    result = zippo("models", "list")
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("my-model "))
    assert "32 px" in line
    assert "matting" in line


def test_list_goes_on_after_a_broken_model(zippo, installed):
    shutil.copytree(installed, models_dir() / "a-broken-one")
    (models_dir() / "a-broken-one" / "zippo.json").write_text("{")
    result = zippo("models", "list")
    assert "a-broken-one: " in result.stderr
    assert "\nmy-model " in f"\n{result.stdout}"


def test_info_tells_the_facts_and_the_measurements(zippo, installed):
    manifest = json.loads((installed / "zippo.json").read_text())
    manifest["quality"] = {"mad": {"mean": 0.03125, "images": 200}}
    (installed / "zippo.json").write_text(json.dumps(manifest))
    result = zippo("models", "info", "my-model")
    assert result.exit_code == 0
    for told in (str(installed), "32 px", "quality mad mean:0.03125", manifest["licence"]):
        assert told.replace(" ", "") in result.stdout.replace(" ", "")


def test_info_of_no_model_is_exit_code_3(zippo):
    result = zippo("models", "info", "nothing")
    assert result.exit_code == 3
    assert "no model 'nothing'" in result.stderr


def test_verify_finds_damage(zippo, installed):
    assert zippo("models", "verify", "my-model").stdout == "my-model: whole.\n"
    weights = next(installed.glob("vae/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00\x01")
    result = zippo("models", "verify", installed)
    assert result.exit_code == 3
    assert weights.name in result.stderr


def test_doctor_tells_versions_paths_and_what_is_in_use(zippo, monkeypatch, own_home):
    asked = []

    def open_fake(*arguments, on_notice):
        asked.append(arguments)
        return FakeSession(fallbacks=("CUDA was not used: it is missing.",))

    monkeypatch.setattr(opening, "open_session", open_fake)
    result = zippo("doctor", "--model", "mine", "--provider", "auto")
    assert result.exit_code == 0
    assert asked == [("mine", "auto", "auto")]
    for told in ("Zippo Desktop ", "numpy:", str(own_home), "it is missing", "fake 1 on fake/cpu", "passed"):
        assert told in result.stdout


def test_doctor_ends_with_3_where_nothing_works(zippo, monkeypatch):
    def fail(*arguments, on_notice):
        raise EngineError("No engine works.", "Install one.")

    monkeypatch.setattr(opening, "open_session", fail)
    result = zippo("doctor")
    assert result.exit_code == 3
    assert "numpy:" in result.stdout
    assert result.stderr == "Error: No engine works.\nInstall one.\n"


def test_doctor_ends_with_3_where_answers_are_wrong(zippo, monkeypatch):
    session = FakeSession()
    monkeypatch.setattr(session, "decode_latents", lambda latents: latents[:, :3] * float("nan"))
    monkeypatch.setattr(opening, "open_session", lambda *arguments, on_notice: session)
    result = zippo("doctor")
    assert result.exit_code == 3
    assert "FAILED" in result.stdout


def test_doctor_without_onnxruntime_says_so(zippo, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    monkeypatch.setattr(opening, "open_session", lambda *arguments, on_notice: FakeSession())
    assert "not installed, or not whole" in zippo("doctor").stdout

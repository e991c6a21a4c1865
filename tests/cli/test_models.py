"""`models` and `doctor` on tiny model folders and tiny experts."""

import json
import shutil
import signal
from dataclasses import replace

import pytest

from tests.engine.expert_files import write_expert
from tests.engine.hub_server import COMMIT, HubServer, running
from tests.engine.test_expert_manifest import WHOLE
from tests.tiny_models import build_tiny_zippo
from zippo_desktop.cli.commands import get_models
from zippo_desktop.engine import expert_store
from zippo_desktop.engine import open_session as opening
from zippo_desktop.engine.downloads import digest_of
from zippo_desktop.engine.expert_manifest import manifest_text
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


@pytest.fixture(autouse=True)
def nothing_elsewhere(tmp_path, monkeypatch):
    """No other program's folders, and no mirror."""
    for name in ("U2NET_HOME", "XDG_DATA_HOME", "ZIPPO_DESKTOP_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "person"))


@pytest.fixture
def mirror(tmp_path):
    """A folder with the expert `net`, as `models get --to` makes them."""
    write_expert(tmp_path / "mirror" / "net" / "net.onnx")
    return tmp_path / "mirror"


@pytest.fixture
def known(mirror, tmp_path, monkeypatch):
    """`net` as the one expert that is known; its licence is against commercial use."""
    file = mirror / "net" / "net.onnx"
    manifest = replace(WHOLE, digest=digest_of(file), size_bytes=file.stat().st_size, extra_inputs=())
    monkeypatch.setattr(expert_store, "resource_dir", lambda: tmp_path / "resources")
    (tmp_path / "resources" / "experts").mkdir(parents=True)
    (tmp_path / "resources" / "experts" / "net.toml").write_text(manifest_text(manifest))
    return manifest


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


def test_list_shows_known_experts_after_the_installed(zippo, installed, known):
    result = zippo("models", "list")
    assert result.exit_code == 0
    here, _, rest = result.stdout.partition("Not installed")
    assert "my-model " in here
    (line,) = (line for line in rest.splitlines() if line.startswith("net "))
    for told in ("64 px", "people, animals", "MIT (not for commercial use)", "MAD 0.010, IoU 0.950 on b"):
        assert told in line
    assert "net " not in zippo("models", "list", "--installed").stdout


def test_list_as_json_tells_all(zippo, installed, known):
    rows = {row["name"]: row for row in json.loads(zippo("models", "list", "--json").stdout)}
    assert rows["my-model"]["kind"] == "zippo"
    assert rows["my-model"]["path"] == str(installed)
    net = rows["net"]
    assert (net["is_installed"], net["path"], net["is_non_commercial"]) == (False, None, True)
    assert net["quality"] == [{"set": "b", "mad": 0.01, "iou": 0.95, "command": "evaluate"}]


def test_get_asks_for_the_licence_then_installs(zippo, known, mirror):
    result = zippo("models", "get", "net", "--from", mirror)
    assert result.exit_code == 2
    assert "--accept-licence" in result.stderr
    result = zippo("models", "get", "net", "--from", mirror, "--accept-licence")
    assert result.exit_code == 0
    assert "Beware." in result.stderr
    assert zippo("models", "path", "net").stdout == f"{models_dir() / 'net' / 'net.onnx'}\n"
    assert zippo("models", "verify", "net").stdout == "net: whole.\n"
    assert "is there already" in zippo("models", "get", "net").stdout
    told = zippo("models", "info", "net").stdout
    for fact in ("licence:", "input size_px:", known.digest, "quality 1 mad:"):
        assert fact in told


def test_the_licence_is_asked_for_where_somebody_sits(zippo, known, mirror, monkeypatch):
    answers = [False, True]
    monkeypatch.setattr(get_models, "_is_accepted_now", lambda manifest: answers.pop(0))
    assert zippo("models", "get", "net", "--from", mirror).exit_code == 2
    assert zippo("models", "get", "net", "--from", mirror).exit_code == 0


def test_the_mirror_may_stand_in_the_environment(zippo, known, mirror, monkeypatch):
    monkeypatch.setenv("ZIPPO_DESKTOP_MIRROR", str(mirror))
    assert zippo("models", "get", "net", "--accept-licence").exit_code == 0


def test_what_is_got_for_another_computer_is_imported_there(zippo, known, mirror, tmp_path):
    stick = tmp_path / "stick"
    result = zippo("models", "get", "--all", "--to", stick, "--from", mirror, "--accept-licence")
    assert result.exit_code == 0
    assert not (models_dir() / "net").exists()
    assert sorted(path.name for path in stick.iterdir()) == ["net"]
    result = zippo("models", "import", stick / "net", "--accept-licence")
    assert result.exit_code == 0
    assert zippo("models", "verify", "net").exit_code == 0


def test_get_all_goes_on_after_one_that_fails(zippo, known, mirror, tmp_path):
    gone = replace(known, name="gone", is_non_commercial=False)
    (tmp_path / "resources" / "experts" / "gone.toml").write_text(manifest_text(gone))
    result = zippo("models", "get", "--all", "--from", mirror, "--accept-licence")
    assert result.exit_code == 3
    assert "There is no" in result.stderr
    assert (models_dir() / "net" / "net.onnx").is_file()


def test_a_manifest_of_ones_own_can_be_fetched(zippo, known, mirror, tmp_path):
    own = replace(known, digest="", size_bytes=0, is_non_commercial=False)
    (tmp_path / "own.toml").write_text(manifest_text(own))
    result = zippo("models", "get", tmp_path / "own.toml", "--from", mirror)
    assert result.exit_code == 2
    assert "--trust-first" in result.stderr
    assert zippo("models", "get", tmp_path / "own.toml", "--from", mirror, "--trust-first").exit_code == 0
    assert zippo("models", "verify", "net").exit_code == 0


def test_get_offline_is_one_sentence(zippo, known):
    result = zippo("models", "get", "net", "--from", "http://127.0.0.1:9", "--accept-licence")
    assert result.exit_code == 3
    assert "127.0.0.1 cannot be reached" in result.stderr
    assert "Traceback" not in result.stderr


def test_get_of_nothing_is_wrong_usage(zippo):
    assert zippo("models", "get").exit_code == 2
    assert zippo("models", "get", "no-such-model").exit_code == 2


@pytest.fixture
def hub(tiny, monkeypatch):
    """A hub whose owner/Tiny is a Zippo folder, with weights beside it that are not the model's."""
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with running(HubServer()) as server:
        server.hold(tiny)
        server.files |= {f"old/{number}.bin": b"x" for number in range(5)}
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def test_get_of_a_repository_takes_its_folder_in(zippo, hub):
    result = zippo("models", "get", "owner/Tiny@main")
    assert result.exit_code == 0
    assert result.stdout == f"tiny: whole, in {models_dir() / 'tiny'}.\n"
    assert f"MB, of commit {COMMIT[:12]}" in result.stderr
    assert "old/0.bin, old/1.bin, old/2.bin and 2 more" in result.stderr
    assert zippo("models", "verify", "tiny").stdout == "tiny: whole.\n"
    (line,) = (line for line in zippo("models", "list").stdout.splitlines() if line.startswith("tiny "))
    assert "32 px" in line
    hub.seen.clear()
    result = zippo("models", "get", "owner/Tiny")
    assert result.exit_code == 2
    assert "There is a model 'tiny'" in result.stderr
    assert hub.seen == []
    assert zippo("models", "get", "owner/Tiny", "--name", "second").exit_code == 0


def test_get_of_a_repository_for_another_computer(zippo, hub, tmp_path):
    assert zippo("models", "get", "owner/Tiny", "--to", tmp_path / "stick").exit_code == 0
    assert not models_dir().exists()
    assert zippo("models", "import", tmp_path / "stick" / "tiny").exit_code == 0
    assert zippo("models", "verify", "tiny").exit_code == 0


def test_get_of_a_repositorys_expert_asks_for_the_licence(zippo, hub, known, mirror):
    manifest = manifest_text(known)
    hub.files = {"net.onnx": (mirror / "net" / "net.onnx").read_bytes(), "model.toml": manifest.encode()}
    result = zippo("models", "get", "owner/Tiny")
    assert result.exit_code == 2
    assert "--accept-licence" in result.stderr
    result = zippo("models", "get", "owner/Tiny", "--accept-licence")
    assert result.exit_code == 0
    assert "Beware." in result.stderr
    assert zippo("models", "path", "tiny").stdout == f"{models_dir() / 'tiny' / 'net.onnx'}\n"


def test_ctrl_c_leaves_what_is_there_for_the_next_get(zippo, hub, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(get_models._Progress, "show", lambda *_: signal.raise_signal(signal.SIGINT))
        assert zippo("models", "get", "owner/Tiny").exit_code == 130
    assert [path.name for path in models_dir().iterdir()] == [".incoming"]
    assert zippo("models", "get", "owner/Tiny").exit_code == 0
    assert [path.name for path in models_dir().iterdir()] == ["tiny"]


def test_a_mirror_of_experts_is_no_hub(zippo, hub, known, mirror, monkeypatch):
    result = zippo("models", "get", "owner/Tiny", "--from", mirror)
    assert result.exit_code == 2
    assert "HF_ENDPOINT" in result.stderr
    monkeypatch.setenv("ZIPPO_DESKTOP_MIRROR", str(mirror))
    assert zippo("models", "get", "owner/Tiny", "net", "--accept-licence").exit_code == 0
    assert {path.name for path in models_dir().iterdir()} == {"net", "tiny"}


@pytest.mark.parametrize(
    "arguments", [("net",), ("owner/Tiny", "net"), ("owner/Tiny", "owner/Other"), ("--all",)]
)
def test_a_name_is_for_one_repository(zippo, hub, known, arguments):
    result = zippo("models", "get", *arguments, "--name", "mine")
    assert result.exit_code == 2
    assert hub.seen == []


def test_get_from_a_hub_goes_on_after_one_that_fails(zippo, hub):
    result = zippo("models", "get", "owner/Other", "owner/Tiny")
    assert result.exit_code == 3
    assert "has no repository owner/Other" in result.stderr
    assert (models_dir() / "tiny").is_dir()


def test_a_repository_that_makes_no_sense_is_wrong_usage(zippo, hub):
    result = zippo("models", "get", "owner/Tiny/more")
    assert result.exit_code == 2
    assert "OWNER/NAME@REVISION" in result.stderr
    assert hub.seen == []


def test_import_shows_the_manifest_that_it_made(zippo, mirror):
    result = zippo("models", "import", mirror / "net" / "net.onnx", "--name", "mine")
    assert result.exit_code == 0
    assert 'activation = "sigmoid"' in result.stdout
    assert "--model mine" in result.stdout
    assert "32 x 32 px" in result.stderr
    assert "mine " in zippo("models", "list", "--installed").stdout


def test_a_known_one_that_is_missing_is_told_how_to_get(zippo, known):
    result = zippo("models", "info", "net")
    assert result.exit_code == 3
    assert "models get net" in result.stderr


def test_verify_finds_a_damaged_expert(zippo, known, mirror):
    zippo("models", "get", "net", "--from", mirror, "--accept-licence")
    file = models_dir() / "net" / "net.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    result = zippo("models", "verify")
    assert result.exit_code == 3
    assert "it is damaged or another" in result.stderr


def test_remove_deletes_own_models_alone(zippo, installed, known, mirror, tmp_path, monkeypatch):
    zippo("models", "get", "net", "--from", mirror, "--accept-licence")
    assert zippo("models", "remove", "net", "my-model").exit_code == 0
    assert list(models_dir().iterdir()) == []
    result = zippo("models", "remove", "zippo-mini")
    assert result.exit_code == 2
    assert "not among your own models" in result.stderr
    monkeypatch.setenv("U2NET_HOME", str(mirror / "net"))
    assert zippo("models", "remove", "net").exit_code == 2
    assert (mirror / "net" / "net.onnx").is_file()

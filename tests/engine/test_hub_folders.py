"""Model folders from a hub: whole, verified and under their name, or one sentence and nothing."""

import json
import shutil
import threading
from dataclasses import replace

import pytest
from onnx import helper

from tests.engine.expert_files import external, one_node, save, write_expert
from tests.engine.hub_server import COMMIT, HubServer, running
from tests.engine.test_expert_manifest import WHOLE
from zippo_desktop.engine import downloads, hub_folders, model_folders
from zippo_desktop.engine.downloads import digest_of
from zippo_desktop.engine.expert_manifest import manifest_text
from zippo_desktop.engine.expert_store import find_expert, verify_expert
from zippo_desktop.engine.hub import Repository
from zippo_desktop.engine.hub_folders import fetch_plan, plan_fetch
from zippo_desktop.engine.model_import import import_model
from zippo_desktop.engine.model_store import find_model, record_digests, verify_model
from zippo_desktop.errors import Cancelled, ModelError, UsageError
from zippo_desktop.paths import models_dir

TINY = Repository("owner", "Tiny")
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
WAITING = ".incoming/owner--Tiny.hub"


@pytest.fixture
def server(tiny_model, monkeypatch):
    """A hub that holds the tiny Zippo folder, and what is found beside such."""
    monkeypatch.setattr(downloads, "STALL_S", 0.3)
    monkeypatch.setattr(downloads, "RETRY_WAIT_S", 0.01)
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with running(HubServer()) as server:
        server.hold(tiny_model)
        for name in (".gitattributes", "README.md", "picture.png", ".cache/x.json"):
            server.files[name] = b"beside"
        for name in ("unet/pytorch_model.bin", "unet/w.fp16.safetensors", "old/model.onnx", "onnx/old.json"):
            server.files[name] = b"not the model's"
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def expert(server, tmp_path):
    """The same hub with an expert's folder instead; its licence is against commercial use."""
    file = write_expert(tmp_path / "expert" / "net.onnx")
    manifest = replace(WHOLE, digest=digest_of(file), size_bytes=file.stat().st_size, extra_inputs=())
    (file.parent / "model.toml").write_text(manifest_text(manifest))
    server.files = {"other.onnx": b"other"}
    server.hold(file.parent)
    return manifest


def fetch(name="tiny", **options):
    return fetch_plan(plan_fetch(TINY), models_dir(), name, **options)


def nothing_came_of_it():
    return not models_dir().exists() or list(models_dir().iterdir()) == []


def test_a_zippo_folder_is_fetched_whole_and_nothing_else(server, tiny_model):
    seen = []
    fetched = fetch(on_progress=lambda done, total: seen.append((done, total)))
    assert fetched.folder == find_model("tiny")
    assert verify_model(fetched.folder) == []
    names = {path.relative_to(tiny_model).as_posix() for path in tiny_model.rglob("*") if path.is_file()}
    there = {path.relative_to(fetched.folder).as_posix() for path in fetched.folder.rglob("*.*")}
    assert there == names | {"README.md"}
    assert [path.name for path in models_dir().iterdir()] == ["tiny"]
    total = sum(path.stat().st_size for path in fetched.folder.rglob("*.*"))
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert all(f"/resolve/{COMMIT}/" in path for path, _ in server.seen[1:])


def test_weights_that_are_passed_over_are_named(server):
    expected = ("old/model.onnx", "unet/pytorch_model.bin", "unet/w.fp16.safetensors")
    assert plan_fetch(TINY).passed_over == expected


def test_the_other_host_is_told_no_token(server, monkeypatch):
    server.token = "hf_secret"
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch()
    assert all(headers["Authorization"] == "Bearer hf_secret" for _, headers in server.seen)
    assert len(server.storage.seen) == sum(
        name.endswith((".safetensors", ".onnx")) for name in server.fetched()
    )
    assert not any("Authorization" in headers for _, headers in server.storage.seen)
    assert not any("hf_secret" in path.read_text("latin-1") for path in models_dir().rglob("*.*"))


def test_an_expert_is_fetched_once_its_licence_is_accepted(expert, server):
    plan = plan_fetch(TINY)
    assert (plan.manifest, sorted(plan.files)) == (expert, ["model.toml", "net.onnx"])
    with pytest.raises(UsageError, match="not for commercial use"):
        fetch_plan(plan, models_dir(), "net")
    assert "net.onnx" not in server.fetched()
    assert nothing_came_of_it()
    fetch_plan(plan, models_dir(), "net", is_licence_accepted=True)
    assert verify_expert(find_expert("net")) == []
    assert (models_dir() / "net" / "licence-accepted.txt").is_file()


def test_an_expert_of_a_network_that_is_not_trusted_is_refused(expert, server, tmp_path):
    (tmp_path / "w").write_bytes(bytes(12))
    file = save(tmp_path / "net.onnx", one_node(helper.make_node("Add", ["x", "w"], ["y"]), external("w")))
    changed = replace(expert, digest=digest_of(file), size_bytes=0)
    server.files |= {"net.onnx": file.read_bytes(), "model.toml": manifest_text(changed).encode()}
    with pytest.raises(ModelError, match="is missing"):
        fetch("net", is_licence_accepted=True)
    assert nothing_came_of_it()


def test_a_cut_connection_is_gone_on_with_by_the_next_fetch(server, monkeypatch):
    monkeypatch.setattr(downloads, "MOST_RETRIES", 1)
    server.modes[WEIGHTS] = "cut"
    with pytest.raises(ModelError, match="ends too early") as caught:
        fetch()
    assert "goes on from there" in caught.value.hint
    part = models_dir() / WAITING / f"{WEIGHTS}.part"
    kept = part.stat().st_size
    assert kept == len(server.files[WEIGHTS]) // 2
    assert not (models_dir() / "tiny").exists()
    server.modes.clear()
    before = server.fetched()
    server.seen.clear()
    server.storage.seen.clear()
    fetch("other-name")
    assert verify_model(models_dir() / "other-name") == []
    (ranged,) = (headers for path, headers in server.storage.seen if path.startswith(f"/{WEIGHTS}"))
    assert (ranged["Range"], ranged["If-Range"]) == (f"bytes={kept}-", '"1"')
    again = set(before) & set(server.fetched())
    assert again == {"zippo.json", WEIGHTS}  # what was whole is not fetched twice
    assert [path.name for path in models_dir().iterdir()] == ["other-name"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(server):
    waiting = models_dir() / WAITING
    (waiting / "unet").mkdir(parents=True)
    (waiting / WEIGHTS).write_bytes(bytes(len(server.files[WEIGHTS])))
    (waiting / "of-an-older-commit.json").write_text("{}")
    fetch()
    assert verify_model(models_dir() / "tiny") == []
    assert not (models_dir() / "tiny" / "of-an-older-commit.json").exists()
    assert not waiting.parent.exists()


def test_cancelling_keeps_what_is_there(server):
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        fetch(cancel=cancel, on_progress=lambda done, _: cancel.set())
    assert [path.name for path in models_dir().iterdir()] == [".incoming"]
    fetch()
    assert verify_model(models_dir() / "tiny") == []


@pytest.mark.parametrize("name", [WEIGHTS, "unet/config.json"])
@pytest.mark.parametrize(("mode", "words"), [("wrong", "is another"), ("longer", r"has \d+ bytes, not \d+")])
def test_other_bytes_than_listed_are_refused(server, name, mode, words):
    server.modes[name] = mode
    with pytest.raises(ModelError, match=words) as caught:
        fetch()
    assert caught.value.message.endswith(".")
    assert not (models_dir() / "tiny").exists()


def test_weights_other_than_recorded_are_told_before_they_are_fetched(server):
    server.files[WEIGHTS] = b"other weights"
    with pytest.raises(ModelError, match=f"its {WEIGHTS} is not the file that was recorded"):
        plan_fetch(TINY)
    assert server.fetched() == ["zippo.json"]


def test_a_file_that_its_list_of_files_lies_about_is_found_by_zippos_own_digests(server, tmp_path):
    """The small ones have git's digest only, and the tokenizer is one of them."""
    server.files["tokenizer/tokenizer.json"] += b" "
    with pytest.raises(ModelError, match=r"owner/Tiny is not taken in: tokenizer/tokenizer\.json is not"):
        fetch()
    assert nothing_came_of_it()


def test_a_missing_file_is_told_before_any_is_fetched(server):
    del server.files[WEIGHTS]
    with pytest.raises(ModelError, match=f"is not whole: {WEIGHTS} is missing"):
        plan_fetch(TINY)


def test_a_file_that_is_listed_only_is_one_sentence(server):
    server.modes["unet/config.json"] = "gone"
    with pytest.raises(ModelError, match=r"listed a file of owner/Tiny that it does not have \(404\)"):
        fetch()


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_repository_says_what_to_do(server, status, monkeypatch):
    server.refusal = (status, "GatedRepo")
    with pytest.raises(ModelError, match=rf"owner/Tiny is gated \({status}\)\.") as caught:
        plan_fetch(TINY)
    assert f"Agree to its terms at {server.url}/owner/Tiny. Set HF_TOKEN" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    server.refusal = (status, "")
    with pytest.raises(ModelError, match="does not let owner/Tiny be read") as caught:
        plan_fetch(TINY)
    assert "The token in HF_TOKEN" in caught.value.hint
    assert nothing_came_of_it()


@pytest.mark.parametrize(
    "name", ["../evil.json", "a/../../evil.json", "/evil.json", "C:evil.json", "a\\..\\e.md"]
)
def test_an_entry_that_leaves_the_folder_is_refused(server, name):
    server.files[name] = b"{}"
    with pytest.raises(ModelError, match="would leave the model's folder"):
        plan_fetch(TINY)


def test_names_that_some_disks_take_for_one_are_refused(server):
    server.files["readme.md"] = b"another"
    with pytest.raises(ModelError, match="two files of one name"):
        plan_fetch(TINY)


@pytest.mark.parametrize("named", ["../../etc/passwd", "unet/model.bin", "weights.pkl"])
def test_a_zippo_json_cannot_bring_other_files_in(server, named):
    manifest = json.loads(server.files["zippo.json"])
    manifest["digests"][named] = "0" * 64
    server.files |= {"zippo.json": json.dumps(manifest).encode(), named: b"x"}
    if ".." in named:
        del server.files[named]
    with pytest.raises(ModelError, match=r"would leave|has no place"):
        plan_fetch(TINY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{}", "records no digests"),
        (b"[1]", "is not a JSON object"),
        (b'{"digests": 3}', "records no digests"),
    ],
)
def test_a_zippo_json_that_says_nothing_is_refused(server, text, words):
    server.files["zippo.json"] = text
    with pytest.raises(ModelError, match=words):
        plan_fetch(TINY)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("MOST_FILES", "is no model: it holds"),
        ("LARGEST_MODEL", r"its 0\.0 GB are not trusted"),
        ("_LARGEST_TEXT", r"its zippo\.json is too large"),
    ],
)
def test_absurd_repositories_are_refused_before_they_are_fetched(server, monkeypatch, limit, words):
    monkeypatch.setattr(hub_folders, limit, 5)
    with pytest.raises(ModelError, match=words):
        plan_fetch(TINY)
    assert set(server.fetched()) <= {"zippo.json"}


def test_a_disk_without_room_is_told_before_the_first_byte(server, monkeypatch):
    plan = plan_fetch(TINY)
    server.seen.clear()
    monkeypatch.setattr(model_folders.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(ModelError, match="no room on the disk for owner/Tiny"):
        fetch_plan(plan, models_dir(), "tiny")
    assert server.seen == []
    assert nothing_came_of_it()


def test_what_is_there_takes_no_room_again(server, monkeypatch):
    plan = plan_fetch(TINY)
    waiting = models_dir() / WAITING
    (waiting / "unet").mkdir(parents=True)
    (waiting / "README.md").write_bytes(server.files["README.md"])
    (waiting / f"{WEIGHTS}.part").write_bytes(server.files[WEIGHTS][:1000])
    asked = []
    monkeypatch.setattr(hub_folders, "check_room", lambda folder, needed, what: asked.append(needed))
    fetch_plan(plan, models_dir(), "tiny")
    assert asked == [plan.size_bytes - 1000 - len(server.files["README.md"])]


def test_what_holds_no_model_is_one_sentence(server):
    server.files = {"README.md": b"hello", "model.safetensors": b"x"}
    with pytest.raises(ModelError, match=r"neither zippo\.json nor model\.toml"):
        plan_fetch(TINY)
    server.files["model_index.json"] = b"{}"
    with pytest.raises(ModelError, match="a diffusion model, but not a Zippo one") as caught:
        plan_fetch(TINY)
    assert "init --from" in caught.value.hint
    assert server.fetched() == []


def test_a_name_that_is_taken_is_told_first(server):
    (models_dir() / "tiny").mkdir(parents=True)
    plan = plan_fetch(TINY)
    server.seen.clear()
    with pytest.raises(UsageError, match="There is a model 'tiny'"):
        fetch_plan(plan, models_dir(), "tiny")
    assert server.seen == []


def test_two_at_a_time_do_not_fetch_one_repository(server):
    from filelock import FileLock

    plan = plan_fetch(TINY)
    lock = (models_dir() / WAITING).with_suffix(".lock")
    lock.parent.mkdir(parents=True)
    with FileLock(lock), pytest.raises(ModelError, match="Another program is fetching owner/Tiny"):
        fetch_plan(plan, models_dir(), "tiny")


def test_a_folder_that_cannot_be_written_is_one_sentence(server):
    models_dir().write_text("a file")
    with pytest.raises(ModelError, match="cannot be written"):
        fetch()


def test_what_is_fetched_for_another_computer_is_imported_there(server, tmp_path):
    fetched = fetch_plan(plan_fetch(TINY), tmp_path / "stick", "tiny")
    assert [path.name for path in (tmp_path / "stick").iterdir()] == ["tiny"]
    import_model(fetched.folder, models_dir())
    assert verify_model(find_model("tiny")) == []


def test_a_model_without_graphs_is_fetched_too(server, tiny_model, tmp_path):
    copy = shutil.copytree(tiny_model, tmp_path / "copy", ignore=shutil.ignore_patterns("onnx"))
    record_digests(copy)
    server.files = {}
    server.hold(copy)
    assert verify_model(fetch().folder) == []

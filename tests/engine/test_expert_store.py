"""Experts: known, found in other programs' folders, fetched from mirrors, verified, never half there."""

import json
import os
import threading
from dataclasses import replace

import pytest

from tests.engine.expert_files import one_node, save, write_expert
from tests.engine.test_expert_manifest import WHOLE
from zippo_desktop.engine import expert_store, model_folders
from zippo_desktop.engine.downloads import digest_of
from zippo_desktop.engine.expert_manifest import MANIFEST_FILE, manifest_text, read_manifest
from zippo_desktop.engine.expert_store import (
    ACCEPTANCE_FILE,
    fetch_expert,
    find_expert,
    install_file,
    installed_experts,
    known_expert,
    known_experts,
    read_expert,
    verify_expert,
)
from zippo_desktop.engine.model_folders import remove_model_folder
from zippo_desktop.errors import Cancelled, ModelError, UsageError
from zippo_desktop.paths import models_dir


@pytest.fixture(autouse=True)
def nothing_elsewhere(tmp_path, monkeypatch):
    """No other program's folders but those of the test."""
    for name in ("U2NET_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "person"))


@pytest.fixture
def mirror(tmp_path):
    """A folder as `models get --to` makes them, with the expert `net`."""
    write_expert(tmp_path / "mirror" / "net" / "net.onnx")
    return tmp_path / "mirror"


@pytest.fixture
def manifest(mirror):
    file = mirror / "net" / "net.onnx"
    free = replace(WHOLE, is_non_commercial=False, extra_inputs=(), quality=())
    return replace(free, digest=digest_of(file), size_bytes=file.stat().st_size)


def test_a_mirror_folder_gives_a_whole_expert(manifest, mirror):
    expert = fetch_expert(manifest, models_dir(), mirror=str(mirror))
    assert expert == find_expert("net") == installed_experts()[0]
    assert expert.path == models_dir() / "net" / "net.onnx"
    assert verify_expert(expert) == []
    assert os.listdir(models_dir()) == ["net"]


def test_the_files_own_digest_is_recorded(manifest, mirror):
    file = mirror / "net" / "net.onnx"
    by_md5 = replace(manifest, digest=digest_of(file, "md5"), size_bytes=0)
    expert = fetch_expert(by_md5, models_dir(), mirror=str(mirror))
    assert expert.manifest.digest == digest_of(file)
    assert expert.manifest.size_bytes == file.stat().st_size


def test_without_a_digest_it_must_be_trusted(manifest, mirror):
    unknown = replace(manifest, digest="", size_bytes=0)
    with pytest.raises(UsageError, match="nothing can be verified") as caught:
        fetch_expert(unknown, models_dir(), mirror=str(mirror))
    assert "--trust-first" in caught.value.hint
    assert fetch_expert(unknown, models_dir(), mirror=str(mirror), is_trusted=True).manifest.digest


def test_a_licence_against_commerce_is_accepted_once(manifest, mirror):
    strict = replace(manifest, is_non_commercial=True, licence="Ask first")
    with pytest.raises(UsageError, match="not for commercial use: Ask first"):
        fetch_expert(strict, models_dir(), mirror=str(mirror))
    expert = fetch_expert(strict, models_dir(), mirror=str(mirror), is_licence_accepted=True)
    assert "Ask first" in (expert.folder / ACCEPTANCE_FILE).read_text()


def test_other_bytes_leave_nothing(manifest, mirror):
    write_expert(mirror / "net" / "net.onnx", side=16)
    with pytest.raises(ModelError, match="its digest is another"):
        fetch_expert(manifest, models_dir(), mirror=str(mirror))
    assert list(models_dir().iterdir()) == []


def test_what_is_not_trusted_leaves_nothing(manifest, mirror):
    from onnx import helper

    node = helper.make_node("Evil", ["x"], ["y"], domain="com.example")
    file = save(mirror / "net" / "net.onnx", one_node(node))
    with pytest.raises(ModelError, match="needs the operator 'Evil'"):
        fetch_expert(replace(manifest, digest=digest_of(file)), models_dir(), mirror=str(mirror))
    assert list(models_dir().iterdir()) == []


def test_a_mirror_without_the_file_is_one_sentence(manifest, tmp_path):
    with pytest.raises(ModelError, match=r"There is no .*net\.onnx"):
        fetch_expert(manifest, models_dir(), mirror=str(tmp_path / "empty"))


def test_a_taken_name_is_told_before_anything_is_fetched(manifest, mirror):
    fetch_expert(manifest, models_dir(), mirror=str(mirror))
    with pytest.raises(UsageError, match="a model 'net' in"):
        fetch_expert(manifest, models_dir(), mirror="/nowhere")
    with pytest.raises(UsageError, match="name of a bundled model"):
        fetch_expert(replace(manifest, name="zippo-mini"), models_dir(), mirror="/nowhere")


def test_cancelling_leaves_nothing(manifest, mirror):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        fetch_expert(manifest, models_dir(), mirror=str(mirror), cancel=cancel)
    assert list(models_dir().iterdir()) == []


def test_a_killed_installation_is_never_visible(manifest, mirror, monkeypatch):
    seen = []

    def look(draft):
        seen.append([draft.parent.name, installed_experts(), list(models_dir().glob("*/model.toml"))])
        raise KeyboardInterrupt

    monkeypatch.setattr(model_folders, "_reach_disk", look)
    with pytest.raises(KeyboardInterrupt):
        install_file(mirror / "net" / "net.onnx", manifest, models_dir())
    assert seen == [[model_folders.INCOMING, [], []]]
    assert list(models_dir().iterdir()) == []


def test_a_damaged_file_is_found(manifest, mirror):
    expert = fetch_expert(manifest, models_dir(), mirror=str(mirror))
    content = expert.path.read_bytes()
    expert.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "damaged or replaced" in verify_expert(read_expert(expert.folder))[0]
    expert.path.write_bytes(content[:-1])
    problems = []
    assert installed_experts(problems.append) == []
    assert "it is damaged or another" in problems[0]
    with pytest.raises(ModelError, match="is damaged or another"):
        find_expert("net")
    expert.path.unlink()
    with pytest.raises(ModelError, match="is missing"):
        read_expert(expert.folder)


def test_a_broken_manifest_does_not_hide_the_others(manifest, mirror):
    fetch_expert(manifest, models_dir(), mirror=str(mirror))
    (models_dir() / "broken").mkdir()
    (models_dir() / "broken" / MANIFEST_FILE).write_text("[")
    problems = []
    assert [expert.manifest.name for expert in installed_experts(problems.append)] == ["net"]
    assert len(problems) == 1


@pytest.mark.parametrize("place", [".u2net", ".rembg", ".rembg/models"])
@pytest.mark.parametrize("name", ["net.onnx", "other.onnx"])
def test_files_of_other_programs_are_used_in_place(manifest, mirror, tmp_path, monkeypatch, place, name):
    monkeypatch.setattr(expert_store, "known_experts", lambda: [manifest])
    kept = tmp_path / "person" / place / name
    kept.parent.mkdir(parents=True)
    kept.write_bytes((mirror / "net" / "net.onnx").read_bytes())
    (expert,) = installed_experts()
    assert (expert.path, expert.is_own) == (kept, False)
    assert find_expert("net") == expert
    assert verify_expert(expert) == []
    kept.write_bytes(b"another file of this name")
    assert installed_experts() == []


def test_u2net_home_is_looked_into(manifest, mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(expert_store, "known_experts", lambda: [replace(manifest, size_bytes=0)])
    monkeypatch.setenv("U2NET_HOME", str(mirror / "net"))
    assert [expert.path for expert in installed_experts()] == [mirror / "net" / "net.onnx"]


def test_an_own_expert_comes_before_another_programs(manifest, mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(expert_store, "known_experts", lambda: [manifest])
    monkeypatch.setenv("U2NET_HOME", str(mirror / "net"))
    fetch_expert(manifest, models_dir(), mirror=str(mirror))
    (expert,) = installed_experts()
    assert expert.is_own


def test_an_expert_is_found_by_its_folder(manifest, mirror):
    (mirror / "net" / MANIFEST_FILE).write_text(manifest_text(manifest))
    assert find_expert(str(mirror / "net")).manifest.name == "net"
    assert find_expert("nothing") is None


def test_removing_takes_the_folder_alone(manifest, mirror):
    expert = fetch_expert(manifest, models_dir(), mirror=str(mirror))
    remove_model_folder(expert.folder)
    assert list(models_dir().iterdir()) == []


def test_known_experts_are_found_by_name():
    assert known_expert("u2net").title == "U2-Net"
    assert len(known_experts()) >= 9
    with pytest.raises(UsageError, match="No model 'net' is known") as caught:
        known_expert("net")
    assert "rvm-mobilenetv3" in caught.value.hint


def test_a_part_of_a_download_is_kept_but_not_seen(manifest):
    part = models_dir() / model_folders.INCOMING / "net.download" / "net.onnx.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")
    note = {"address": "http://127.0.0.1:9/net/net.onnx", "version": ""}
    part.with_name("net.onnx.part.json").write_text(json.dumps(note))
    with pytest.raises(ModelError, match="cannot be reached"):
        fetch_expert(manifest, models_dir(), mirror="http://127.0.0.1:9")
    assert part.read_bytes() == b"x"
    assert installed_experts() == []
    assert sorted(path.name for path in part.parent.iterdir()) == ["net.onnx.part", "net.onnx.part.json"]


def test_a_manifest_is_read_as_its_folder_is_called(manifest, mirror):
    fetch_expert(manifest, models_dir(), mirror=str(mirror))
    os.rename(models_dir() / "net", models_dir() / "renamed")
    assert find_expert("renamed").manifest.name == "renamed"
    assert read_manifest(models_dir() / "renamed" / MANIFEST_FILE).name == "net"

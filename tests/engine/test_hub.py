"""Asking a hub what a repository holds: lists of files, refusals, and who is told a token."""

import hashlib
import json

import pytest

from tests.engine.hub_server import COMMIT, HubServer, running
from zippo_desktop.engine import downloads, hub
from zippo_desktop.engine.hub import HubFile, Repository, find_hub, list_repository, read_repository
from zippo_desktop.errors import ModelError, UsageError

TINY = Repository("owner", "Tiny")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloads, "STALL_S", 0.3)
    monkeypatch.setattr(downloads, "RETRY_WAIT_S", 0.01)
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with running(HubServer()) as server:
        server.files = {"zippo.json": b"{}", "vae/v.safetensors": b"weights", "a b.txt": b""}
        monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
        yield server


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("owner/Tiny", TINY),
        ("o-1/n.a_m-e", Repository("o-1", "n.a_m-e")),
        ("owner/Tiny@v1.0", Repository("owner", "Tiny", "v1.0")),
        ("owner/Tiny@refs/pr/1", Repository("owner", "Tiny", "refs/pr/1")),
    ],
)
def test_a_repository_is_named_by_owner_name_and_revision(text, repository):
    assert read_repository(text) == repository


@pytest.mark.parametrize(
    "text", ["/", "a/", "/b", "a/b/c", "../b", "./b", "a/b@", "a/b@x y", "https://hub/a/b", "a/b\n", "a/é"]
)
def test_what_names_no_repository_is_told(text):
    with pytest.raises(UsageError, match="is no repository"):
        read_repository(text)


def test_a_repository_is_listed_at_its_commit(server):
    listing = list_repository(find_hub(), TINY)
    assert listing.commit == COMMIT
    empty, weights, described = listing.files
    assert weights.digest == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
    assert (weights.path, weights.size_bytes) == ("vae/v.safetensors", 7)
    assert described.digest == "git:9e26dfeeb6e641a33dae4961196235bdb965b21b"  # git hash-object of {}
    assert listing.wanted(empty).address == f"{server.url}/owner/Tiny/resolve/{COMMIT}/a%20b.txt"


def test_a_revision_is_asked_for(server):
    server.revisions.add("refs/pr/1")
    list_repository(find_hub(), Repository("owner", "Tiny", "refs/pr/1"))
    assert server.seen[0][0] == "/api/models/owner/Tiny/revision/refs%2Fpr%2F1?blobs=true"
    with pytest.raises(ModelError, match=r"owner/Tiny has no revision 'v2' \(404\)\."):
        list_repository(find_hub(), Repository("owner", "Tiny", "v2"))


def test_a_commit_that_is_asked_for_is_the_one_that_is_told(server):
    other = "1" * 40
    server.revisions.add(other)
    assert list_repository(find_hub(), Repository("owner", "Tiny", COMMIT)).commit == COMMIT
    with pytest.raises(ModelError, match="shows another commit"):
        list_repository(find_hub(), Repository("owner", "Tiny", other))


def test_a_repository_that_is_not_there_or_private_is_one_sentence(server):
    with pytest.raises(
        ModelError, match=r"has no repository owner/Other, or it is private \(404\)\."
    ) as caught:
        list_repository(find_hub(), Repository("owner", "Other"))
    assert "Set HF_TOKEN" in caught.value.hint


def test_the_token_lets_in(server, monkeypatch):
    server.token = "hf_right"
    with pytest.raises(ModelError, match=r"\(401\)"):
        list_repository(find_hub(), TINY)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ModelError) as caught:
        list_repository(find_hub(), TINY)
    assert "no longer valid" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", " hf_right\n")
    assert list_repository(find_hub(), TINY).files
    assert "hf_right" not in repr(find_hub())


ENTRY = {"rfilename": "a.json", "size": 2, "blobId": "0" * 40}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Log in",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        json.dumps({"sha": "main", "siblings": []}).encode(),
        json.dumps({"sha": COMMIT, "siblings": None}).encode(),
        json.dumps({"sha": COMMIT, "siblings": ["a.json"]}).encode(),
        *(
            json.dumps({"sha": COMMIT, "siblings": [ENTRY | change]}).encode()
            for change in (
                {"size": -1},
                {"size": None},
                {"size": True},
                {"rfilename": 1},
                {"blobId": None},
                {"blobId": "x"},
                {"lfs": "x"},
                {"lfs": {"size": 2, "sha256": "0" * 63}},
                {"lfs": {"sha256": "0" * 64}},
            )
        ),
    ],
)
def test_what_is_no_list_of_files_is_one_sentence(server, body):
    server.body = body
    with pytest.raises(ModelError, match=r"does not answer as a model hub does\.") as caught:
        list_repository(find_hub(), TINY)
    assert "HF_ENDPOINT" in caught.value.hint


def test_a_good_entry_is_one(server):
    """Of which the bad ones above are changed."""
    server.body = json.dumps({"sha": COMMIT, "siblings": [ENTRY | {"lfs": None}]}).encode()
    assert list_repository(find_hub(), TINY).files == (HubFile("a.json", 2, f"git:{'0' * 40}"),)


def test_an_endless_list_is_not_read(server, monkeypatch):
    monkeypatch.setattr(hub, "_LARGEST_LISTING", 100)
    with pytest.raises(ModelError, match="too much"):
        list_repository(find_hub(), TINY)


def test_a_lost_connection_is_tried_again(server, monkeypatch):
    asked = []
    real = hub.answer_of

    def cut_once(*arguments):
        asked.append(arguments)
        if len(asked) == 1:
            raise hub.Lost("the connection ends")
        return real(*arguments)

    monkeypatch.setattr(hub, "answer_of", cut_once)
    assert list_repository(find_hub(), TINY).files
    assert len(asked) == 2


def test_a_list_that_ends_too_early_is_one_sentence(server):
    server.cut_listing = True
    with pytest.raises(ModelError, match="does not answer: the connection ends too early"):
        list_repository(find_hub(), TINY)
    assert len(server.seen) == downloads.MOST_RETRIES


def test_offline_is_one_sentence(server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"127\.0\.0\.1 cannot be reached"):
        list_repository(find_hub(), TINY)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="HF_HUB_OFFLINE is set"):
        find_hub()


@pytest.mark.parametrize(
    "address", ["hub", "ftp://hub", "https://", "https://me:secret@hub", "https://hub?x=1", "http://hub:x"]
)
def test_what_is_no_hubs_address_is_told(monkeypatch, address):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(UsageError, match="no hub's address") as caught:
        find_hub()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["hf_a\r\nX: y", "hf a", "hf_é"])
def test_what_is_no_token_is_told_and_not_shown(server, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(UsageError, match="HF_TOKEN is no token") as caught:
        find_hub()
    assert "hf" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "proxy", "is_told"),
    [
        ("", "", True),
        ("https://hub.example", "http://proxy:1", True),
        ("http://hub.example", "", False),
        ("http://127.0.0.1.example", "", False),
        ("http://10.0.0.1", "", False),
        ("http://127.0.0.1:8000", "", True),
        ("http://[::1]:8000", "", True),
        ("http://localhost", "", True),
        ("http://localhost", "http://proxy:1", False),
    ],
)
def test_a_token_goes_over_https_or_stays_on_this_machine(server, monkeypatch, address, proxy, is_told):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    if proxy:
        monkeypatch.setenv("http_proxy", proxy)
    assert find_hub().token == ("hf_secret" if is_told else "")


def test_a_token_that_was_not_sent_is_told(server, monkeypatch):
    server.token = "hf_right"
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    monkeypatch.setattr(hub, "_is_private_way", lambda address: False)
    with pytest.raises(ModelError) as caught:
        list_repository(find_hub(), TINY)
    assert "over https alone" in caught.value.hint

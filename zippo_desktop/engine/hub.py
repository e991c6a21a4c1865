"""A model hub's repositories: what one holds at a commit, and how its files are asked for.

The hub is the one in `HF_ENDPOINT`, or the public one; a token in `HF_TOKEN` is told to it alone. The
settings' mirror is another thing: a web server or folder with NAME/FILE of known experts, and no hub.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from zippo_desktop.engine import downloads
from zippo_desktop.engine.web import Lost, Refused, WrongPart, answer_of, check_address
from zippo_desktop.errors import ModelError, UsageError

PUBLIC_HUB = "https://huggingface.co"

_REPOSITORY = re.compile(r"(\w[\w.-]{0,95})/(\w[\w.-]{0,95})(?:@([^\s@]{1,200}))?", re.ASCII)
_TOKEN = re.compile(r"[!-~]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST_LISTING = 16 << 20  # bytes
_YES = ("1", "ON", "YES", "TRUE")


@dataclass(frozen=True)
class Repository:
    """A repository by its owner and name; the revision is a tag, branch or commit, "" the newest."""

    owner: str
    name: str
    revision: str = ""

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True)
class Hub:
    """Where a hub is, and the token that is told to it."""

    address: str
    token: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """What sentences call it."""
        return urlsplit(self.address).netloc


@dataclass(frozen=True)
class HubFile:
    """One file of a repository: its path there, and what the hub says of its content."""

    path: str
    size_bytes: int
    digest: str  # "sha256:..." of large ones, "git:..." of others


@dataclass(frozen=True)
class Listing:
    """All files of a repository at one commit."""

    hub: Hub
    repository: Repository
    commit: str
    files: tuple[HubFile, ...]

    def wanted(self, file: HubFile) -> downloads.Wanted:
        """How a file is fetched: of this commit, whatever is committed meanwhile."""
        address = f"{self.hub.address}/{self.repository}/resolve/{self.commit}/{quote(file.path)}"
        return downloads.Wanted(address, file.size_bytes, file.digest, self.hub.token)


def read_repository(text: str) -> Repository:
    """The repository that OWNER/NAME or OWNER/NAME@REVISION names. Raises `UsageError`."""
    found = _REPOSITORY.fullmatch(text)
    if not found:
        hint = "It is OWNER/NAME, or OWNER/NAME@REVISION with a tag, branch or commit."
        raise UsageError(f"'{text}' is no repository of a hub.", hint)
    return Repository(found[1], found[2], found[3] or "")


def find_hub() -> Hub:
    """The hub that the environment names; a token is left out where others could read it on its way.

    Raises `UsageError` for an address or a token that is none, and where `HF_HUB_OFFLINE` is set.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in _YES:
        raise UsageError("No hub is asked, for HF_HUB_OFFLINE is set.", "Unset it to fetch from one.")
    address = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or PUBLIC_HUB
    if not _is_hub_address(address):
        raise UsageError("HF_ENDPOINT is no hub's address.", f"It is like {PUBLIC_HUB}.")
    token = os.environ.get("HF_TOKEN", "").strip()
    if token and not _TOKEN.fullmatch(token):
        raise UsageError("HF_TOKEN is no token: it has signs in it that no token has.", "Copy it again.")
    return Hub(address, token if _is_private_way(address) else "")


def list_repository(hub: Hub, repository: Repository) -> Listing:
    """Ask the hub for a repository's files. Raises `ModelError` with one sentence."""
    address = f"{hub.address}/api/models/{repository}"
    if repository.revision:
        address += f"/revision/{quote(repository.revision, safe='')}"
    with refusals_told(hub, repository):
        text = _ask(hub, f"{address}?blobs=true")
    try:
        content = json.loads(text)
        commit = _matched(_COMMIT, content["sha"])
        files = tuple(_file(entry) for entry in content["siblings"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        hint = "Check HF_ENDPOINT; some networks show a page of their own to log in first."
        raise ModelError(f"{hub.host} does not answer as a model hub does.", hint) from error
    if _SHA1.fullmatch(repository.revision) and commit != repository.revision:
        told = f"{hub.host} shows another commit of {repository} than {repository.revision}"
        raise ModelError(f"{told}: nothing was fetched.")
    return Listing(hub, repository, commit, files)


@contextmanager
def refusals_told(hub: Hub, repository: Repository, *, is_listed: bool = False) -> Iterator[None]:
    """What a hub refuses within the block becomes a `ModelError` that says what helps.

    One that `is_listed` is known to be there, so that it is about a file of it.
    """
    try:
        yield
    except Refused as error:
        if error.status not in (401, 403, 404):
            raise
        told, hint = _refusal(hub, repository, error, is_listed)
        raise ModelError(f"{told} ({error.status}).", hint) from error


def _refusal(hub: Hub, repository: Repository, error: Refused, is_listed: bool) -> tuple[str, str]:
    """A hub does not tell a stranger whether a repository is private or not there at all."""
    if error.why == "RevisionNotFound":
        return f"{repository} has no revision '{repository.revision}'", "Take a tag, branch or commit of it."
    if is_listed and error.status == 404:
        return f"{hub.host} listed a file of {repository} that it does not have", "Try again later."
    if error.why == "GatedRepo":
        page = f"{hub.address}/{repository}"
        return f"{repository} is gated", f"Agree to its terms at {page}. {_token_hint(hub)}"
    if is_listed:
        return f"{hub.host} does not let {repository} be read", _token_hint(hub)
    told = f"{hub.host} has no repository {repository}, or it is private"
    return told, f"Check the name. {_token_hint(hub)}"


def _token_hint(hub: Hub) -> str:
    if hub.token:
        return "The token in HF_TOKEN may not read it, or is no longer valid."
    if os.environ.get("HF_TOKEN"):
        return "HF_TOKEN was not sent: that is done over https alone."
    return "Set HF_TOKEN to a token of the hub that may read it."


def _ask(hub: Hub, address: str) -> bytes:
    """The body of a short answer; asked again where that may help."""
    headers = {"Authorization": f"Bearer {hub.token}"} if hub.token else {}
    reason = ""
    for attempt in range(downloads.MOST_RETRIES):
        if attempt:
            time.sleep(downloads.RETRY_WAIT_S)
        try:
            with answer_of(address, headers, downloads.STALL_S) as answer:
                body: bytes = answer.read(_LARGEST_LISTING + 1)
                if answer.length and len(body) <= _LARGEST_LISTING:
                    raise Lost("the connection ends too early")
        except (Lost, WrongPart) as error:
            reason = str(error)
            continue
        if len(body) > _LARGEST_LISTING:
            raise ModelError(f"{hub.host} answers with too much: more than a list of files.")
        return body
    raise ModelError(f"{hub.host} does not answer: {reason}.", "Try again later.")


def _file(entry: Mapping[str, Any]) -> HubFile:
    """One entry of a listing. Raises `ValueError`, `LookupError` or `TypeError` where it is none."""
    large = entry.get("lfs") or {}
    size = large["size"] if large else entry["size"]
    path = entry["rfilename"]
    if type(size) is not int or size < 0 or not isinstance(path, str):
        raise ValueError(path)
    if large:
        return HubFile(path, size, f"sha256:{_matched(_SHA256, large['sha256'])}")
    return HubFile(path, size, f"git:{_matched(_SHA1, entry['blobId'])}")


def _matched(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(value)
    return value


def _is_hub_address(address: str) -> bool:
    try:
        check_address(address)
    except ModelError:
        return False
    parts = urlsplit(address)
    return not ("@" in parts.netloc or parts.query or parts.fragment)


def _is_private_way(address: str) -> bool:
    """Whether nobody between can read what is sent: https, or this machine itself and no proxy."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return True
    is_proxied = "http" in urllib.request.getproxies() and not urllib.request.proxy_bypass(parts.netloc)
    try:
        return not is_proxied and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False

"""Asking a web server for a file, and the sentences for what it answers instead of one."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from zippo_desktop import __version__
from zippo_desktop.errors import ModelError

_PASSING = (408, 425, 429)  # and all from 500 on: asking again may help


class Lost(Exception):
    """The connection failed or ended early; asking again may help."""


class Refused(ModelError):
    """A server's refusal by its `status`; `why` is a model hub's own word for it, "" elsewhere."""

    def __init__(self, message: str, hint: str, error: urllib.error.HTTPError) -> None:
        super().__init__(message, hint)
        self.status = error.code
        self.why = str(error.headers.get("X-Error-Code") or "")


class WrongPart(Exception):
    """The server has no such part of the file: what is there already is no beginning of it."""


@contextmanager
def answer_of(address: str, headers: Mapping[str, str], stall_s: float) -> Iterator[Any]:
    """The server's answer, to be read within the block; proxies are taken from the environment.

    Raises `Lost` and `WrongPart`, also for what happens while reading, and `ModelError` with a sentence
    for what asking again does not change. `stall_s` is how long a silent server is waited for.
    """
    check_address(address)
    asked = {"User-Agent": f"zippo-desktop/{__version__}", "Accept-Encoding": "identity", **headers}
    request = urllib.request.Request(address, headers=asked)
    try:
        with urllib.request.build_opener(_SafeRedirects).open(request, timeout=stall_s) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(address, error) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError | ConnectionResetError | ConnectionAbortedError):
            raise Lost(_spoken(error.reason)) from error
        raise ModelError(
            f"{urlsplit(address).hostname} cannot be reached ({_spoken(error.reason)}).",
            "On a machine with network: models get NAME --to DIR; then here: models import DIR/NAME",
        ) from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise Lost(_spoken(error)) from error


def check_address(address: str) -> None:
    """Raise `ModelError` for what is no address on the web, such as file:// and ftp://."""
    try:
        parts = urlsplit(address)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # as of a port that is no number
        is_right = False
    if not is_right:
        raise ModelError(f"'{address}' is no address on the web.", "It begins with https:// or http://.")


def first_byte(answer: Any) -> int:
    """Where in the file the answer's body begins: 0 but for a part (206). May raise `WrongPart`."""
    if answer.status != 206:
        return 0
    told = answer.headers.get("Content-Range", "")  # bytes 100-199/200
    first = told.removeprefix("bytes ").partition("-")[0]
    if not first.isdecimal():
        raise WrongPart
    return int(first)


def version_of(headers: Any) -> str:
    """By what a server can be asked for more of the same: weak tags will not do (RFC 9110, 13.1.5)."""
    tag = str(headers.get("ETag", ""))
    return tag if tag and not tag.startswith("W/") else str(headers.get("Last-Modified", ""))


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects as usual (ten at most), but never from https to http, and to nothing but the web.

    What a token is told to stays with the host and port that were asked: urllib itself would pass it on.
    """

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Called for each redirect; raises `ModelError` for one that is not followed."""
        try:
            check_address(newurl)
            if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
                raise ModelError(f"{req.full_url} leads from https to {newurl}: this is not followed.")
        except ModelError:
            fp.close()
            raise
        followed = super().redirect_request(req, fp, code, msg, headers, newurl)
        if followed and _origin(followed.full_url) != _origin(req.full_url):
            followed.remove_header("Authorization")
        return followed


def _origin(address: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port (RFC 6454)."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _refusal(address: str, error: urllib.error.HTTPError) -> Exception:
    if error.code == 416:
        return WrongPart()
    if error.code in _PASSING or error.code >= 500:
        return Lost(f"the server answers {error.code}, {error.reason}")
    if error.code in (404, 410):
        hint = "It was moved or removed; --from takes it from another place."
        return Refused(f"There is no {address} ({error.code}).", hint, error)
    if error.code in (401, 403, 407):
        hint = "Fetch it with a browser, then: zippo-desktop models import FILE"
        return Refused(f"{address} asks for a login ({error.code}).", hint, error)
    if 300 <= error.code < 400:
        return ModelError(f"{address} leads to no file, but in circles or off the web.")
    return Refused(f"{address} cannot be fetched: {error.code}, {error.reason}.", "", error)


def _spoken(reason: object) -> str:
    """What a network error says of itself, in a few words."""
    if isinstance(reason, TimeoutError):
        return "the server is silent"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__

"""Downloads from a server that does all that servers do: a whole file, or nothing and one sentence."""

import errno
import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from zippo_desktop.engine import downloads, web
from zippo_desktop.engine.downloads import Wanted, digest_of, download, has_digest
from zippo_desktop.errors import Cancelled, ModelError

CONTENT = bytes(range(256)) * 1500  # 384,000 bytes
SHA = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
GIT = f"git:{hashlib.sha1(b'blob 384000' + bytes(1) + CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
SIZE = len(CONTENT)
HALF = SIZE // 2


class Handler(BaseHTTPRequestHandler):
    """Answers by the first part of the path; `server.seen` is what was asked for."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        mode = self.path.removeprefix("http://models.invalid").strip("/").split("/")[0]
        self.server.seen.append((self.path, dict(self.headers)))
        self.close_connection = True
        getattr(self, f"_{mode}")()

    def _head(self, status=200, length=SIZE, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _start(self):
        asked = self.headers.get("Range", "")
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0

    def _part(self, content, tag='"1"', stop=None):
        """What a good server does."""
        start = self._start()
        if start and self.headers.get("If-Range", tag) != tag:
            start = 0
        if start >= len(content):
            return self._head(416, 0, Content_Range=f"bytes */{len(content)}")
        about = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        self._head(206 if start else 200, len(content) - start, ETag=tag, **about)
        self.wfile.write(content[start:stop])

    def _good(self):
        self._part(CONTENT)

    def _unsized(self):
        self._head(length=None)
        self.wfile.write(CONTENT)

    def _breaks(self):
        """Goes away in the middle, each time after 100,000 bytes more."""
        self._part(CONTENT, stop=self._start() + 100_000)

    def _mute(self):
        self._head()
        self.wfile.write(CONTENT[:HALF])
        self.server.over.wait(5)

    def _silent(self):
        self.server.over.wait(5)

    def _truncated(self):
        self._head()
        self.wfile.write(CONTENT[:HALF])

    def _longer(self):
        self._head(length=SIZE + 10)
        self.wfile.write(CONTENT)

    def _more(self):
        self._head(length=None)
        self.wfile.write(CONTENT + CONTENT)

    def _short(self):
        self._head(length=HALF)
        self.wfile.write(CONTENT)

    def _whole(self):
        """Ignores ranges."""
        self._head()
        self.wfile.write(CONTENT)

    def _other(self):
        self._part(CONTENT[::-1])

    def _shifted(self):
        """Answers another range than it was asked for, if asked for one."""
        start = self._start()
        if not start:
            return self._part(CONTENT)
        self._head(206, 10, Content_Range=f"bytes {start + 5}-{start + 14}/{SIZE}", ETag='"1"')
        self.wfile.write(CONTENT[:10])

    def _page(self):
        page = b"<html>Log in"
        self._head(length=len(page), Content_Type="text/html")
        self.wfile.write(page)

    def _to(self):
        self._head(302, 0, Location="/" + self.path.split("/", 2)[2])

    def _elsewhere(self):
        self._head(302, 0, Location=f"http://127.0.0.1:{self.server.server_port}/good/")

    def _away(self):
        self._head(302, 0, Location="file:///etc/passwd")

    def _round(self):
        self._head(302, 0, Location="/round/")

    def _missing(self):
        self._head(404, 0)

    def _forbidden(self):
        self._head(403, 0)

    def _busy(self):
        if sum(path.startswith("/busy") for path, _ in self.server.seen) < 3:
            return self._head(503, 0)
        return self._part(CONTENT)

    def _garbage(self):
        self.wfile.write(b"\x00\x01 no http\r\n\r\n")


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen, server.over = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(downloads, "STALL_S", 0.3)
    monkeypatch.setattr(downloads, "RETRY_WAIT_S", 0.01)
    monkeypatch.setattr(downloads, "MOST_RETRIES", 2)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "net.onnx"


def wanted(server, mode, digest=SHA, size=SIZE):
    return Wanted(f"{server.url}/{mode}/net.onnx", size, digest)


def leave_part(path, server, mode, content=CONTENT[:HALF], version='"1"'):
    """What an earlier run, killed half-way, leaves behind."""
    path.parent.mkdir(parents=True)
    path.with_name("net.onnx.part").write_bytes(content)
    note = {"address": f"{server.url}/{mode}/net.onnx", "version": version}
    path.with_name("net.onnx.part.json").write_text(json.dumps(note))


def names(path):
    return sorted(each.name for each in path.parent.iterdir()) if path.parent.exists() else []


@pytest.mark.parametrize(
    "mode", ["good", "unsized", "breaks", "whole", "busy", "to/good", "to/to/to/good", "shifted"]
)
@pytest.mark.parametrize("digest", [SHA, MD5, GIT])
def test_it_ends_in_the_whole_file_and_nothing_else(server, path, mode, digest):
    download(wanted(server, mode, digest), path)
    assert path.read_bytes() == CONTENT
    assert names(path) == ["net.onnx"]


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("mute", "the server is silent"),
        ("silent", "the server is silent"),
        ("truncated", "ends too early"),
        ("longer", "has 384010 bytes, not 384000"),
        ("more", "has more bytes, not 384000"),
        ("short", "has 192000 bytes, not 384000"),
        ("other", "its SHA-256 is another"),
        ("page", "has 12 bytes"),
        ("away", "in circles or off the web"),
        ("round", "in circles or off the web"),
        ("missing", r"There is no .*\(404\)"),
        ("forbidden", r"asks for a login \(403\)"),
        ("garbage", "cannot be fetched"),
    ],
)
def test_it_ends_in_nothing_and_one_sentence(server, path, mode, words):
    with pytest.raises(ModelError, match=words) as caught:
        download(wanted(server, mode), path)
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message
    assert set(names(path)) <= {"net.onnx.part", "net.onnx.part.json"}
    if mode not in ("mute", "truncated"):  # whose bytes are worth keeping
        assert names(path) == []


def test_a_page_instead_of_the_file_hints_at_a_login(server, path):
    with pytest.raises(ModelError) as caught:
        download(wanted(server, "page"), path)
    assert "login" in caught.value.hint


def test_a_part_is_gone_on_with_by_range(server, path):
    leave_part(path, server, "good")
    seen = []
    download(wanted(server, "good"), path, on_progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    ((_, headers),) = server.seen
    assert (headers["Range"], headers["If-Range"]) == (f"bytes={HALF}-", '"1"')
    assert seen[0][0] > HALF
    assert seen[-1] == (SIZE, SIZE)


def test_what_one_run_left_the_next_goes_on_with(server, path):
    with pytest.raises(ModelError):
        download(wanted(server, "truncated"), path)
    path.with_name("net.onnx.part.json").write_text(
        path.with_name("net.onnx.part.json").read_text().replace("truncated", "good")
    )
    server.seen.clear()
    download(wanted(server, "good"), path)
    assert server.seen[0][1]["Range"] == f"bytes={HALF}-"
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("mode", ["whole", "good", "shifted"])
def test_a_part_of_other_bytes_is_not_gone_on_with_twice(server, path, mode):
    leave_part(path, server, mode, b"x" * HALF)
    download(wanted(server, mode), path)
    assert path.read_bytes() == CONTENT


def test_a_part_of_an_older_version_begins_anew(server, path):
    leave_part(path, server, "good", b"x" * HALF, version='"0"')
    download(wanted(server, "good", digest=""), path)
    assert path.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_begins_anew(server, path):
    leave_part(path, server, "good", CONTENT + b"more")
    download(wanted(server, "good"), path)
    assert path.read_bytes() == CONTENT


def test_a_whole_part_is_only_verified(server, path):
    leave_part(path, server, "good", CONTENT)
    download(wanted(server, "good"), path)
    assert path.read_bytes() == CONTENT
    assert server.seen == []


def test_a_part_that_nothing_could_verify_is_thrown_away(server, path):
    leave_part(path, server, "good", b"x" * HALF, version="")
    download(wanted(server, "good", digest="", size=0), path)
    assert path.read_bytes() == CONTENT
    assert "Range" not in server.seen[0][1]


def test_cancelling_keeps_the_part_and_the_next_run_ends_it(server, path):
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        download(wanted(server, "good"), path, on_progress=lambda *_: cancel.set(), cancel=cancel)
    kept = path.with_name("net.onnx.part").stat().st_size
    assert 0 < kept < SIZE
    download(wanted(server, "good"), path)
    assert server.seen[-1][1]["Range"] == f"bytes={kept}-"
    assert path.read_bytes() == CONTENT


def test_a_server_that_is_gone_is_one_sentence(server, path):
    gone = Wanted("http://127.0.0.1:9/net.onnx", 10, SHA)
    with pytest.raises(ModelError, match=r"127\.0\.0\.1 cannot be reached \(.+\)\.") as caught:
        download(gone, path)
    assert "models import" in caught.value.hint
    assert names(path) == []


@pytest.mark.parametrize(
    "address",
    ["ftp://a/b", "file:///etc/passwd", "/etc/passwd", "http:///x", "http://a:b/", "http://[a/", ""],
)
def test_only_the_web_is_fetched_from(path, address):
    with pytest.raises(ModelError, match="no address on the web"):
        download(Wanted(address), path)


def test_https_does_not_lead_to_http():
    import urllib.request

    request = urllib.request.Request("https://example.org/a")
    with open("/dev/null", "rb") as body, pytest.raises(ModelError, match="from https to http://"):
        web._SafeRedirects().redirect_request(request, body, 302, "", {}, "http://example.org/b")


def test_a_token_stays_with_the_host_that_was_asked(server, path):
    token = "hf_secret"
    download(Wanted(f"{server.url}/to/good/net.onnx", SIZE, SHA, token), path)
    assert [headers.get("Authorization") for _, headers in server.seen] == ["Bearer hf_secret"] * 2
    server.seen.clear()
    other = f"http://localhost:{server.server_port}/elsewhere/{server.server_port}"  # leads to 127.0.0.1
    download(Wanted(other, SIZE, SHA, token), path.with_name("other.onnx"))
    assert [headers.get("Authorization") for _, headers in server.seen] == ["Bearer hf_secret", None]
    assert token not in repr(Wanted(other, token=token))


@pytest.mark.parametrize("to", ["http://example.org:8080/b", "http://example.net/b", "https://example.org/b"])
def test_another_port_host_or_scheme_is_another_host(to):
    import urllib.request

    request = urllib.request.Request("http://example.org/a", headers={"Authorization": "Bearer secret"})
    for address, told in ((to, None), ("http://example.org:80/b", "Bearer secret")):
        followed = web._SafeRedirects().redirect_request(request, None, 302, "", {}, address)
        assert followed.get_header("Authorization") == told


def test_the_proxy_of_the_environment_is_used(server, path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    download(Wanted("http://models.invalid/good", SIZE, SHA), path)
    assert server.seen[0][0] == "http://models.invalid/good"
    assert path.read_bytes() == CONTENT


def test_a_full_disk_is_one_sentence(server, path, monkeypatch):
    @contextmanager
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    monkeypatch.setattr(downloads, "answer_of", full)
    with pytest.raises(ModelError, match="no room on the disk"):
        download(wanted(server, "good"), path)
    assert names(path) == []


def test_a_disk_that_is_too_small_is_told_before_the_first_byte(server, path, monkeypatch):
    small = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: small)
    with pytest.raises(ModelError, match="no room on the disk"):
        download(wanted(server, "good"), path)
    assert names(path) == []


def test_two_at_a_time_do_not_write_one_part(server, path):
    from filelock import FileLock

    path.parent.mkdir()
    with FileLock(path.with_name("net.onnx.part.lock")):
        with pytest.raises(ModelError, match="Another program"):
            download(wanted(server, "good"), path)
        assert names(path) == ["net.onnx.part.lock"]  # the other's
    assert server.seen == []


def test_digests(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(CONTENT)
    assert digest_of(file) == SHA
    assert has_digest(file, MD5)
    assert has_digest(file, GIT)
    assert not has_digest(file, MD5[:-1] + "x")

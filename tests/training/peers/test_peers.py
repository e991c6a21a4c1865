"""Peers: each one's arithmetic, keeping their mattes, and going on without one that is missing."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from zippo_desktop.errors import EngineError, InputError, UsageError
from zippo_desktop.training.peers import selfie
from zippo_desktop.training.peers.fetch import fetch_peer, joined_chunks
from zippo_desktop.training.peers.grabcut import GrabCut
from zippo_desktop.training.peers.isnet import resize_bilinear
from zippo_desktop.training.peers.kept import KeptMattes
from zippo_desktop.training.peers.open_peers import PEERS, open_peers

ECHO = """
import struct, sys
while header := sys.stdin.buffer.read(8):
    height, width = struct.unpack("<II", header)
    pixels = sys.stdin.buffer.read(height * width * 3)
    sys.stdout.buffer.write(struct.pack("<d", 0.25) + pixels[::3])
    sys.stdout.buffer.flush()
"""


class Counting:
    """A peer that answers with the red channel, takes half a second by its clock, and counts its calls."""

    name, version = "counting", "1"

    def __init__(self) -> None:
        self.calls = 0

    def matte(self, image):
        self.calls += 1
        return image[..., 0]

    def cpu_s(self) -> float:
        return self.calls * 0.5

    def close(self) -> None:
        self.calls = -1


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).random((12, 9, 3), np.float32)


def test_grabcut_finds_a_disc_inside_its_box_and_repeats_itself() -> None:
    y, x = np.mgrid[:64, :80] - np.array([32, 40])[:, None, None]
    disc = np.hypot(y, x) < 18
    noise = np.random.default_rng(0).normal(0, 0.02, (64, 80, 3))
    image = (np.where(disc[..., None], (0.9, 0.2, 0.1), (0.1, 0.3, 0.7)) + noise).astype(np.float32)
    matte = GrabCut().matte(image)
    assert set(np.unique(matte)) == {0.0, 1.0}
    assert (matte == disc).mean() > 0.98
    np.testing.assert_array_equal(matte, GrabCut().matte(image))


def test_the_package_s_resizing_by_hand() -> None:
    levels = np.array([[0, 100], [200, 100]], np.uint8)
    # Row 1 of 4 lies half-way between the two rows of 2; beyond the last sample the edge is repeated.
    expected = [[0, 50, 100, 100], [100, 100, 100, 100], [200, 150, 100, 100], [200, 150, 100, 100]]
    np.testing.assert_array_equal(resize_bilinear(levels, 4, 4), expected)
    np.testing.assert_array_equal(resize_bilinear(levels, 1, 1), [[0]])  # no averaging
    assert resize_bilinear(np.zeros((5, 7, 3), np.uint8), 10, 3).shape == (10, 3, 3)


def test_a_kept_matte_is_not_made_again_and_its_time_is_remembered(tmp_path: Path, image: np.ndarray) -> None:
    peer, kept = Counting(), KeptMattes(tmp_path)
    first = kept.matte(peer, image)
    again = KeptMattes(tmp_path).matte(peer, image)
    assert peer.calls == 1
    assert first.cpu_s == again.cpu_s == 0.5
    np.testing.assert_array_equal(first.matte, again.matte)
    np.testing.assert_allclose(first.matte, image[..., 0], atol=0.5 / 255 + 1e-6)
    kept.matte(peer, image[:, ::-1])
    assert peer.calls == 2


def test_another_version_other_threads_and_a_broken_file_are_made_anew(
    tmp_path: Path, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, kept = Counting(), KeptMattes(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    kept.matte(peer, image)
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"no picture")
    kept.matte(peer, image)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    kept.matte(peer, image)
    peer.version = "2"
    kept.matte(peer, image)
    assert peer.calls == 4


def test_peers_that_are_missing_are_told_and_left_out(tmp_path: Path) -> None:
    told: list[str] = []
    with open_peers(["isnet", "grabcut", "mediapipe", "grabcut"], tmp_path, told.append) as opened:
        assert [peer.name for peer in opened] == ["grabcut"]
    assert ["isnet" in told[0], "mediapipe" in told[1]] == [True, True]
    assert all("zippo-desktop evaluation fetch" in sentence for sentence in told)
    with pytest.raises(UsageError, match="no peer 'rembg'"), open_peers(["rembg"], tmp_path, told.append):
        pass


def test_opened_peers_are_closed_even_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Counting()
    monkeypatch.setitem(PEERS, "counting", lambda _: peer)
    with pytest.raises(ValueError, match="stop"), open_peers(["counting"], tmp_path, print):
        raise ValueError("stop")
    assert peer.calls == -1


@pytest.mark.skipif(sys.platform == "win32", reason="the made-up environment is a symbolic link")
def test_the_worker_s_mattes_and_clock_come_through_the_pipe(
    tmp_path: Path, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(selfie, "_WORKER", ECHO)
    peer = selfie.SelfieSegmentation(tmp_path)
    for count in (1, 2):
        np.testing.assert_allclose(peer.matte(image), image[..., 0], atol=0.5 / 255 + 1e-6)
        assert peer.cpu_s() == 0.25 * count
    peer.close()

    monkeypatch.setattr(selfie, "_WORKER", "raise SystemExit(1)")
    broken = selfie.SelfieSegmentation(tmp_path)
    with pytest.raises(EngineError, match="MediaPipe's process ended"):
        broken.matte(image)
    broken.close()


def test_chunks_are_joined_in_order_and_checked() -> None:
    parts = {hashlib.sha256(part).hexdigest(): part for part in (b"abc", b"de")}
    entry = {"size": 5, "chunks": [{"hash": digest} for digest in parts]}
    files = {**parts, "resources.json": json.dumps({"/m": entry}).encode()}
    assert joined_chunks(files, "/m") == b"abcde"
    with pytest.raises(InputError, match="does not hold /other"):
        joined_chunks(files, "/other")
    with pytest.raises(InputError, match="has 5 bytes, not 6"):
        joined_chunks({**files, "resources.json": json.dumps({"/m": {**entry, "size": 6}}).encode()}, "/m")
    with pytest.raises(InputError, match="damaged"):
        joined_chunks({**files, next(iter(parts)): b"abd"}, "/m")


def test_what_is_not_fetched_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'grabcut' is not fetched"):
        fetch_peer("grabcut", tmp_path)

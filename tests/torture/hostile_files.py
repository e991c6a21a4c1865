"""Files that a person or an enemy may put into a folder, and what should become of each."""

from __future__ import annotations

import io
import os
import random
import socket
import stat
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from zippo_desktop.export.psd import write_psd
from zippo_desktop.imaging.decode import IMAGE_SUFFIXES
from zippo_desktop.imaging.layers import LayerStack

Fate = Literal["done", "failed", "either", "passed over"]
HEIC = Path(__file__).parents[1] / "references" / "input" / "8-bit.heic"  # nothing here can write one
WIDTH, HEIGHT = 80, 60


@dataclass(frozen=True)
class Hostile:
    """One file by its path in the folder; `make` is given its whole path."""

    name: str
    kind: str
    fate: Fate
    make: Callable[[Path], object]


def make_hostile(folder: Path, count: int, seed: int) -> list[Hostile]:
    """Make `count` of them in a folder: one of every kind at least, then all there are, then damaged ones.

    What this system refuses to make is left out, and made up for.
    """
    random_ = random.Random(seed)
    samples = sample_files(random_)
    wanted = list(_all(samples, random_))
    first = {each.kind: each for each in reversed(wanted)}
    others = [each for each in wanted if each is not first[each.kind]]
    random_.shuffle(others)
    made: list[Hostile] = []
    for each in [*first.values(), *others, *_flipped(samples, random_, 2 * count)]:
        if len(made) < count and _is_made(each, folder):
            made.append(each)
    return made


def sample_files(random_: random.Random) -> dict[str, bytes]:
    """A whole picture of each kind, by its suffix: the bright half is the subject, the rest is noise."""
    generator = np.random.default_rng(random_.getrandbits(32))
    pixels = generator.integers(0, 60, (HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2] += 180
    picture = Image.fromarray(pixels)
    files = {}
    for suffix, name in [
        *((".png", "PNG"), (".jpg", "JPEG"), (".tif", "TIFF"), (".webp", "WEBP"), (".gif", "GIF")),
        *((".bmp", "BMP"), (".avif", "AVIF")),
    ]:
        buffer = io.BytesIO()
        picture.save(buffer, name)
        files[suffix] = buffer.getvalue()
    files[".heic"] = HEIC.read_bytes()
    files[".psd"] = _psd(pixels)
    return files


def _psd(pixels: np.ndarray) -> bytes:
    matte = np.ones(pixels.shape[:2], np.float32)
    buffer = io.BytesIO()
    write_psd(LayerStack(pixels, matte), buffer)
    return buffer.getvalue()


def _all(samples: dict[str, bytes], random_: random.Random) -> Iterator[Hostile]:
    yield from _truncated(samples)
    yield from _random_bytes(random_)
    yield from _misnamed(samples)
    yield from _absurd(samples)
    yield from _bombs(samples)
    yield from _named(samples[".png"])
    if sys.platform != "win32":
        yield from _special(samples[".png"])


def _bytes(name: str, kind: str, fate: Fate, content: bytes) -> Hostile:
    return Hostile(name, kind, fate, lambda path: path.write_bytes(content))


def _truncated(samples: dict[str, bytes]) -> Iterator[Hostile]:
    """Every kind, cut at every decile."""
    for suffix, content in samples.items():
        for decile in range(10):
            name = f"cut {suffix[1:]} {decile}0{_shown(suffix)}"
            yield _bytes(name, f"truncated {suffix[1:]}", "failed", content[: len(content) * decile // 10])


def _shown(suffix: str) -> str:
    """A PSD goes by a picture's name, or it would be passed over."""
    return ".tiff" if suffix == ".psd" else suffix


def _random_bytes(random_: random.Random) -> Iterator[Hostile]:
    for suffix in sorted(IMAGE_SUFFIXES):
        size = random_.choice((1, 11, 100, 5000, 200_000))
        yield _bytes(f"random{suffix}", "random bytes", "failed", random_.randbytes(size))
    for suffix in (".png", ".jpg", ".tif", ".dng", ".heic", ".avif"):
        yield _bytes(f"zeros{suffix}", "zeros", "failed", bytes(5000))


def _flipped(samples: dict[str, bytes], random_: random.Random, count: int) -> Iterator[Hostile]:
    """Whole files with some bytes changed; some of them can still be read, and are."""
    for number in range(count):
        suffix = random_.choice(list(samples))
        content = bytearray(samples[suffix])
        for _ in range(random_.choice((1, 3, 10, 100))):
            content[random_.randrange(len(content))] = random_.randrange(256)
        yield _bytes(f"flipped {number}{_shown(suffix)}", f"changed {suffix[1:]}", "either", bytes(content))


def _misnamed(samples: dict[str, bytes]) -> Iterator[Hostile]:
    """What a file holds decides, not its name; and many things are no picture at all."""
    pairs = [(".jpg", ".png"), (".png", ".jpg"), (".webp", ".bmp"), (".bmp", ".nef"), (".heic", ".jpeg")]
    for inside, suffix in [*pairs, (".psd", ".jpg")]:
        yield _bytes(f"{inside[1:]} inside{suffix}", "misnamed", "done", samples[inside])
    yield _bytes("a.psd", "other files", "passed over", samples[".psd"])
    yield _bytes("notes.txt", "other files", "passed over", b"notes")
    for name, content in {
        "page.png": b"<!DOCTYPE html><html>404 Not Found</html>",
        "vector.png": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "archive.jpg": b"PK\x03\x04" + bytes(400),
        "paper.tif": b"%PDF-1.7\n" + bytes(400),
        "program.webp": b"\x7fELF" + bytes(400),
        "empty.heic": b"",
        "one byte.png": b"\x89",
        "only a signature.png": b"\x89PNG\r\n\x1a\n",
        "only a start.jpg": b"\xff\xd8\xff",
        "pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n",
    }.items():
        yield _bytes(name, "no picture", "failed", content)
    for suffix in (".png", ".webp", ".gif"):
        yield _bytes(f"twice{suffix}", "something behind it", "either", samples[suffix] * 2)


def _absurd(samples: dict[str, bytes]) -> Iterator[Hostile]:
    """Headers that claim sizes which no memory holds, none, or less than none."""
    png, jpeg, gif, bmp = (samples[suffix] for suffix in (".png", ".jpg", ".gif", ".bmp"))
    kind = "absurd size"
    for width, height in [(2**31 - 1, 2**31 - 1), (0, 0), (1, 2**31 - 1), (2**32 - 1, 1), (60_000, 60_000)]:
        header = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
        content = png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
        yield _bytes(f"{width} x {height}.png", kind, "failed", content)
    place = jpeg.index(b"\xff\xc0") + 5
    for height, width in [(65535, 65535), (0, 0), (65500, 1)]:
        content = jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]
        yield _bytes(f"{width} x {height}.jpg", kind, "either" if width == 1 else "failed", content)
    huge = struct.pack("<HH", 65535, 65535)
    yield _bytes("huge screen.gif", kind, "failed", gif[:6] + huge + gif[10:])
    for width, height in [(2**31 - 1, 2**31 - 1), (-5, 5), (WIDTH, -(2**31)), (0, 0)]:
        content = bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]
        yield _bytes(f"{width} x {height}.bmp", kind, "failed", content)
    yield from _absurd_containers(samples, kind)


def _absurd_containers(samples: dict[str, bytes], kind: str) -> Iterator[Hostile]:
    tiff, webp = samples[".tif"], samples[".webp"]
    for tag, name in [(256, "width"), (257, "height"), (273, "offset"), (278, "rows"), (279, "length")]:
        entry = tiff.index(struct.pack("<H", tag), struct.unpack("<I", tiff[4:8])[0])
        content = tiff[: entry + 2] + struct.pack("<HII", 4, 1, 2**32 - 1) + tiff[entry + 12 :]
        fate: Fate = "either" if name in ("rows", "length") else "failed"  # the samples are all there
        yield _bytes(f"absurd {name}.tif", kind, fate, content)
    directory = struct.unpack("<I", tiff[4:8])[0]
    end = directory + 2 + 12 * struct.unpack("<H", tiff[directory : directory + 2])[0]
    loop = tiff[:end] + struct.pack("<I", directory) + tiff[end + 4 :]
    yield _bytes("loop of directories.tif", "loop inside", "either", loop)
    yield _bytes("loop of directories.dng", "loop inside", "failed", loop)
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff" * 6
    body = canvas + webp[12:]
    content = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    yield _bytes("huge canvas.webp", kind, "failed", content)
    for suffix in (".heic", ".avif"):
        place = samples[suffix].index(b"ispe") + 8
        for side in (2**32 - 1, 60_000, 0):
            content = samples[suffix][:place] + struct.pack(">II", side, side) + samples[suffix][place + 8 :]
            yield _bytes(f"{side} wide{suffix}", kind, "either" if suffix == ".avif" else "failed", content)


def _bombs(samples: dict[str, bytes]) -> Iterator[Hostile]:
    """Small files that become large, or take for ever, if one believes them."""
    png, jpeg = samples[".png"], samples[".jpg"]
    side = 30_000
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    black = png[:8] + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    yield _bytes("black.png", "bomb", "failed", black)
    zeros = zlib.compress(bytes(60_000_000), 9)
    for kind, start in [(b"zTXt", b"Comment\0\0"), (b"iCCP", b"icc\0\0"), (b"iTXt", b"a\0\1\0\0\0")]:
        content = png[:33] + _chunk(kind, start + zeros) + png[33:]
        yield _bytes(f"{kind.decode()}.png", "bomb in metadata", "either", content)
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    laughs = (
        f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><x:xmpmeta xmlns:x="adobe:ns:meta/">&e11;</x:xmpmeta>'
    )
    packet = b"http://ns.adobe.com/xap/1.0/\0" + laughs.encode()
    yield _bytes("laughs.jpg", "bomb in metadata", "done", jpeg[:2] + _segment(0xE1, packet) + jpeg[2:])
    for marker, start in [(0xE1, b"Exif\0\0"), (0xE2, b"ICC_PROFILE\0\1\1"), (0xED, b"Photoshop 3.0\0")]:
        noise = random.Random(marker).randbytes(9000)
        content = jpeg[:2] + _segment(marker, start + noise) + jpeg[2:]
        yield _bytes(f"noise in {marker:X}.jpg", "noise in metadata", "done", content)
    many = jpeg[:2] + b"".join(_segment(0xEA, bytes(4)) for _ in range(50_000)) + jpeg[2:]
    yield _bytes("many segments.jpg", "bomb in metadata", "done", many)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def _named(content: bytes) -> Iterator[Hostile]:
    """Good photos under names that programs stumble over; all must be done, each under a name of its own."""
    stems = [
        *(
            "🐞",
            "👩\u200d👩\u200d👧",
            "line\nbreak",
            "carriage\rreturn",
            "tab\there",
            "bell\x07",
            "\x1b[31mred",
        ),
        *("\u202egnp.exe", "e\u0301", "\u00e9", "-o", "--help", " spaces ", "dots...", "...dots".strip(".")),
        *("con", "NUL", "com1.x", "[red]markup[/red]", "{stem}", "%s%n", "$(touch gone)", "; rm", "`x`"),
        *("quote'\"", "back\\slash", "a*?", "<>|:", "same", "SAME", "n" * 251, "é" * 125 + "x", "\u2028sep"),
    ]
    for stem in stems:
        yield _bytes(f"{stem}.png", "name", "done", content)
    for raw in (b"caf\xe9", b"caf\xe8", b"\xff\xfe\xfd", b"\xed\xa0\x80"):
        yield _bytes(f"{os.fsdecode(raw)}.png", "name that is not UTF-8", "done", content)
    for time_s in (0, -(2**31), 2**33, 2**40):
        yield Hostile(
            f"of {time_s}.png", "time", "done", lambda path, at=time_s: _make_dated(path, content, at)
        )
    folder = "/".join(["d" * 200] * 12)
    yield _bytes(f"{folder}/deep.png", "deep folder", "done", content)


def _special(content: bytes) -> Iterator[Hostile]:
    """Names with no file behind them, or one that never ends."""
    kind = "no regular file"
    yield Hostile("loop a.png", kind, "failed", lambda path: path.symlink_to("loop b.png"))
    yield Hostile("loop b.png", kind, "failed", lambda path: path.symlink_to("loop a.png"))
    yield Hostile("itself.png", kind, "failed", lambda path: path.symlink_to(path.name))
    yield Hostile("nowhere.png", kind, "failed", lambda path: path.symlink_to("nothing.png"))
    yield Hostile("pipe.jpg", kind, "failed", os.mkfifo)
    yield Hostile("socket.png", kind, "failed", _make_socket)
    yield Hostile("zero.png", kind, "failed", lambda path: path.symlink_to("/dev/zero"))
    device = stat.S_IFCHR | 0o666
    yield Hostile("device.png", kind, "failed", lambda path: os.mknod(path, device, os.makedev(1, 5)))
    yield Hostile("round", "folder in itself", "passed over", lambda path: path.symlink_to("."))
    yield _bytes("folder.png/inside.png", "folder with a picture's name", "done", content)
    yield Hostile("locked.png", "may not be read", "either", lambda path: _make_locked(path, content))


def _make_socket(path: Path) -> None:
    """A socket is bound by a short path, so from inside its folder."""
    listening = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)
        listening.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)
        listening.close()


def _make_dated(path: Path, content: bytes, time_s: int) -> None:
    path.write_bytes(content)
    with suppress(OSError, OverflowError):  # few file systems know them all
        os.utime(path, (time_s, time_s))


def _make_locked(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0)


def _is_made(each: Hostile, folder: Path) -> bool:
    """Make one, if the system lets it be: some names and devices are refused."""
    path = folder / each.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        each.make(path)
    except (OSError, ValueError):
        return False
    return True

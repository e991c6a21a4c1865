"""How much memory the pictures of a job may take, how much of it is taken, and what an item will need.

Only Pillow's headers are read here: a picture that is refused later on is refused by its decoder.
"""

from __future__ import annotations

import ctypes
import os
import re
import stat
import struct
import sys
from pathlib import Path

from PIL import Image

from zippo_desktop.batch.job import Item, Options
from zippo_desktop.batch.work import Work
from zippo_desktop.imaging.decode import MAX_PIXELS
from zippo_desktop.imaging.raw import RAW_SUFFIXES

# From the decoded photo to the written file, at the worst moment; docs/photo.md has the figures.
BYTES_A_PIXEL = 25
_HUNGRY_FORMATS = {"webp": 35, "avif": 50}
# Of kinds whose header Pillow does not read: a RAW holds one to two bytes for a pixel, HEIC far less.
_PIXELS_A_BYTE = {True: 1, False: 8}
UNKNOWN_BYTES = 4 << 30  # what a machine that does not tell is taken to have left

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


class Memory:
    """The ceiling of what is in flight, and how much is. One thread's affair."""

    def __init__(self, ceiling_bytes: int) -> None:
        self.ceiling_bytes = ceiling_bytes
        self._held: dict[Work, int] = {}

    def admits(self, work: Work) -> bool:
        """Whether an item may be decoded now; one that is larger than the ceiling may where it is alone."""
        return not self._held or sum(self._held.values()) + work.memory_bytes <= self.ceiling_bytes

    def hold(self, work: Work) -> None:
        """Count an item in."""
        self._held[work] = work.memory_bytes

    def release(self, work: Work) -> None:
        """Count an item out, if it was in."""
        self._held.pop(work, None)


def ceiling(options: Options) -> int:
    """Bytes that a job's pictures may take together: as asked for, else half of what is left."""
    return options.memory_mb * 1_000_000 if options.memory_mb else available_bytes() // 2


def item_bytes(item: Item, options: Options) -> int:
    """What an item needs from its decoding to its last file, by its pictures' headers; never raises.

    What starts from no picture is of the network's size and counts as nothing.
    """
    paths = [path for path in (item.source, item.start) if path is not None]
    pixels = max((_pixels(path) for path in paths), default=0)
    each = max([BYTES_A_PIXEL, *(_HUNGRY_FORMATS.get(name, 0) for name in item.target.formats)])
    return min(pixels, options.max_pixels) * each  # a picture of more pixels is refused


def available_bytes() -> int:
    """The memory that programs may still take, as the machine tells it; `UNKNOWN_BYTES` where it does not."""
    try:
        if sys.platform == "win32":
            return _available_on_windows()
        if sys.platform == "linux":  # the kernel's own estimate: what is free, and what it can free
            told = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text("ascii"), re.M)
            return 1024 * int(told[1]) if told else UNKNOWN_BYTES
        # macOS tells how much there is, not how much is left.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return UNKNOWN_BYTES


def _available_on_windows() -> int:
    """`MEMORYSTATUSEX.ullAvailPhys`; the structure is 64 bytes, this field the third of 64 bits."""
    status = (ctypes.c_uint64 * 8)()
    status[0] = ctypes.sizeof(status)  # dwLength; dwMemoryLoad above it is filled in
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined,unused-ignore]
    return int(status[2]) or UNKNOWN_BYTES


def _pixels(path: Path) -> int:
    """The pixels of a picture by its header, or a guess by its bytes; 0 for what cannot be a picture."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe might never end
            return 0
        is_raw = path.suffix.lower() in RAW_SUFFIXES  # whose first header is a small preview's
        guess = min(status.st_size * _PIXELS_A_BYTE[is_raw], MAX_PIXELS)
    except (OSError, ValueError):
        return 0
    if is_raw:
        return guess
    try:
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            return image.width * image.height
    except _DAMAGE:
        return guess

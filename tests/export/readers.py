"""What programs that share no code with the exporters find in a written file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.export.stacks import METADATA

REFERENCES = Path(__file__).parents[1] / "references" / "output"
# As ExifTool wrote it: EXIF in Motorola byte order with a place, XMP, and IPTC in UTF-8.
CAMERA = replace(
    METADATA,
    exif=(REFERENCES / "camera.exif").read_bytes(),
    xmp=(REFERENCES / "camera.xmp").read_bytes(),
    iptc=(REFERENCES / "camera.iptc").read_bytes(),
)
EXIF_TAGS = {
    "EXIF:Make": "Maker of Cameras",
    "EXIF:Artist": "A. Photographer",
    "EXIF:Copyright": "(c) A. Photographer",
    "EXIF:DateTimeOriginal": "2024:05:06 07:08:09",
    "EXIF:LensModel": "85mm F1.4",
    "EXIF:FNumber": 2.8,
    "Composite:GPSPosition": "48.137 11.575",
}
XMP_TAGS = {"XMP:Title": "Käfer 被写体", "XMP:Rating": 4}
IPTC_TAGS = {"IPTC:Caption-Abstract": "A beetle, ein Käfer", "IPTC:Keywords": ["beetle", "macro"]}


def opencv(content: bytes) -> NDArray:
    """Grey, RGB or RGBA samples as OpenCV decodes them."""
    samples = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    return samples if samples.ndim == 2 else samples[..., [2, 1, 0, 3][: samples.shape[2]]]


def imagemagick(path: Path, channels: str, bits: int) -> NDArray:
    """Samples [H,W,C] of `channels` ("rgb", "rgba", "gray") as ImageMagick decodes them."""
    for name in ("magick", "convert-im6.q16", "/usr/bin/convert"):
        converter = shutil.which(name)
        if converter and b"ImageMagick" in _output([converter, "-version"]):
            break
    else:
        pytest.skip("ImageMagick is not installed")
    size = _output([converter, str(path), "-format", "%w %h", "info:"])
    width, height = map(int, size.split())
    raw = _output([converter, str(path), "-depth", str(bits), "-endian", "LSB", f"{channels}:-"])
    return np.frombuffer(raw, f"<u{bits // 8}").reshape(height, width, -1)


def exiftool(*paths: Path) -> list[dict[str, Any]]:
    """Every tag that ExifTool finds in each file, as "EXIF:Make"; numbers as numbers."""
    if shutil.which("exiftool") is None:
        pytest.skip("ExifTool is not installed")
    command = ["exiftool", "-j", "-n", "-G0", "-struct", *map(str, paths)]
    return json.loads(_output(command))


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk of a PNG."""
    start = 8
    while start < len(content):
        length = int.from_bytes(content[start : start + 4], "big")
        yield content[start + 4 : start + 8], content[start + 8 : start + 8 + length]
        start += 12 + length


def _output(command: list[str]) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout

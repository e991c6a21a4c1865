"""Small ICC profiles whose effect can be told by hand (ICC.1:2022)."""

from __future__ import annotations

import struct

D50 = (0.9642, 1.0, 0.8249)
# sRGB's primaries adapted to D50: red, green, blue
PRIMARIES = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_GAMMA = 563 / 256


def adobe_rgb_profile() -> bytes:
    """Adobe RGB (1998), as cameras embed it."""
    return matrix_profile(ADOBE_RGB, _gamma(ADOBE_GAMMA), "Adobe RGB (1998)")


def display_p3_profile() -> bytes:
    """Display P3, as phones embed it."""
    return matrix_profile(DISPLAY_P3, _srgb_curve(), "Display P3")


def plain_srgb_profile(description: str = "c2") -> bytes:
    """sRGB itself, in other bytes and under another name than ours."""
    return matrix_profile(PRIMARIES, _srgb_curve(), description)


def linear_srgb_profile() -> bytes:
    """sRGB's primaries, but linear light, and "sRGB" in its name."""
    return matrix_profile(PRIMARIES, _gamma(1.0), "Linear sRGB")


def matrix_profile(primaries: tuple, curve: bytes, description: str) -> bytes:
    """An RGB profile of three primaries (XYZ adapted to D50) and one curve for all."""
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = {b"desc": _text(description)}
    tags |= {name: _xyz(*value) for name, value in zip(names, primaries, strict=True)}
    return _profile(b"RGB ", b"XYZ ", b"mntr", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def rotated_rgb_profile() -> bytes:
    """An RGB profile of gamma 1 whose channels are sRGB's green, blue and red, in this order."""
    red, green, blue = PRIMARIES
    primaries = {b"rXYZ": green, b"gXYZ": blue, b"bXYZ": red}
    tags = {name: _xyz(*value) for name, value in primaries.items()}
    return _profile(
        b"RGB ", b"XYZ ", b"mntr", tags | {name: _gamma(1.0) for name in (b"rTRC", b"gTRC", b"bTRC")}
    )


def grey_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": _gamma(gamma)})


def cyan_is_red_profile() -> bytes:
    """A CMYK profile in which full cyan ink is a mid red, and every other ink does nothing to white."""
    white, red = (255, 128, 128), (128, 208, 188)  # L 100, and L 50 with a 80, b 60; 8-bit Lab
    corners = b"".join(bytes(red if corner & 8 else white) for corner in range(16))
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + identity * 4 + corners + identity * 3
    return _profile(b"CMYK", b"Lab ", b"prtr", {b"A2B0": lut, b"A2B1": lut})


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in (x, y, z)))


def _gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256)) + bytes(2)


def _srgb_curve() -> bytes:
    """A parametricCurveType of kind 3: (a x + b)^g from d on, c x below (ICC.1:2022, 10.18)."""
    values = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para" + bytes(4) + struct.pack(">HH5i", 3, 0, *(round(value * 65536) for value in values))


def _text(text: str) -> bytes:
    """A textDescriptionType: ASCII, and empty Unicode and Macintosh parts."""
    return (
        b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text.encode() + bytes(1 + 4 + 4 + 2 + 1 + 67)
    )


def _profile(space: bytes, connection: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": _text("test"), b"cprt": b"text" + bytes(4) + b"CC0\0", b"wtpt": _xyz(*D50)} | tags
    table, data = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    body = struct.pack(">I", len(tags)) + table + data
    header = struct.pack(">I4sI4s4s4s", 128 + len(body), b"none", 0x02400000, kind, space, connection)
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return header.ljust(128, b"\0") + body

"""IPTC-IIM records, the captions and credits of the press (Information Interchange Model 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

PHOTOSHOP_RESOURCE = 0x0404  # 1028, where a JPEG or a PSD holds them

_MARKER = 0x1C  # starts every data set
_APPLICATION_RECORD = 2
# Content location code and name; city, sub-location, province or state, country's code and name.
_LOCATION_DATASETS = frozenset((26, 27, 90, 92, 95, 100, 101))


def kept(records: Any) -> bytes | None:
    """The records as they stand in a file, without padding behind them; None where there are none."""
    if not isinstance(records, bytes) or not records.startswith(bytes([_MARKER])):
        return None
    return b"".join(raw for _, _, raw in _datasets(records)) or None


def from_tiff(value: bytes) -> bytes:
    """The content of a TIFF's tag 33723, which some writers declare as 32-bit numbers and swap as such."""
    if value.startswith(bytes([_MARKER])) or len(value) % 4:
        return value
    return struct.pack(f"<{len(value) // 4}I", *struct.unpack(f">{len(value) // 4}I", value))


def without_location(records: bytes) -> bytes | None:
    """The records without those that name a place; all others byte by byte as they were."""
    others = [
        raw
        for record, dataset, raw in _datasets(records)
        if record != _APPLICATION_RECORD or dataset not in _LOCATION_DATASETS
    ]
    return b"".join(others) or None


def _datasets(records: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Record number, data set number and all bytes of each, up to the first that is damaged (1.5 and 1.6)."""
    start = 0
    while start + 5 <= len(records) and records[start] == _MARKER:
        record, dataset, size = struct.unpack(">BBH", records[start + 1 : start + 5])
        end = start + 5
        if size & 0x8000:  # extended: the size's own size
            digits = size & 0x7FFF
            size = int.from_bytes(records[end : end + digits], "big")
            end += digits
        end += size
        if end > len(records):
            return
        yield record, dataset, records[start:end]
        start = end

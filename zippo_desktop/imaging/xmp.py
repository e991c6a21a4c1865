"""XMP packets: single properties are cut out of the text, all else stays as its writer formatted it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

logger = logging.getLogger(__name__)

_TIFF = "http://ns.adobe.com/tiff/1.0/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_XMP_NOTE = "http://ns.adobe.com/xmp/note/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_IPTC_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
_IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"

# No longer true of pixels that are upright; the thumbnail would still show the background, and the
# extension is a second packet that only JPEGs have and that is not kept.
_UNTRUE = {(_TIFF, "Orientation"), (_XMP, "Thumbnails"), (_XMP_NOTE, "HasExtendedXMP")}
# IPTC Photo Metadata Standard 2023.2: Location Created and Shown, and the older fields of one place.
_LOCATION = {
    (_PHOTOSHOP, "City"),
    (_PHOTOSHOP, "State"),
    (_PHOTOSHOP, "Country"),
    (_IPTC_CORE, "Location"),
    (_IPTC_CORE, "CountryCode"),
    (_IPTC_EXTENSION, "LocationCreated"),
    (_IPTC_EXTENSION, "LocationShown"),
}

_OPEN = 0  # a range whose end is not known yet
_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*+>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=<>/]+)\s*=\s*(?:"[^"]*"|'[^']*')""")


def kept(packet: Any) -> bytes | None:
    """A packet without what is no longer true of the decoded picture; None where it is no XML."""
    if not isinstance(packet, bytes):
        return None
    return _without(packet.rstrip(b"\0"), lambda space, name: (space, name) in _UNTRUE)


def without_location(packet: bytes) -> bytes | None:
    """A packet without GPS positions, of whatever namespace, and the IPTC's fields for places."""
    return _without(packet, lambda space, name: name.lower().startswith("gps") or (space, name) in _LOCATION)


def _without(packet: bytes, is_dropped: Callable[[str, str], bool]) -> bytes | None:
    """The packet without some properties, told by namespace and name, be they elements or attributes."""
    editor = _Editor(packet, is_dropped)
    try:
        return editor.edited()
    except (expat.ExpatError, ValueError) as error:
        logger.info("Unreadable XMP is dropped: %s", error)
        return None


class _Editor:
    """Goes once through a packet, and notes the ranges of bytes to be left out."""

    def __init__(self, packet: bytes, is_dropped: Callable[[str, str], bool]) -> None:
        self._packet = packet
        self._is_dropped = is_dropped
        self._ranges: list[tuple[int, int]] = []
        self._depth = 0  # of elements, within the one that is being dropped
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.namespace_prefixes = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def edited(self) -> bytes:
        """The packet without the noted ranges. Raises ExpatError, or ValueError."""
        self._parser.Parse(self._packet, True)
        pieces, position = [], 0
        for start, end in sorted(self._ranges):
            pieces.append(self._packet[position:start])
            position = end
        return b"".join([*pieces, self._packet[position:]])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth or self._is_dropped(*_split(name)[:2]):
            if not self._depth:
                begin, end = self._tag_range()
                is_empty = self._packet[end - 2 : end] == b"/>"
                self._ranges.append((begin, end if is_empty else _OPEN))
            self._depth += 1
            return
        dropped = {_split(key)[2] for key in attributes if self._is_dropped(*_split(key)[:2])}
        if dropped:
            begin, end = self._tag_range()
            for match in _ATTRIBUTE.finditer(self._packet, begin, end):
                if match[1].decode() in dropped:
                    self._ranges.append(match.span())

    def _end(self, name: str) -> None:
        if self._depth:
            self._depth -= 1
            begin, end = self._ranges[-1]
            if not self._depth and end == _OPEN:
                self._ranges[-1] = (begin, self._tag_range()[1])

    def _tag_range(self) -> tuple[int, int]:
        """Where the tag that is being read lies. Not to be asked at the end of an empty element."""
        match = _TAG.match(self._packet, self._parser.CurrentByteIndex)
        if match is None:
            raise ValueError("a tag that cannot be found again")
        return match.span()

    def _refuse_doctype(self, *_: object) -> None:
        raise ValueError("a document type, which XMP has none of")


def _split(name: str) -> tuple[str, str, str]:
    """Namespace, local and qualified name of what expat calls "namespace local prefix"."""
    parts = name.split(" ")
    if len(parts) == 1:
        return "", name, name
    space, local = parts[:2]
    return space, local, f"{parts[2]}:{local}" if len(parts) == 3 else local

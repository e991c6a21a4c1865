"""Taking the place where a photo was made out of its metadata."""

from __future__ import annotations

import logging
from dataclasses import replace

from PIL import ExifTags

from zippo_desktop.imaging import iptc, metadata, xmp
from zippo_desktop.imaging.layers import Metadata

logger = logging.getLogger(__name__)


def without_location(kept: Metadata) -> Metadata:
    """The same metadata without GPS positions and names of places, in EXIF, XMP and IPTC.

    What cannot be read is dropped as a whole, for it may tell a place. Captions and keywords are the
    photographer's own words, and stay.
    """
    return replace(
        kept,
        exif=kept.exif and _exif_without_gps(kept.exif),
        xmp=kept.xmp and xmp.without_location(kept.xmp),
        iptc=kept.iptc and iptc.without_location(kept.iptc),
    )


def _exif_without_gps(content: bytes) -> bytes | None:
    try:
        exif = metadata.parse_exif(content)
        if ExifTags.IFD.GPSInfo not in exif:
            return content
        del exif[ExifTags.IFD.GPSInfo]
        return metadata.exif_bytes(exif)
    except metadata.EXIF_ERRORS as error:
        logger.info("Unreadable EXIF is dropped: %r", error)
        return None

"""Metadata on its way into files: which of it is kept, and the wrapping that several formats share."""

from __future__ import annotations

import struct

from zippo_desktop.export.writing import KeptMetadata
from zippo_desktop.imaging.iptc import PHOTOSHOP_RESOURCE
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.imaging.location import without_location


def select_metadata(metadata: Metadata, kept: KeptMetadata) -> Metadata:
    """All of it, or without the place, or what the pixels mean alone: their colour profile and resolution."""
    if kept == "none":
        return Metadata(icc_profile=metadata.icc_profile, dpi=metadata.dpi)
    return without_location(metadata) if kept == "no-location" else metadata


def matte_metadata(metadata: Metadata) -> Metadata:
    """What is true of a grey picture of opacity, too: neither the photo's RGB profile nor its EXIF is."""
    return Metadata(dpi=metadata.dpi)


def photoshop_resource(iptc: bytes) -> bytes:
    """IPTC records as one of Photoshop's image resources, which is how JPEG and PNG carry them."""
    padding = bytes(len(iptc) % 2)
    return b"8BIM" + struct.pack(">HxxI", PHOTOSHOP_RESOURCE, len(iptc)) + iptc + padding

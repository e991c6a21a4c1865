from __future__ import annotations

import io

from PIL import ExifTags, Image

from tests.export.readers import CAMERA
from zippo_desktop.export.embedded import matte_metadata, photoshop_resource, select_metadata
from zippo_desktop.imaging.layers import Metadata


def exif_of(metadata: Metadata) -> Image.Exif:
    exif = Image.Exif()
    exif.load(metadata.exif)
    return exif


def test_all_metadata_is_kept_as_it_is() -> None:
    assert select_metadata(CAMERA, "all") is CAMERA


def test_without_metadata_the_colours_still_mean_the_same() -> None:
    assert select_metadata(CAMERA, "none") == Metadata(icc_profile=CAMERA.icc_profile, dpi=CAMERA.dpi)


def test_the_place_alone_can_be_left_out() -> None:
    kept = select_metadata(CAMERA, "no-location")

    assert ExifTags.IFD.GPSInfo in exif_of(CAMERA)
    assert ExifTags.IFD.GPSInfo not in exif_of(kept)
    assert exif_of(kept)[ExifTags.Base.Make] == "Maker of Cameras"
    assert (kept.icc_profile, kept.dpi, kept.parameters) == (
        CAMERA.icc_profile,
        CAMERA.dpi,
        CAMERA.parameters,
    )
    assert "Käfer".encode() in kept.xmp
    assert "Käfer".encode() in kept.iptc


def test_a_mattes_metadata_says_nothing_of_colours() -> None:
    assert matte_metadata(CAMERA) == Metadata(dpi=CAMERA.dpi)


def test_photoshops_resources_have_even_lengths() -> None:
    for records in (b"\x1c\x02\x50\x00\x03odd", b"\x1c\x02\x50\x00\x04even"):
        block = io.BytesIO(photoshop_resource(records))
        assert block.read(8) == b"8BIM\x04\x04\0\0"
        assert block.read(int.from_bytes(block.read(4), "big")) == records
        assert block.tell() % 2 == 0 or block.read() == b"\0"

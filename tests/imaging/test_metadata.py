"""EXIF, XMP, IPTC and resolution of files that exiftool wrote, and the same without the place."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import ExifTags, Image

from zippo_desktop.imaging import iptc, xmp
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.imaging.location import without_location

FOLDER = Path(__file__).parents[1] / "references" / "input"
ALL = ["jpg", "png", "webp", "tif", "heic", "avif"]
WITH_IPTC = ["jpg", "tif"]
PLACES = (b"Town", b"Square", b"State", b"Land", b"DEU", b"48,30", b"GPS")

CONTENT_LOCATION = b"\x1c\x02\x1a\x00\x03DEU\x1c\x02\x1b\x00\x04Town"
CITY_TO_COUNTRY = (
    b"\x1c\x02Z\x00\x04Town\x1c\x02\\\x00\x06Square\x1c\x02_\x00\x05State"
    b"\x1c\x02d\x00\x03DEU\x1c\x02e\x00\x04Land"
)

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
TIFF, EXIF = "{http://ns.adobe.com/tiff/1.0/}", "{http://ns.adobe.com/exif/1.0/}"
CORE, EXTENSION = (
    "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}",
    "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}",
)
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
ALWAYS_KEPT = {
    "{http://purl.org/dc/elements/1.1/}title",
    "{http://ns.adobe.com/xap/1.0/}Rating",
    f"{PHOTOSHOP}Credit",
}
PLACE_PROPERTIES = {
    *(f"{EXIF}GPSLatitude", f"{EXIF}GPSLongitude", f"{PHOTOSHOP}City", f"{PHOTOSHOP}Country"),
    *(f"{CORE}Location", f"{CORE}CountryCode", f"{EXTENSION}LocationCreated"),
}


def metadata(suffix: str) -> Metadata:
    return decode(FOLDER / f"metadata.{suffix}").metadata


def exif_of(kept: Metadata) -> Image.Exif:
    exif = Image.Exif()
    exif.load(kept.exif or b"")
    return exif


def properties(packet: bytes | None) -> set[str]:
    """The names of all properties of a packet, for which its XML must be sound."""
    found = set()
    for description in ElementTree.fromstring(packet or b"").iter(f"{RDF}Description"):
        found |= {name for name in description.attrib if not name.startswith(RDF)}
        found |= {child.tag for child in description}
    return found


@pytest.mark.parametrize("suffix", ALL)
def test_exif_is_kept_but_for_its_orientation(suffix: str) -> None:
    exif = exif_of(metadata(suffix))

    assert ExifTags.Base.Orientation not in exif
    assert (exif[ExifTags.Base.Make], exif[ExifTags.Base.Model]) == ("Maker", "Camera")
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (48, 30, 0)


@pytest.mark.parametrize("suffix", ALL)
def test_xmp_is_kept_but_for_its_orientation(suffix: str) -> None:
    packet = metadata(suffix).xmp

    assert properties(packet) == ALWAYS_KEPT | PLACE_PROPERTIES
    assert packet is not None
    stored = (FOLDER / f"metadata.{suffix}").read_bytes()
    before, _, behind = packet.partition(b"xmlns:tiff='http://ns.adobe.com/tiff/1.0/'>\n  ")
    assert before in stored  # byte by byte
    assert behind in stored


@pytest.mark.parametrize("suffix", ALL)
def test_resolution_is_read_from_the_exif_where_the_format_has_none(suffix: str) -> None:
    assert metadata(suffix).dpi == (240, 240)


@pytest.mark.parametrize("suffix", ALL)
def test_iptc_is_kept_byte_by_byte(suffix: str) -> None:
    records = metadata(suffix).iptc

    if suffix not in WITH_IPTC:
        assert records is None
        return
    assert records is not None
    assert records in (FOLDER / f"metadata.{suffix}").read_bytes()
    assert b"\x1c\x02\x78\x00\x11A caption with \xc3\xbc" in records
    assert records.count(b"\x1c\x02\x19") == 2


@pytest.mark.parametrize("suffix", ALL)
def test_without_location_no_place_is_left_and_all_else_is(suffix: str) -> None:
    before = metadata(suffix)
    after = without_location(before)

    exif = exif_of(after)
    assert ExifTags.IFD.GPSInfo not in exif
    assert exif[ExifTags.Base.Make] == "Maker"
    assert exif.get_ifd(ExifTags.IFD.Exif) == exif_of(before).get_ifd(ExifTags.IFD.Exif)
    assert properties(after.xmp) == ALWAYS_KEPT
    everything = b"".join(part or b"" for part in (after.exif, after.xmp, after.iptc))
    assert [place for place in PLACES if place in everything] == []
    assert (after.dpi, after.icc_profile) == (before.dpi, before.icc_profile)
    if before.iptc is not None:
        assert after.iptc is not None
        assert after.iptc == before.iptc.replace(CONTENT_LOCATION, b"").replace(CITY_TO_COUNTRY, b"")


def test_metadata_that_tells_no_place_is_left_alone() -> None:
    kept = without_location(metadata("jpg"))

    assert without_location(kept) == kept
    assert without_location(Metadata()) == Metadata()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_exif_that_cannot_be_read_is_not_written_on_when_places_must_go() -> None:
    broken = b"II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\xff\xff\xff\x7f"

    assert without_location(Metadata(exif=broken)).exif in (None, b"")


# XMP


def packet(attributes: bytes = b"", elements: bytes = b"") -> bytes:
    return (
        b'\xef\xbb\xbf<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:t="http://ns.adobe.com/tiff/1.0/"'
        b' xmlns:e="http://ns.adobe.com/exif/1.0/" xmlns:drone="http://example.org/drone/"'
        b' xmlns:xmp="http://ns.adobe.com/xap/1.0/"' + attributes + b">" + elements + b"</rdf:Description>"
        b'</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
    )


@pytest.mark.parametrize(
    ("attributes", "elements"),
    [
        (b' t:Orientation="6"', b""),
        (b"\n   t:Orientation = '6'", b""),
        (b"", b"<t:Orientation>6</t:Orientation>"),
        (b"", b"<xmp:Thumbnails><rdf:Alt><rdf:li>\xc3\xbc>Zg</rdf:li><rdf:li/></rdf:Alt></xmp:Thumbnails>"),
        (b"", b'<t:Orientation xml:lang="a>b"/>'),
    ],
)
def test_untrue_properties_are_cut_out_whatever_their_form_and_prefix(
    attributes: bytes, elements: bytes
) -> None:
    others = (b" t:Make=\"a &gt; b > c\" xmp:Rating='4'", b'<e:UserComment>t:Orientation="6"</e:UserComment>')

    kept = xmp.kept(packet(others[0] + attributes, elements + others[1]))

    assert kept == packet(*others)


def test_gps_of_any_namespace_is_a_place() -> None:
    attributes = b' drone:GpsLatitude="+48.5" e:GPSLongitude="9,15E" t:Make="M"'
    elements = b"<e:GPSAltitude>1/2</e:GPSAltitude><e:ISO>1</e:ISO>"

    assert xmp.without_location(packet(attributes, elements)) == packet(b' t:Make="M"', b"<e:ISO>1</e:ISO>")


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        "text",
        b"<x:xmpmeta>",
        b"no XML",
        packet()[:-60],
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a:b/>",
    ],
)
def test_what_is_no_xmp_is_dropped(content: object) -> None:
    assert xmp.kept(content) is None


def test_padding_with_zeros_is_no_damage() -> None:
    assert xmp.kept(packet() + b"\0") == packet()


# IPTC


def test_swapped_numbers_of_a_tiff_are_put_in_order() -> None:
    records = b"\x1c\x02\x19\x00\x03one"

    assert iptc.kept(iptc.from_tiff(records)) == records
    swapped = b"".join(records[i : i + 4][::-1] for i in range(0, len(records), 4))
    assert iptc.kept(iptc.from_tiff(swapped)) == records


def test_iptc_ends_where_it_is_damaged() -> None:
    sound = b"\x1c\x02\x19\x00\x03one"

    assert iptc.kept(sound + b"\x1c\x02\x19\x00\x09two") == sound
    assert iptc.kept(sound + bytes(9)) == sound
    assert iptc.kept(b"rubbish") is None
    assert iptc.kept(None) is None


def test_iptc_of_extended_size_is_understood() -> None:
    long = b"\x1c\x02\x78\x80\x04" + (70_000).to_bytes(4, "big") + b"x" * 70_000
    city = b"\x1c\x02\x5a\x00\x04Town"

    assert iptc.kept(long + city) == long + city
    assert iptc.without_location(long + city) == long
    assert iptc.without_location(city) is None

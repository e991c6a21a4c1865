"""Every kind of input through the whole program into every kind of output, as other readers find it.

The inputs were written by ImageMagick, libheif, ExifTool and GIMP (tests/references/input/make.sh).
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from psd_tools import PSDImage
from psd_tools.constants import Resource

from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.batch.runner import run_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.export.write import SUFFIXES
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.decode import Photo, decode
from zippo_desktop.pipelines.request import MattingRequest

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

FOLDER = Path(__file__).parent / "references" / "input"
INPUTS = sorted(path for path in FOLDER.iterdir() if path.suffix != ".sh")
SIZE = (48, 32)
LOSSY = {"webp": 10, "avif": 6}  # mean error that their compression may cost
ORIENTATION, MAKE = ExifTags.Base.Orientation, ExifTags.Base.Make


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All inputs in all formats; the photo's own pixels everywhere, so that they can be compared."""
    folder = tmp_path_factory.mktemp("out")
    writing = Writing(tuple(SUFFIXES), under_alpha="keep")
    job = plan_matting(INPUTS, MattingRequest(foreground=False), Options(folder, writing=writing))
    report = run_job(job, FakeSession)
    assert [result.message for result in report.failures] == []
    return folder


@pytest.fixture(scope="module")
def photos() -> dict[Path, Photo]:
    return {path: decode(path) for path in INPUTS}


def written(out: Path, source: Path, kind: str) -> Path:
    """Inputs of one stem have their endings in the results' names."""
    is_shared = sum(path.stem == source.stem for path in INPUTS) > 1
    stem = f"{source.stem}-{source.suffix[1:]}" if is_shared else source.stem
    return out / f"{stem}{SUFFIXES[kind]}"


def picture(path: Path, kind: str) -> Image.Image:
    """What a reader of the format sees: the flat picture, the subject's layer, or the merged one."""
    if kind in ("psd", "psb"):
        subject = next(layer for layer in PSDImage.open(path) if layer.name == "Subject")
        return Image.fromarray(np.rint(subject.numpy("color") * 255).astype(np.uint8))
    if kind == "ora":
        with zipfile.ZipFile(path) as archive:
            return Image.open(io.BytesIO(archive.read("mergedimage.png")))
    return Image.open(next(path.glob("*-subject.png")) if kind == "layers" else path)


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("source", INPUTS, ids=lambda path: path.name)
def test_pixels_arrive_upright_and_unchanged(out, photos, source, kind):
    photo, found = photos[source], picture(written(out, source, kind), kind)
    assert found.size == photo.size
    if kind == "jpeg":
        return  # over white; its pixels are tested with its exporter
    expected = (photo.pixels >> 8 if photo.pixels.dtype == np.uint16 else photo.pixels).astype(int)
    colours = np.asarray(found.convert("RGBA"))[..., :3].astype(int)
    is_seen = np.asarray(found.convert("RGBA"))[..., 3] > 0  # OpenRaster and layer folders scrub the rest
    error = np.abs(colours - expected)[is_seen]
    if error.size:
        assert error.mean() <= LOSSY.get(kind, 1)


@pytest.mark.parametrize("kind", [kind for kind in SUFFIXES if kind not in ("ora", "layers", "psd", "psb")])
@pytest.mark.parametrize("source", INPUTS, ids=lambda path: path.name)
def test_metadata_arrives(out, photos, source, kind):
    kept = photos[source].metadata
    found = picture(written(out, source, kind), kind)
    exif = found.getexif()
    assert exif.get(ORIENTATION, 1) == 1
    assert found.info.get("icc_profile") == kept.icc_profile
    if kept.exif and MAKE in _exif(kept.exif):
        assert exif[MAKE] == _exif(kept.exif)[MAKE]
        assert exif.get_ifd(ExifTags.IFD.GPSInfo) == _exif(kept.exif).get_ifd(ExifTags.IFD.GPSInfo)
    if kept.xmp:
        assert kept.xmp in written(out, source, kind).read_bytes()
    if kept.dpi and kind in ("png", "tiff", "jpeg"):
        assert found.info["dpi"] == pytest.approx(kept.dpi, abs=0.6)


@pytest.mark.parametrize("kind", ["psd", "psb"])
@pytest.mark.parametrize("name", ["metadata.jpg", "metadata.tif", "rgba16.png", "cmyk.jpg"])
def test_metadata_arrives_in_layered_files(out, photos, name, kind):
    source = FOLDER / name
    kept, resources = photos[source].metadata, PSDImage.open(written(out, source, kind)).image_resources
    if kept.icc_profile:
        assert resources.get_data(Resource.ICC_PROFILE) == kept.icc_profile
    if kept.iptc:
        assert resources.get_data(Resource.IPTC_NAA) == kept.iptc
    if kept.xmp:
        assert resources.get_data(Resource.XMP_METADATA) == kept.xmp


@pytest.mark.parametrize("kind", ["png", "tiff", "psd", "psb", "ora"])
@pytest.mark.parametrize("name", ["rgb16.png", "rgba16.tif", "12-bit.heic", "12-bit.avif"])
def test_depth_arrives(out, name, kind):
    path = written(out, FOLDER / name, kind)
    if kind in ("psd", "psb"):
        assert PSDImage.open(path).depth == 16
        return
    content = path.read_bytes()
    if kind == "ora":
        with zipfile.ZipFile(path) as archive:
            content = archive.read("mergedimage.png")
    if kind == "tiff":
        assert set(Image.open(path).tag_v2[258]) == {16}  # type: ignore[attr-defined]
    else:
        assert content[24] == 16  # the bit depth in IHDR


def _exif(content: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(content)
    return exif

"""The set of stamps, from made-up packages: what counts as a photograph, and what is written."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zippo_desktop.errors import InputError, UsageError
from zippo_desktop.training import stamps
from zippo_desktop.training.stamps import canvas_for, is_photograph, read_stamps, write_stamp_set

STAMPS = "./usr/share/tuxpaint/stamps/"


def picture(is_drawn: bool = False, side: int = 120) -> np.ndarray:
    """A disc: of textured colours, or of one."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    rgba = np.full((side, side, 4), (200, 90, 40, 0), np.uint8)
    if not is_drawn:
        rgba[..., :3] = rng.integers(40, 220, (side, side, 3))
    rgba[..., 3] = np.rint(np.clip(side * 0.45 - np.hypot(x, y), 0, 2) / 2 * 255)
    return rgba


def encoded(pixels: np.ndarray, suffix: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, suffix)
    return buffer.getvalue()


def write_deb(path: Path, files: dict[str, bytes]) -> Path:
    """A package with these files, as deb(5) has it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    package = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0"), ("data.tar.xz", data.getvalue())):
        package += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        package += content + b"\n" * (len(content) % 2)
    path.write_bytes(package)
    return path


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both packages, made up, where they would be fetched to."""
    photo = encoded(picture())
    names = ("animals/mammals/cats/lion", "animals/birds/owl", "household/mug", "animals/birds/owl_mirror")
    files = {f"{STAMPS}{name}.png": photo for name in names}
    files |= {
        f"{STAMPS}animals/mammals/cats/lion.txt": b"A lion.\nde.utf8=Ein L\xc3\xb6we.\n",
        f"{STAMPS}animals/mammals/cats/cartoon/kitten.png": photo,
        f"{STAMPS}clothes/hat.png": encoded(picture(is_drawn=True)),
        f"{STAMPS}animals/birds/owl_desc.ogg": b"sound",
    }
    write_deb(tmp_path / "stamps.deb", files)
    scene = encoded(np.random.default_rng(1).integers(0, 255, (90, 120, 3), np.uint8), "JPEG")
    wallpapers = {"./usr/share/backgrounds/" + stamps.SCENES[0]: scene, "./usr/share/other.jpg": b""}
    write_deb(tmp_path / "wallpapers.deb", wallpapers)
    fetched = {stamps.STAMPS: "stamps.deb", stamps.WALLPAPERS: "wallpapers.deb"}
    monkeypatch.setattr(stamps, "fetch", lambda package, folder: folder / fetched[package])
    return tmp_path


def test_drawings_and_small_pictures_are_no_photographs() -> None:
    assert is_photograph(picture())
    assert not is_photograph(picture(is_drawn=True))
    assert not is_photograph(picture(side=40))
    assert not is_photograph(np.zeros((120, 120, 4), np.uint8))


def test_stamps_have_captions_and_leave_out_cartoons_drawings_and_twins(packages: Path) -> None:
    found = read_stamps(packages / "stamps.deb")
    assert [stamp.name for stamp in found] == ["owl", "lion", "mug"]
    assert [stamp.caption for stamp in found] == ["owl", "A lion.", "mug"]
    assert [stamp.is_soft for stamp in found] == [False, True, False]


def test_the_set_is_whole_and_repeatable(packages: Path) -> None:
    for name in ("first", "second"):
        assert write_stamp_set(packages / name, packages, [], count=10, seed=3) == 3
    with (packages / "first" / "index.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["stamp"] for row in rows) == [
        "animals/birds/owl",
        "animals/mammals/cats/lion",
        "household/mug",
    ]
    assert [row["is_soft"] for row in rows if row["name"] == "A lion."] == ["1"]
    for row in rows:
        image, matte = (Image.open(packages / "first" / kind / row["file"]) for kind in ("image", "matte"))
        assert image.size == matte.size
        assert 256 <= max(image.size) <= 512
        assert (image.mode, matte.mode) == ("RGB", "L")
        second = packages / "second" / "image" / row["file"]
        assert (packages / "first" / "image" / row["file"]).read_bytes() == second.read_bytes()
    with pytest.raises(UsageError, match="not empty"):
        write_stamp_set(packages / "first", packages, [])


def test_a_package_without_stamps_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no stamps"):
        read_stamps(write_deb(tmp_path / "empty.deb", {"./usr/share/doc/readme": b""}))


@pytest.mark.parametrize("shape", [(60, 500), (400, 90), (176, 157), (900, 900)])
def test_a_stamp_lies_whole_on_its_canvas_and_is_hardly_enlarged(shape: tuple[int, int]) -> None:
    for seed in range(20):
        height, width, at = canvas_for(np.zeros((*shape, 4), np.uint8), np.random.default_rng(seed))
        assert max(height, width) in range(256, 513)
        assert 0 <= at.left <= width - at.width
        assert 0 <= at.top <= height - at.height
        assert at.height <= round(shape[0] * stamps.LARGEST_SCALE)
        assert at.width / at.height == pytest.approx(shape[1] / shape[0], rel=0.05)

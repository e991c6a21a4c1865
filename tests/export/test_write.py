from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from tests.export.stacks import make_stack
from zippo_desktop.errors import ExportError, UsageError
from zippo_desktop.export import write as write_module
from zippo_desktop.export.png import cutout
from zippo_desktop.export.write import Target, export, planned_paths
from zippo_desktop.imaging.decode import decode, decode_matte


def target(directory: Path, *formats: str, with_matte: bool = False) -> Target:
    return Target(directory, "a", formats, with_matte)


def test_all_formats_are_written_as_planned(tmp_path: Path) -> None:
    wanted = target(tmp_path / "new" / "folder", "png", "psd", "layers", with_matte=True)

    paths = export(make_stack(), wanted)

    assert paths == planned_paths(wanted)
    assert [path.name for path in paths] == ["a.png", "a.psd", "a.layers", "a.matte.png"]
    assert sorted(os.listdir(wanted.directory)) == sorted(path.name for path in paths)
    assert len(PSDImage.open(paths[1])) == 3


@pytest.mark.parametrize("bits", [8, 16])
def test_a_cut_out_can_be_read_again(tmp_path: Path, bits: int) -> None:
    stack = make_stack(bits)
    png, matte = export(stack, target(tmp_path, "png", with_matte=True))

    photo = decode(png)
    rgba = cutout(stack.subject, stack.matte)
    np.testing.assert_array_equal(photo.pixels, rgba[..., :3])
    np.testing.assert_array_equal(photo.alpha, decode_matte(png))
    np.testing.assert_array_equal(decode_matte(matte), decode_matte(png))
    assert photo.metadata.icc_profile == stack.metadata.icc_profile
    assert photo.metadata.dpi == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize(("bits", "mode"), [(8, "L"), (16, "I;16")])
def test_a_matte_is_grey_of_the_photos_depth_without_its_profile(
    tmp_path: Path, bits: int, mode: str
) -> None:
    (path,) = export(make_stack(bits), target(tmp_path, with_matte=True))
    image = Image.open(path)
    image.load()

    assert image.mode == mode
    assert set(image.info) == {"dpi"}


def test_results_are_written_over_old_ones(tmp_path: Path) -> None:
    export(make_stack(8), target(tmp_path, "png", "layers"))
    paths = export(make_stack(16), target(tmp_path, "png", "layers"))

    assert decode(paths[0]).pixels.dtype == np.uint16
    assert sorted(os.listdir(tmp_path)) == ["a.layers", "a.png"]


def test_a_format_asked_for_twice_is_written_once(tmp_path: Path) -> None:
    assert len(planned_paths(target(tmp_path, "png", "png"))) == 1


def test_an_unknown_format_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no format bmp"):
        planned_paths(target(tmp_path, "png", "bmp"))


def test_a_failure_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_midway(_: object, file: object) -> None:
        file.write(b"8BPS")
        raise ExportError("too large")

    monkeypatch.setattr(write_module, "write_psd", fail_midway)
    with pytest.raises(ExportError, match="too large"):
        export(make_stack(), target(tmp_path, "png", "psd"))

    assert os.listdir(tmp_path) == ["a.png"]

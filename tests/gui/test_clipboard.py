"""Results read for the clipboard: also those that Qt does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from tests.export.stacks import HEIGHT, WIDTH, make_stack
from tests.imaging.test_decode_layered import write
from zippo_desktop.errors import InputError
from zippo_desktop.gui import clipboard


@pytest.mark.parametrize("suffix", [".psd", ".psb", ".ora"])
def test_a_layered_result_is_copied_as_the_picture_that_it_shows(tmp_path: Path, suffix: str) -> None:
    stack = make_stack()
    copied = clipboard.read_picture(write(tmp_path / f"a{suffix}", stack))
    image = QImage.fromData(copied.png)
    assert (image.width(), image.height()) == (WIDTH, HEIGHT)
    for x in (5, WIDTH // 2, WIDTH - 5):
        assert abs(image.pixelColor(x, 1).alphaF() - stack.matte[1, x]) < 0.01
    wanted = stack.subject[1, WIDTH - 5]
    found = image.pixelColor(WIDTH - 5, 1).getRgb()[:3]
    assert max(abs(int(a) - int(b)) for a, b in zip(found, wanted, strict=True)) <= 2


@pytest.mark.parametrize("suffix", [".png", ".psd"])
def test_what_is_no_picture_is_told(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(b"no picture")
    with pytest.raises(InputError, match=f"a{suffix}"):
        clipboard.read_picture(tmp_path / f"a{suffix}")

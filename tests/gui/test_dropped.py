"""What is dropped and pasted, and what is dragged out."""

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QColor, QImage

from tests.gui.item_lists import make_cutout, make_photo
from zippo_desktop.errors import ZippoError
from zippo_desktop.gui import dropped as module
from zippo_desktop.gui.dropped import Intake, PictureMime, can_take, dropped_dir, read_mime, save_picture


@pytest.fixture
def intake(qtbot):
    intake = Intake()
    yield intake
    intake.close()


def urls(*addresses) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl(address) for address in addresses])
    return mime


def text(content: str) -> QMimeData:
    mime = QMimeData()
    mime.setText(content)
    return mime


def picture(colour="red") -> QImage:
    image = QImage(4, 3, QImage.Format.Format_ARGB32)
    image.fill(QColor(colour))
    return image


def hear(intake) -> dict:
    """The last of what is found and told, by signal."""
    heard = {}
    intake.found.connect(lambda found: heard.update(found=found))
    intake.told.connect(lambda sentence: heard.update(told=sentence))
    return heard


def names(found):
    return [each.path.name for each in found]


def test_local_urls_are_paths(qapp, tmp_path):
    path = tmp_path / "ä b#c.jpg"
    mime = urls(QUrl.fromLocalFile(str(path)).toString(), "https://example.org/x.jpg")
    assert read_mime(mime).paths == [path]


def test_a_uri_list_is_paths(qapp, tmp_path):
    mime = QMimeData()
    mime.setData("text/uri-list", f"file://{tmp_path}/a.jpg\r\nfile://{tmp_path}/b.jpg\r\n".encode())
    assert can_take(mime)
    assert read_mime(mime).paths == [tmp_path / "a.jpg", tmp_path / "b.jpg"]


def test_a_browsers_picture_is_taken_with_its_name(qapp):
    mime = urls("https://example.org/shop/red%20shoe.jpg?size=2")
    mime.setImageData(picture())
    dropped = read_mime(mime)
    assert dropped.image.size().toTuple() == (4, 3)
    assert (dropped.name, dropped.paths, dropped.refused) == ("red shoe", [], [])


def test_an_address_alone_is_refused_with_what_to_do(qapp):
    dropped = read_mime(urls("https://example.org/x.jpg"))
    assert dropped.refused == [
        "https://example.org/x.jpg is on the network. Save the picture, then drop the file."
    ]


def test_text_may_be_paths(qapp, tmp_path):
    photo, folder = make_photo(tmp_path / "a b.jpg"), tmp_path
    lines = f'"{photo}"\n{folder}\n\nfile://{photo.as_posix().replace(" ", "%20")}\n/no/such.jpg\nwords'
    dropped = read_mime(text(lines))
    assert dropped.paths == [photo, folder, photo]
    assert dropped.refused == ["There is no file /no/such.jpg.", "There is no file words."]


@pytest.mark.parametrize("content", ["~nobody-of-this-name/x", "a\0b", "x" * 5000])
def test_text_that_can_be_no_path_is_refused(qapp, content):
    dropped = read_mime(text(content))
    assert not dropped.paths
    assert len(dropped.refused) == 1
    assert len(dropped.refused[0]) < 250


def test_nothing_is_not_taken(qapp):
    assert not can_take(QMimeData())
    assert not can_take(text("  \n"))


def test_pictures_are_kept_under_names_of_their_own(qapp, tmp_path):
    paths = [save_picture(picture(), tmp_path / "new", "shoe/1") for _ in range(3)]
    assert len(set(paths)) == 3
    assert all(path.parent == tmp_path / "new" and path.suffix == ".png" for path in paths)
    assert Image.open(paths[0]).convert("RGB").getpixel((0, 0)) == (255, 0, 0)
    assert save_picture(picture(), tmp_path).name.startswith("picture-")


def test_a_place_that_takes_no_picture_is_told(qapp, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZippoError, match="cannot be made"):
        save_picture(picture(), tmp_path / "file")


def test_a_cut_out_goes_out_as_file_png_and_picture(qapp, tmp_path):
    path = make_cutout(tmp_path / "a.png")
    mime = PictureMime([path])
    assert [url.toLocalFile() for url in mime.urls()] == [str(path)]
    assert bytes(mime.data("image/png").data()) == path.read_bytes()
    assert mime.hasImage()
    image = mime.imageData()
    assert image.hasAlphaChannel()
    assert image.pixelColor(0, 0).alpha() == 0


def test_several_files_go_out_as_files_alone(qapp, tmp_path):
    mime = PictureMime([make_cutout(tmp_path / "a.png"), make_cutout(tmp_path / "b.png")])
    assert len(mime.urls()) == 2
    assert not mime.hasImage()


def test_a_picture_that_is_gone_goes_out_empty(qapp, tmp_path):
    mime = PictureMime([tmp_path / "gone.png"])
    assert mime.data("image/png").isEmpty()


def test_a_folder_is_looked_through_with_its_sub_folders(intake, qtbot, tmp_path):
    make_photo(tmp_path / "a.jpg")
    make_photo(tmp_path / "sub" / "b.png")
    (tmp_path / "notes.txt").write_text("no picture")
    heard = hear(intake)
    intake.take_paths([tmp_path])
    assert intake.is_busy
    qtbot.waitUntil(lambda: not intake.is_busy)
    given, told = heard["found"], heard["told"]
    assert names(given) == ["a.jpg", "b.png"]
    assert given[1].subfolder == Path("sub")
    assert told == "1 other file passed over: no pictures."


def test_results_are_no_photos(intake, qtbot, tmp_path):
    make_photo(tmp_path / "a.jpg")
    make_cutout(tmp_path / "out" / "a.png")
    intake.output_dir = tmp_path / "out"
    with qtbot.waitSignal(intake.found) as signal:
        intake.take_paths([tmp_path])
    assert names(signal.args[0]) == ["a.jpg"]
    with qtbot.waitSignal(intake.told) as signal:
        intake.take_paths([tmp_path / "out"])
    assert "input and output at once" in signal.args[0]


def test_what_cannot_be_used_is_told(intake, qtbot, tmp_path):
    with qtbot.waitSignal(intake.told) as signal:
        intake.take_paths([tmp_path / f"{number}.jpg" for number in range(5)])
    assert "0.jpg does not exist." in signal.args[0]
    assert signal.args[0].endswith("2 more could not be used.")
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(intake.told) as signal:
        intake.take_paths([tmp_path / "empty"])
    assert signal.args[0] == "There is no picture in it."


def test_a_picture_without_a_file_is_kept_and_told(intake, qtbot):
    mime = QMimeData()
    mime.setImageData(picture())
    heard = hear(intake)
    intake.take(read_mime(mime))
    qtbot.waitUntil(lambda: not intake.is_busy)
    kept = heard["found"][0].path
    assert kept.parent == dropped_dir()
    assert Image.open(kept).size == (4, 3)
    assert heard["told"] == f"The picture is kept as {kept}."


def test_a_large_folder_comes_in_parts(intake, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    for number in range(10):
        (tmp_path / f"{number}.jpg").write_bytes(b"x")
    parts = []
    intake.found.connect(parts.append)
    with qtbot.waitSignal(intake.busy_changed, check_params_cb=lambda is_busy: not is_busy):
        intake.take_paths([tmp_path])
    assert [len(part) for part in parts] == [4, 4, 2]
    assert [name for part in parts for name in names(part)] == [f"{number}.jpg" for number in range(10)]


def test_a_bug_ends_the_wait_too(intake, qtbot, monkeypatch, caplog):
    def fail(*given):
        raise RuntimeError("a bug")

    monkeypatch.setattr(module, "_look", fail)
    with qtbot.waitSignal(intake.told) as signal:
        intake.take_paths([Path("a.jpg")])
    assert signal.args[0] == "The files cannot be taken. The log says why."
    qtbot.waitUntil(lambda: "Unexpected error" in caplog.text)
    caplog.clear()
    assert not intake.is_busy

"""Packages: found, checked by digest, and read, without a network."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.training.recipe.packages import deb_bytes, source_of, tar_bytes
from tests.training.test_stamps import write_deb
from zippo_desktop.errors import InputError
from zippo_desktop.training.packages import debian_members, fetch, npm_members, unpack


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("toy.tgz", tar_bytes({"package/a.txt": b"hello"}, "w:gz")),
        ("toy.deb", deb_bytes({"package/a.txt": b"hello"})),
    ],
)
def test_a_package_that_is_there_is_unpacked_without_network(tmp_path: Path, file: str, content: bytes):
    (tmp_path / file).write_bytes(content)

    folder = unpack(source_of(file, content), tmp_path, tmp_path / "packages")

    assert (folder / "package/a.txt").read_bytes() == b"hello"


def test_another_file_is_refused_by_name_and_nothing_is_unpacked(tmp_path: Path):
    (tmp_path / "toy.tgz").write_bytes(b"something else")
    source = source_of("toy.tgz", tar_bytes({"a": b""}, "w:gz"))

    with pytest.raises(InputError, match=r"toy\.tgz is not toy 1\.0: its SHA-256"):
        unpack(source, tmp_path, tmp_path / "packages")

    assert list((tmp_path / "packages").glob("*")) == []


def test_a_failed_download_tells_where_to_put_the_file(tmp_path: Path):
    with pytest.raises(InputError, match=r"put it there as toy\.tgz"):
        fetch(source_of("toy.tgz", b""), tmp_path / "downloads")

    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_path_out_of_the_folder_is_refused(tmp_path: Path):
    content = tar_bytes({"../evil.txt": b"x"}, "w:gz")
    (tmp_path / "toy.tgz").write_bytes(content)

    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(source_of("toy.tgz", content), tmp_path, tmp_path / "packages")

    assert not (tmp_path / "evil.txt").exists()
    assert not (tmp_path / "packages/evil.txt").exists()


def test_members_of_a_debian_package(tmp_path: Path) -> None:
    path = write_deb(tmp_path / "a.deb", {"./usr/a.txt": b"odd", "./usr/b.txt": b"even"})
    assert dict(debian_members(path)) == {"usr/a.txt": b"odd", "usr/b.txt": b"even"}
    for broken in (b"no package", path.read_bytes()[:200]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"a\.deb"):
            list(debian_members(path))


def test_members_of_one_folder_of_an_npm_package(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        for name in ("package/dist/one", "package/two", "package/dist/deep/three"):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"abc"))
    assert npm_members(tmp_path / "a.tgz", "package/dist") == {"one": b"abc"}

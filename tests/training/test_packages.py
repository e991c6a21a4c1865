"""Packages: found, checked by digest, and read; no client is ever really run."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest

from tests.training.test_stamps import write_deb
from zippo_desktop.errors import InputError, UsageError
from zippo_desktop.training.packages import Package, debian_members, fetch, npm_members, npm_package

CONTENT = b"a package"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def package(*command: str) -> Package:
    return Package("thing.tgz", DIGEST, command, "registry.example.org")


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "thing.tgz").write_bytes(CONTENT)
    assert fetch(package("no-such-client"), tmp_path) == tmp_path / "thing.tgz"


def test_the_client_runs_in_the_folder(tmp_path: Path) -> None:
    command = (sys.executable, "-c", f"open('thing.tgz', 'wb').write({CONTENT!r})")
    assert fetch(package(*command), tmp_path / "new").read_bytes() == CONTENT


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thing.tgz").write_bytes(b"something else")
    with pytest.raises(InputError, match="not the file that was measured with"):
        fetch(package(), tmp_path)


def test_a_client_that_is_missing_fails_or_brings_nothing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-client is not installed"):
        fetch(package("no-such-client"), tmp_path)
    with pytest.raises(UsageError, match="failed: no such package"):
        fetch(package(sys.executable, "-c", "raise SystemExit('no such package')"), tmp_path)
    with pytest.raises(UsageError, match=r"did not bring thing\.tgz"):
        fetch(package(sys.executable, "-c", ""), tmp_path)


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
    assert npm_package("@who/what", "1.2.3", "").file == "who-what-1.2.3.tgz"

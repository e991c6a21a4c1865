from pathlib import Path

import pytest

from zippo_desktop.errors import UsageError
from zippo_desktop.training.new_folder import check_new_folder


def test_a_missing_or_an_empty_folder_will_do(tmp_path: Path):
    check_new_folder(tmp_path)
    check_new_folder(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


def test_a_folder_with_content_and_a_file_are_refused(tmp_path: Path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")

    with pytest.raises(UsageError, match="not empty"):
        check_new_folder(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        check_new_folder(tmp_path / "file")

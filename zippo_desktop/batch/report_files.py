"""A report as a file, of the kind that its name says."""

from __future__ import annotations

from pathlib import Path

from zippo_desktop.batch.report import Report
from zippo_desktop.batch.report_page import write_page
from zippo_desktop.errors import UsageError
from zippo_desktop.export.atomic import make_output_dir, open_atomically

REPORT_SUFFIXES = (".html", ".json")


def check_report_path(path: Path) -> None:
    """Raises `UsageError` for a name that is of no kind of report: better before the job than after it."""
    if path.suffix.lower() not in REPORT_SUFFIXES:
        hint = "End its name in .html for a page to look at, or in .json for programs."
        raise UsageError(f"{path} is no name for a report.", hint)


def write_report(report: Report, job_dir: Path | None, path: Path) -> None:
    """Write a page or JSON, making the folder. The job's folder holds the page's pictures.

    Raises `UsageError` for a name of another kind, `ExportError` where it cannot be written.
    """
    check_report_path(path)
    if path.suffix.lower() == ".html":
        write_page(report, job_dir, path)
        return
    make_output_dir(path.parent)
    with open_atomically(path) as file:
        file.write(report.to_json().encode())

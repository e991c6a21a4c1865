"""`zippo-desktop resume` and `zippo-desktop jobs`: what was begun, and going on with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import output_console, plain

EXAMPLES = """Examples:

    zippo-desktop resume

    zippo-desktop resume 20260102-101500-matting --retry-failed
"""


def complete_job(incomplete: str) -> list[str]:
    """Names of jobs, for tab completion."""
    from zippo_desktop.batch.saved_job import list_jobs
    from zippo_desktop.paths import jobs_dir

    return [folder.name for folder in list_jobs(jobs_dir()) if folder.name.startswith(incomplete)]


JobArgument = Annotated[
    str, typer.Argument(metavar="JOB|DIR", help="A job, or last.", autocompletion=complete_job)
]


def resume(
    job: JobArgument = "last",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try the failed items again, too.")
    ] = False,
    report: opt.ReportOption = None,
    quiet: opt.QuietOption = None,
) -> None:
    """Go on with a job that was stopped, with its own options and model.

    What is done is left alone, unless its photo or its results have changed since.
    """
    from zippo_desktop.batch.saved_job import find_job
    from zippo_desktop.cli.run import Shown, go_on
    from zippo_desktop.paths import jobs_dir

    shown = Shown(report or (), is_dry_run=False, quiet=quiet)
    go_on(find_job(jobs_dir(), job), shown, retry_failed=retry_failed)


def list_() -> None:
    """List the jobs, the oldest first: name, items done, failed, skipped and left, output folder."""
    from zippo_desktop.batch.saved_job import list_jobs, read_job
    from zippo_desktop.paths import jobs_dir

    for folder in list_jobs(jobs_dir()):
        saved = read_job(folder)
        told = ", ".join(f"{count} {what}" for what, count in saved.counts.items() if count)
        output_console().print(plain(f"{folder.name}  {told}  {saved.job.options.output_dir}"))


def show(job: JobArgument = "last") -> None:
    """Tell what a job was to do, and what became of each item."""
    from zippo_desktop.batch.saved_job import find_job, read_job
    from zippo_desktop.paths import jobs_dir

    saved = read_job(find_job(jobs_dir(), job))
    options = saved.job.options
    for name, fact in {
        "job": saved.job_dir,
        "begun": saved.created_at,
        "task": saved.job.task,
        "model": options.model,
        "formats": ", ".join(options.writing.formats),
        "output": options.output_dir,
    }.items():
        output_console().print(plain(f"{name + ':':<10}{fact}"))
    for index, item in enumerate(saved.job.items):
        line = saved.lines.get(index)
        told = f"{line['status']}  {line['message']}".rstrip() if line else "left"
        output_console().print(plain(f"{item.label}  {told}"))


def report(
    output: Annotated[
        list[Path],
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.html|FILE.json",
            help="The file to write; may be repeated.",
            show_default=False,
        ),
    ],
    job: JobArgument = "last",
) -> None:
    """Write the report of a job, also of one that is under way: a page to look at, or JSON."""
    from zippo_desktop.batch.report_files import check_report_path, write_report
    from zippo_desktop.batch.saved_job import find_job, read_job
    from zippo_desktop.paths import jobs_dir

    for path in output:
        check_report_path(path)
    saved = read_job(find_job(jobs_dir(), job))
    for path in output:
        write_report(saved.report(), saved.job_dir, path)
        output_console().print(plain(f"Wrote {path}."))


def remove(
    jobs: Annotated[
        list[str], typer.Argument(metavar="JOB|DIR...", help="Jobs.", autocompletion=complete_job)
    ],
) -> None:
    """Forget jobs: their folders with options and journal. Results and photos stay where they are."""
    from zippo_desktop.batch.saved_job import find_job, job_lock
    from zippo_desktop.paths import jobs_dir

    for folder in [find_job(jobs_dir(), name) for name in jobs]:
        with job_lock(folder):  # not under another program's hands
            pass
        shutil.rmtree(folder)
        output_console().print(plain(f"Removed {folder}."))

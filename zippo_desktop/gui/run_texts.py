"""What is said of a run in figures: the same words in the run bar, the log and the notification."""

from __future__ import annotations

from zippo_desktop.batch.report import Report
from zippo_desktop.engine.session import SessionInfo
from zippo_desktop.gui.run_progress import RunProgress

_VERBS = {"matting": "cut out", "painting": "painted", "generation": "generated"}
_PROVIDERS = {
    "cpu": "CPU",
    "cuda": "CUDA",
    "tensorrt": "TensorRT",
    "directml": "DirectML",
    "coreml": "Core ML",
    "mps": "Metal",
}


def counts(progress: RunProgress) -> str:
    """How many items there are, and how those ended that did not end well."""
    told = [f"{progress.ended:,} of {progress.total:,}"]
    told += [f"{progress.failed:,} failed"] if progress.failed else []
    told += [f"{progress.skipped:,} skipped"] if progress.skipped else []
    told += [f"{progress.doubtful:,} to check"] if progress.doubtful else []
    return ", ".join(told)


def pace(progress: RunProgress) -> str:
    """Rate and time left, nothing before there is a rate."""
    rate, left_s = progress.rate, progress.left_s
    if rate is None or left_s is None:
        return ""
    return f"{rate_text(rate)} · {duration(left_s)} left"


def rate_text(rate: float) -> str:
    """Items a second, or a minute where that is less than one."""
    return f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.1f}/min"


def duration(seconds: float) -> str:
    """A time as 0:07, 12:30 or 3:05 h."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02} h"
    return f"{whole // 60}:{whole % 60:02}"


def summary(report: Report) -> str:
    """One sentence on how a job ended."""
    ended = report.counts
    told = [f"{ended['done']:,} {_VERBS[report.task]}"]
    told += [f"{ended[kind]:,} {kind}" for kind in ("failed", "skipped") if ended[kind]]
    told += [f"{ended['not_started']:,} not done"] if ended["not_started"] else []
    told += [f"{report.passed_over:,} other files passed over"] if report.passed_over else []
    return f"{', '.join(told)}, in {duration(report.seconds)}."


def device(info: SessionInfo) -> str:
    """What a session really runs on."""
    name = _PROVIDERS.get(info.provider, info.provider)
    return f"{name} · {'ONNX' if info.engine == 'onnx' else info.engine}"

"""What a generated picture says about its own making, in words and numbers."""

from __future__ import annotations

from dataclasses import fields

from zippo_desktop import __version__
from zippo_desktop.engine.session import ModelSpec, SessionInfo
from zippo_desktop.pipelines.request import Request


def describe(request: Request, spec: ModelSpec, info: SessionInfo) -> dict[str, str]:
    """All that is needed to make the same picture again: the request, the model and the program.

    The request's fields come under their own names; those that were left at None are left out.
    """
    values = {field.name: getattr(request, field.name) for field in fields(request)}
    told = {name: str(value) for name, value in values.items() if value is not None}
    return told | {
        "model": f"{spec.name} {spec.version}",
        "model_digest": spec.digest,
        "engine": f"{info.engine}/{info.provider}",
        "software": f"Zippo Desktop {__version__}",
    }

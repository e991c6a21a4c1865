"""The first execution provider of ONNX Runtime on which a session opens and answers."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from typing import TypeVar

from zippo_desktop.engine import providers
from zippo_desktop.engine.session import Session, SessionInfo
from zippo_desktop.errors import EngineError

S = TypeVar("S", bound=Session)


def usable_providers(provider: str) -> tuple[list[str], list[str]]:
    """The providers to try, in order, and a sentence if there is a GPU that this build cannot use.

    Raises `EngineError` if there is no ONNX Runtime, or none with the provider that was asked for.
    """
    try:
        import onnxruntime
    except ImportError as error:
        hint = "Install one of its builds (packaging/README.md)."
        raise EngineError(f"ONNX Runtime is not installed ({error}).", hint) from error
    if not hasattr(onnxruntime, "InferenceSession"):  # as after uninstalling one of two builds
        hint = "Install one of its builds again: pip install --force-reinstall --no-deps onnxruntime"
        raise EngineError("The installation of ONNX Runtime is damaged.", hint)
    available = onnxruntime.get_available_providers()
    names = providers.candidates(provider, available)
    unused_gpu = (
        providers.missing_gpu_build(available, providers.nvidia_gpu()) if provider == "auto" else None
    )
    return names, [unused_gpu] if unused_gpu else []


def first_working(
    names: Sequence[str],
    opened: Callable[[str, SessionInfo], S],
    check: Callable[[S], None],
    fallbacks: list[str],
) -> S:
    """The session on the first provider on which it opens and answers; the last one's error if none does."""
    for name in names:
        try:
            session = opened(name, SessionInfo("onnx", name, tuple(fallbacks)))
            check(session)
            return session
        except EngineError as error:
            if name == names[-1]:
                raise
            fallbacks.append(error.message)
    raise EngineError("This build of ONNX Runtime has no execution provider that can be used.")


def load_gpu_libraries() -> None:
    """Load the CUDA libraries that came as Python packages, quietly."""
    import onnxruntime

    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it misses; we tell it ourselves
        onnxruntime.preload_dlls()

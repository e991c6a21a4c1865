"""Opening a model on the engine and provider that were asked for, or on the best that works here."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.engine import onnx_graphs, providers, tensorrt
from zippo_desktop.engine.model_store import find_model, read_spec
from zippo_desktop.engine.onnx_session import OnnxSession
from zippo_desktop.engine.session import ModelSpec, Session, SessionInfo
from zippo_desktop.engine.weights import Weights
from zippo_desktop.errors import EngineError, UsageError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

ENGINE_NAMES = ("auto", "onnx", "torch")
OnNotice = Callable[[str], None]  # told a sentence before something takes unusually long


def open_session(
    model: str | Path, engine: str = "auto", provider: str = "auto", on_notice: OnNotice | None = None
) -> Session:
    """Open a model, given by name or folder, and let it answer once to see that it works.

    Engine "auto" is ONNX Runtime, and PyTorch where that fails; provider "auto" is the first of
    `providers.PROVIDER_NAMES` that works. What is really in use, and a sentence for each step down,
    is in the session's `info`. Raises `ModelError` for a model that cannot be used, `EngineError`
    if nothing, or not what was asked for, can run it, and `UsageError` for unknown names.
    """
    _check_name("engine", engine, ENGINE_NAMES)
    _check_name("provider", provider, providers.PROVIDER_NAMES)
    spec = read_spec(find_model(model))
    if engine == "onnx":
        return open_onnx(spec, provider, on_notice)
    if engine == "torch":
        return open_torch(spec, provider)
    try:
        return open_onnx(spec, provider, on_notice)
    except EngineError as error:
        reason, hint = f"ONNX Runtime is not used: {error.message}", error.hint
    try:
        return open_torch(spec, provider, (reason,))
    except EngineError as error:
        raise EngineError(
            f"{reason} PyTorch cannot take over: {error.message}", hint or error.hint
        ) from error


def open_onnx(spec: ModelSpec, provider: str = "auto", on_notice: OnNotice | None = None) -> Session:
    """Open a model in ONNX Runtime; errors as for `open_session`."""
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
    weights = onnx_graphs.read_graph_weights(spec.model_dir, spec.model_dir / "onnx")
    unused_gpu = (
        providers.missing_gpu_build(available, providers.nvidia_gpu()) if provider == "auto" else None
    )
    return _first_working(spec, names, weights, [unused_gpu] if unused_gpu else [], on_notice)


def open_torch(spec: ModelSpec, provider: str = "auto", fallbacks: tuple[str, ...] = ()) -> Session:
    """Open a model in PyTorch; errors as for `open_session`."""
    try:
        from zippo_desktop.engine.torch_session import TorchSession, torch_device

        session = TorchSession(spec, torch_device(provider), fallbacks)
    except (ImportError, OSError) as error:  # OSError: one of its shared libraries cannot be loaded
        raise EngineError(f"PyTorch cannot be loaded ({error}).", "Install the whole locked set.") from error
    check_answers(session)
    return session


def check_answers(session: Session) -> None:
    """Run every network once on the smallest picture; `EngineError` unless all answers are finite.

    A session that opens can still fail to run, and half precision has been seen to answer NaN.
    """
    spec = session.spec
    latents = session.encode_images(np.zeros((1, 3, spec.multiple_px, spec.multiple_px), np.float32))
    text = session.encode_prompts([""])
    joint = np.concatenate([latents, latents], axis=1)
    detailed = spec.multiple_px * spec.detail
    features = session.image_features(np.zeros((1, 3, detailed, detailed), np.float32))
    prediction = session.denoise(joint, spec.schedule.length - 1, [Branch.RGB_TO_MATTE], text, features)
    for answer in (latents, text, prediction, session.decode_latents(latents)):
        if not np.isfinite(answer).all():
            raise EngineError(f"The answers on '{session.info.provider}' are no finite numbers.")


def _first_working(
    spec: ModelSpec,
    names: Sequence[str],
    weights: dict[str, Weights],
    fallbacks: list[str],
    on_notice: OnNotice | None,
) -> Session:
    """The first of the providers on which all graphs open and answer; the last one's error if none does."""
    for name in names:
        try:
            graphs = _open_graphs(spec, name, weights, on_notice)
            session = OnnxSession(spec, graphs, SessionInfo("onnx", name, tuple(fallbacks)))
            check_answers(session)
            return session
        except EngineError as error:
            if name == names[-1]:
                raise
            fallbacks.append(error.message)
    raise EngineError("This build of ONNX Runtime has no execution provider at all.")


def _open_graphs(
    spec: ModelSpec, provider: str, weights: dict[str, Weights], on_notice: OnNotice | None
) -> dict[str, InferenceSession]:
    """All graphs on one provider, after all that it wants done before."""
    if provider == "cpu":
        paths = _graph_paths(spec, weights)
        return {graph: onnx_graphs.open_bound(paths[graph], weights[graph]) for graph in weights}
    if provider in ("cuda", "tensorrt"):
        import onnxruntime

        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it misses; we tell it ourselves
            onnxruntime.preload_dlls()
    if provider == "tensorrt":
        return _open_tensorrt(spec, weights, on_notice)
    return _open_complete(
        spec, provider, weights, dict.fromkeys(weights, providers.default_options(provider))
    )


def _open_tensorrt(
    spec: ModelSpec, weights: dict[str, Weights], on_notice: OnNotice | None
) -> dict[str, InferenceSession]:
    """All graphs on TensorRT; engines from the cache that cannot be opened are built anew, once."""
    import onnxruntime

    engine_dir = tensorrt.engine_dir_of(
        spec, onnxruntime.__version__, tensorrt.installed_version(), providers.nvidia_gpu()
    )
    options = {graph: tensorrt.tensorrt_options(spec, graph, engine_dir) for graph in weights}
    while True:
        notice = tensorrt.build_notice(engine_dir)
        if notice and on_notice:
            on_notice(notice)
        engine_dir.mkdir(parents=True, exist_ok=True)
        try:
            return _open_complete(spec, "tensorrt", weights, options)
        except EngineError:
            if notice:  # these were no old engines
                raise
            shutil.rmtree(engine_dir)


def _open_complete(
    spec: ModelSpec, provider: str, weights: dict[str, Weights], options: dict[str, providers.Options]
) -> dict[str, InferenceSession]:
    """All graphs from complete files; `EngineError` if ONNX Runtime chose another provider for any."""
    opened = {}
    for graph, path in _graph_paths(spec, weights).items():
        opened[graph] = onnx_graphs.open_complete(path, weights[graph], provider, options[graph])
        providers.check_in_use(provider, opened[graph].get_providers())
    return opened


def _graph_paths(spec: ModelSpec, graphs: Iterable[str]) -> dict[str, Path]:
    return {graph: onnx_graphs.graph_path(spec.model_dir / "onnx", graph) for graph in graphs}


def _check_name(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise UsageError(f"There is no {what} '{name}'.", f"Known: {', '.join(known)}.")

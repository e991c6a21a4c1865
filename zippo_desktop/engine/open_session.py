"""Opening a model on the engine and provider that were asked for, or on the best that works here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.engine import onnx_graphs, providers, tensorrt
from zippo_desktop.engine.auto_session import AutoSession
from zippo_desktop.engine.expert_session import ExpertSession
from zippo_desktop.engine.find_spec import AUTO, find_spec, find_zippo
from zippo_desktop.engine.onnx_session import OnnxSession
from zippo_desktop.engine.onnx_trust import check_onnx
from zippo_desktop.engine.session import (
    AutoSpec,
    Expert,
    ExpertSpec,
    Session,
    SessionInfo,
    ZippoSession,
    ZippoSpec,
)
from zippo_desktop.engine.weights import Weights
from zippo_desktop.engine.working_provider import first_working, load_gpu_libraries, usable_providers
from zippo_desktop.errors import EngineError, ModelError, UsageError, ZippoError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

ENGINE_NAMES = ("auto", "onnx", "torch")
OnNotice = Callable[[str], None]  # told a sentence before something takes unusually long


def open_session(
    model: str | Path, engine: str = "auto", provider: str = "auto", on_notice: OnNotice | None = None
) -> Session:
    """Open a model, given by name or folder, and let it answer once to see that it works.

    The model "auto" is the bundled one with the best of the installed experts, both opened. Engine "auto" is
    ONNX Runtime, and PyTorch where that fails; provider "auto" is the first of `providers.PROVIDER_NAMES`
    that works. What is really in use, and a sentence for each step down, is in the session's `info`.
    Raises `ModelError` for a model that cannot be used, `EngineError` if nothing, or not what was asked
    for, can run it, and `UsageError` for unknown names.
    """
    _check_name("engine", engine, ENGINE_NAMES)
    _check_name("provider", provider, providers.PROVIDER_NAMES)
    spec = find_spec(model)
    if isinstance(spec, AutoSpec):
        return open_auto(spec, engine, provider, on_notice)
    if isinstance(spec, ExpertSpec):
        return open_expert(spec, engine, provider, on_notice)
    if not isinstance(spec, ZippoSpec):
        raise ModelError(f"{spec.name} is a model of no known kind.")
    alone = (f"No expert is installed: {spec.name} answers alone.",) if model == AUTO else ()
    return open_zippo(spec, engine, provider, on_notice, alone)


def open_zippo(
    spec: ZippoSpec,
    engine: str = "auto",
    provider: str = "auto",
    on_notice: OnNotice | None = None,
    fallbacks: tuple[str, ...] = (),
) -> ZippoSession:
    """Open a Zippo model; as for `open_session`. `fallbacks` are the steps down that led to it."""
    if engine == "onnx":
        return open_onnx(spec, provider, on_notice, fallbacks)
    if engine == "torch":
        return open_torch(spec, provider, fallbacks)
    try:
        return open_onnx(spec, provider, on_notice, fallbacks)
    except EngineError as error:
        reason, hint = f"ONNX Runtime is not used: {error.message}", error.hint
    try:
        return open_torch(spec, provider, (*fallbacks, reason))
    except EngineError as error:
        raise EngineError(
            f"{reason} PyTorch cannot take over: {error.message}", hint or error.hint
        ) from error


def open_expert(
    spec: ExpertSpec,
    engine: str = "auto",
    provider: str = "auto",
    on_notice: OnNotice | None = None,
    refiner: ZippoSession | None = None,
) -> Expert:
    """Open an expert, which ONNX Runtime alone can run; as for `open_session`.

    `refiner` is a Zippo model that is open already; the expert's session closes it, too. TensorRT is left
    out, and refused where it is asked for: its engines are built for known shapes and in half precision, and
    neither was measured for strangers' networks.
    """
    if engine == "torch":
        raise EngineError(f"PyTorch cannot run {spec.name}, an ONNX file.", "Leave --engine out.")
    if provider == "tensorrt":
        raise EngineError(f"{spec.name} is not run on TensorRT.", "Take --provider cuda.")
    check_onnx(spec.graph_path)
    names, fallbacks = usable_providers(provider)

    def open_refiner() -> ZippoSession:
        return refiner or open_zippo(find_zippo(), engine, provider, on_notice)

    def opened(name: str, info: SessionInfo) -> ExpertSession:
        graph = _open_file(spec.graph_path, name)
        return ExpertSession(spec, graph, info, open_refiner)

    return first_working([name for name in names if name != "tensorrt"], opened, check_mattes, fallbacks)


def open_auto(
    spec: AutoSpec, engine: str = "auto", provider: str = "auto", on_notice: OnNotice | None = None
) -> Session:
    """Open a Zippo model and its expert; neither stays open where the other cannot be opened."""
    zippo = open_zippo(spec.zippo, engine, provider, on_notice)
    try:
        return AutoSession(spec, zippo, open_expert(spec.expert, "auto", provider, on_notice, zippo))
    except ZippoError:
        zippo.close()
        raise


def open_onnx(
    spec: ZippoSpec,
    provider: str = "auto",
    on_notice: OnNotice | None = None,
    fallbacks: tuple[str, ...] = (),
) -> ZippoSession:
    """Open a Zippo model in ONNX Runtime; errors as for `open_session`."""
    names, unused = usable_providers(provider)
    weights = onnx_graphs.read_graph_weights(spec.model_dir, spec.model_dir / "onnx")

    def opened(name: str, info: SessionInfo) -> OnnxSession:
        return OnnxSession(spec, _open_graphs(spec, name, weights, on_notice), info)

    return first_working(names, opened, check_answers, [*fallbacks, *unused])


def open_torch(spec: ZippoSpec, provider: str = "auto", fallbacks: tuple[str, ...] = ()) -> ZippoSession:
    """Open a Zippo model in PyTorch; errors as for `open_session`."""
    try:
        from zippo_desktop.engine.torch_session import TorchSession, torch_device

        session = TorchSession(spec, torch_device(provider), fallbacks)
    except (ImportError, OSError) as error:  # OSError: one of its shared libraries cannot be loaded
        raise EngineError(f"PyTorch cannot be loaded ({error}).", "Install the whole locked set.") from error
    check_answers(session)
    return session


def check_answers(session: ZippoSession) -> None:
    """Run every network once on the smallest picture; `EngineError` unless all answers are finite.

    A session that opens can still fail to run, and half precision has been seen to answer NaN.
    """
    spec = session.spec
    latents = session.encode_images(np.zeros((1, 3, spec.multiple_px, spec.multiple_px), np.float32))
    text = session.encode_prompts([""])
    joint = np.concatenate([latents, latents], axis=1)
    detailed = spec.multiple_px * spec.detail
    picture = np.zeros((1, 3, detailed, detailed), np.float32)
    features = session.image_features(picture)
    prediction = session.denoise(joint, spec.schedule.length - 1, [Branch.RGB_TO_MATTE], text, features)
    decoded = session.decode_latents(latents), session.decode_mattes(latents, picture, features)
    for answer in (latents, text, prediction, *decoded):
        if answer is not None and not np.isfinite(answer).all():
            raise EngineError(f"The answers on '{session.info.provider}' are no finite numbers.")


def check_mattes(session: Expert) -> None:
    """Run an expert once, on a black picture; `EngineError` unless its answer is finite.

    On the CPU the first photo will do: there is nothing to step down to, and large networks take seconds.
    """
    if session.info.provider != "cpu":
        side = session.spec.size_px
        session.mattes(np.zeros((1, side, side, 3), np.float32))


def _open_file(path: Path, provider: str) -> InferenceSession:
    """A graph that is a whole file on one provider; `EngineError` if ONNX Runtime chose another."""
    if provider == "cuda":
        load_gpu_libraries()
    graph = onnx_graphs.open_file(path, provider, providers.default_options(provider))
    providers.check_in_use(provider, graph.get_providers())
    return graph


def _open_graphs(
    spec: ZippoSpec, provider: str, weights: dict[str, Weights], on_notice: OnNotice | None
) -> dict[str, InferenceSession]:
    """All graphs on one provider, after all that it wants done before."""
    if provider == "cpu":
        paths = _graph_paths(spec, weights)
        return {graph: onnx_graphs.open_bound(paths[graph], weights[graph]) for graph in weights}
    if provider in ("cuda", "tensorrt"):
        load_gpu_libraries()
    if provider == "tensorrt":
        return _open_tensorrt(spec, weights, on_notice)
    return _open_complete(
        spec, provider, weights, dict.fromkeys(weights, providers.default_options(provider))
    )


def _open_tensorrt(
    spec: ZippoSpec, weights: dict[str, Weights], on_notice: OnNotice | None
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
    spec: ZippoSpec, provider: str, weights: dict[str, Weights], options: dict[str, providers.Options]
) -> dict[str, InferenceSession]:
    """All graphs from complete files; `EngineError` if ONNX Runtime chose another provider for any."""
    opened = {}
    for graph, path in _graph_paths(spec, weights).items():
        opened[graph] = onnx_graphs.open_complete(path, weights[graph], provider, options[graph])
        providers.check_in_use(provider, opened[graph].get_providers())
    return opened


def _graph_paths(spec: ZippoSpec, graphs: Iterable[str]) -> dict[str, Path]:
    return {graph: onnx_graphs.graph_path(spec.model_dir / "onnx", graph) for graph in graphs}


def _check_name(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise UsageError(f"There is no {what} '{name}'.", f"Known: {', '.join(known)}.")

"""An expert opened in ONNX Runtime: pictures to mattes, as the network's manifest says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.diffusion.latents import Array
from zippo_desktop.engine.onnx_graphs import engine_errors
from zippo_desktop.engine.session import ExpertSpec, SessionInfo, ZippoSession
from zippo_desktop.errors import EngineError, ModelError
from zippo_desktop.imaging.resize import Fit, fit_to_network, resize, stretch_to_network, unfit

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, NodeArg

_NUMBERS: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}


class ExpertSession:
    """`Expert` over one ONNX graph. `open_refiner` opens the Zippo model that goes with it."""

    def __init__(
        self,
        spec: ExpertSpec,
        graph: InferenceSession,
        info: SessionInfo,
        open_refiner: Callable[[], ZippoSession],
    ) -> None:
        self._spec, self._info = spec, info
        self._graph: InferenceSession | None = graph
        self._open_refiner = open_refiner
        self._refiner: ZippoSession | None = None
        wanted, inputs = spec.manifest.input, graph.get_inputs()
        self._input = _entry(inputs, wanted.tensor, "input", spec)
        self._output = _entry(graph.get_outputs(), spec.manifest.output.tensor, "output", spec)
        self._number = _NUMBERS.get(self._input.type, np.float32)
        extras = spec.manifest.extra_inputs
        self._constants = {each.tensor: np.full(each.shape, each.value, np.float32) for each in extras}
        _check_inputs({each.name for each in inputs}, {self._input.name, *self._constants}, spec)
        # Constant inputs, such as a video network's memory, are those of one picture.
        self._is_single = bool(extras) or isinstance(self._input.shape[0], int)

    @property
    def spec(self) -> ExpertSpec:
        """The network's own facts."""
        return self._spec

    @property
    def info(self) -> SessionInfo:
        """The provider that the opened graph reports."""
        return self._info

    @property
    def refiner(self) -> ZippoSession:
        """See `Expert.refiner`."""
        if self._graph is None:
            raise EngineError("The session is closed.")
        if self._refiner is None:
            self._refiner = self._open_refiner()
        return self._refiner

    def mattes(self, pictures: Array) -> Array:
        """Pictures [N,h,w,3] in 0..1 to mattes [N,h,w] float32 in 0..1, whatever size the network takes.

        Raises `EngineError` for an answer that is no number or no matte, `OutOfMemory` where memory ran out.
        """
        fits = [self._fit(picture) for picture in pictures]
        height, width = pictures.shape[1:3]
        mattes = np.empty((len(pictures), height, width), np.float32)
        for place, (matte, fit) in enumerate(zip(self._answers(fits), fits, strict=True)):
            whole = matte if matte.shape == fit.image.shape[:2] else resize(matte, *fit.image.shape[:2])
            mattes[place] = resize(unfit(whole, fit), height, width)
        return mattes

    def close(self) -> None:
        """Free the graph, and the refiner if there is one."""
        self._graph = None
        if self._refiner is not None:
            self._refiner.close()

    def _fit(self, picture: Array) -> Fit:
        """A picture [h,w,3] at a size that the network takes; the pipeline's have one already."""
        spec, (height, width) = self._spec, picture.shape[:2]
        if spec.is_stretched:
            if (height, width) == (spec.size_px, spec.size_px):
                return Fit(picture, height, width, picture)
            return stretch_to_network(picture, spec.size_px)
        if height % spec.multiple_px == width % spec.multiple_px == 0:
            return Fit(picture, height, width, picture)
        return fit_to_network(picture, spec.size_px, spec.multiple_px)

    def _answers(self, fits: list[Fit]) -> Iterator[Array]:
        """The network's matte [h',w'] in 0..1 of each picture; all have one shape."""
        at_once = 1 if self._is_single else len(fits)
        for start in range(0, len(fits), at_once):
            for answer in self._run(np.stack([fit.image for fit in fits[start : start + at_once]])):
                yield activated(answer, self._spec.manifest.output.activation)

    def _run(self, pictures: Array) -> Array:
        """Pictures [N,h,w,3] in 0..1 to the raw answers [N,h',w']."""
        if self._graph is None:
            raise EngineError("The session is closed.")
        feeds = {self._input.name: self._normalised(pictures), **self._constants}
        with engine_errors(f"running {self._spec.graph_path.name} on {self._info.provider}"):
            (answer,) = self._graph.run([self._output.name], feeds)
        return self._planes(np.asarray(answer, np.float32), len(pictures))

    def _normalised(self, pictures: Array) -> NDArray[Any]:
        wanted = self._spec.manifest.input
        if wanted.channels == "bgr":
            pictures = pictures[..., ::-1]
        mean, std = np.array(wanted.mean, np.float32), np.array(wanted.std, np.float32)
        scaled = (pictures * np.float32(wanted.scale) - mean) / std
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), self._number)

    def _planes(self, answer: Array, count: int) -> Array:
        """The answer [N,1,h,w] or [N,h,w] as [N,h,w]."""
        if answer.ndim == 4 and answer.shape[1] == 1:
            answer = answer[:, 0]
        if answer.ndim != 3 or len(answer) != count:
            raise ModelError(
                f"{self._spec.name} answers {count} pictures with {list(answer.shape)}: no mattes.",
                f"Its manifest names the output '{self._output.name}'.",
            )
        if not np.isfinite(answer).all():
            raise EngineError(
                f"{self._spec.name} answered with numbers that are not finite on '{self._info.provider}'.",
                "Try --provider cpu.",
            )
        return answer


def activated(answer: Array, activation: str) -> Array:
    """What a network says of one picture [h,w] as a matte in 0..1; see `ExpertOutput`.

    "minmax" of an answer that is the same everywhere is an empty matte: there is nothing to tell apart.
    """
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(answer, -80, 80))), np.float32)
    if activation == "minmax":
        lowest, highest = answer.min(), answer.max()
        return np.asarray((answer - lowest) / max(highest - lowest, np.float32(1e-8)), np.float32)
    return np.clip(answer, 0, 1)


def _entry(entries: list[NodeArg], tensor: str | int, what: str, spec: ExpertSpec) -> NodeArg:
    """The graph's input or output that the manifest names, or of which it says the place."""
    named = {each.name: each for each in entries}
    if isinstance(tensor, int) and tensor < len(entries):
        return entries[tensor]
    if tensor in named:
        return named[str(tensor)]
    raise ModelError(
        f"{spec.graph_path.name} has no {what} '{tensor}', which the manifest of {spec.name} names.",
        f"It has {', '.join(named)}.",
    )


def _check_inputs(of_graph: set[str], given: set[str], spec: ExpertSpec) -> None:
    missing, unknown = sorted(of_graph - given), sorted(given - of_graph)
    if missing:
        raise ModelError(
            f"{spec.graph_path.name} also wants '{missing[0]}', of which the manifest of {spec.name} says "
            "nothing.",
            "Describe it under [[extra_inputs]].",
        )
    if unknown:
        raise ModelError(
            f"{spec.graph_path.name} has no input '{unknown[0]}', which the manifest of {spec.name} names.",
        )

"""The manifest of an ONNX file that nobody has described: from what its graph declares, and by trying it.

The picture that is tried shows a person before a room. A network that is fed as it was trained decides more
clearly than one that is not, which tells the normalisation; the range of its answer tells the activation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.expert_manifest import (
    ExpertInput,
    ExpertManifest,
    ExpertOutput,
    ExtraInput,
)
from zippo_desktop.engine.expert_session import activated
from zippo_desktop.engine.onnx_graphs import engine_errors, open_file
from zippo_desktop.engine.onnx_trust import GraphTensor, Signature
from zippo_desktop.errors import ModelError
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.resize import resize_picture
from zippo_desktop.paths import resource_dir

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Array = NDArray[np.float32]
Triple = tuple[float, float, float]

UNKNOWN_LICENCE = "unknown"
_TEST_PICTURE = "astronaut.png"
_OPEN_SIZE = 1024  # for graphs that take any
_OPEN_MULTIPLE = 32
_DESCRIBE = "Describe it in a model.toml and give that with --manifest."
# The usual ways to feed pictures in 0..1: (name, mean, std). The first where the trial tells nothing.
_FEEDINGS: tuple[tuple[str, Triple, Triple], ...] = (
    ("ImageNet's mean and deviation", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ("x - 0.5", (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
    ("2x - 1", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ("0..1", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    ("0..255", (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
)
_CLEARLY = 0.005  # of decisiveness; ISNet's right way is 0.011 above the next on this picture
_NUMBERS = {"float32": np.float32, "float16": np.float16}


@dataclass(frozen=True)
class Guess:
    """A manifest made by looking, and a sentence for each thing in it that the graph does not say."""

    manifest: ExpertManifest
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class _Trial:
    """What came of one way to feed the picture."""

    told: str
    mean: Triple
    std: Triple
    activation: str
    decisiveness: float


def guess_manifest(file: Path, name: str, signature: Signature) -> Guess:
    """Describe a checked ONNX file (`onnx_trust.check_onnx`). Runs it a few times on the CPU.

    Raises `ModelError` where the graph cannot be a matting network, or wants what cannot be guessed.
    """
    picture, extras = _picture_input(file, signature)
    side, multiple, size_told = _size(file, picture)
    graph = open_file(file, "cpu", {})
    photo = to_srgb(decode(resource_dir() / "samples" / _TEST_PICTURE))
    pixels = resize_picture(photo, side, side)  # [s,s,3] float32 0..1
    constants = {extra.name: np.zeros(_closed(extra.shape), _NUMBERS[extra.type]) for extra in extras}
    output = _matte_output(file, graph, picture, pixels, constants)
    trials = [_tried(graph, picture, output, pixels, constants, *feeding) for feeding in _FEEDINGS]
    best = max(trials, key=lambda trial: trial.decisiveness)
    is_clear = best.decisiveness > trials[0].decisiveness + _CLEARLY
    chosen = best if is_clear else trials[0]
    wanted = ExpertInput(
        tensor=picture.name,
        size_px=side,
        multiple_px=multiple,
        resize="fit" if multiple else "stretch",
        mean=chosen.mean,
        std=chosen.std,
    )
    sure = "which made it decide most clearly" if is_clear else "the usual one: the trial told nothing"
    return Guess(
        ExpertManifest(
            name=name,
            title=name,
            file=f"{name}.onnx",
            licence=UNKNOWN_LICENCE,
            input=wanted,
            output=ExpertOutput(output, chosen.activation),  # type: ignore[arg-type]
            extra_inputs=tuple(_as_extra(extra) for extra in extras),
        ),
        (
            size_told,
            f"Pictures are fed as {chosen.told}, {sure}.",
            f"The output '{output}' is read with the activation '{chosen.activation}', by its range.",
            "Its licence is not in the file: ask whoever made it, and write it into model.toml.",
        ),
    )


def _picture_input(file: Path, signature: Signature) -> tuple[GraphTensor, list[GraphTensor]]:
    """The input that takes the picture, and the others, which must be of a known shape."""
    pictures = [each for each in signature.inputs if len(each.shape) == 4 and each.shape[1] in (3, None)]
    pictures = [each for each in pictures if each.type in _NUMBERS]
    exact = [each for each in pictures if each.shape[1] == 3] or pictures
    if len(exact) != 1:
        told = ", ".join(f"{each.name} {_shape_told(each)}" for each in signature.inputs)
        raise ModelError(f"{file} does not take one picture [N,3,H,W]: its inputs are {told}.", _DESCRIBE)
    others = [each for each in signature.inputs if each is not exact[0]]
    for each in others:
        if each.type != "float32":
            raise ModelError(f"{file} also wants '{each.name}', which cannot be guessed.", _DESCRIBE)
    return exact[0], others


def _size(file: Path, picture: GraphTensor) -> tuple[int, int, str]:
    """The side and the multiple of `ExpertInput`, and how they came about."""
    height, width = picture.shape[2:]
    if height is None or width is None:
        told = (
            f"The graph takes any size: {_OPEN_SIZE} px on the longer side, in multiples of {_OPEN_MULTIPLE}."
        )
        return _OPEN_SIZE, _OPEN_MULTIPLE, told
    if height != width:
        raise ModelError(f"{file} takes pictures of {width} x {height}: only squares can be described.")
    return height, 0, f"The graph takes {width} x {height} px, to which pictures are stretched."


def _matte_output(
    file: Path, graph: InferenceSession, picture: GraphTensor, pixels: Array, constants: dict[str, Array]
) -> str:
    """The first output of one channel and of the picture's size, else the first of one channel."""
    with engine_errors(f"trying {file.name}"):
        answers = graph.run(None, {picture.name: _fed(pixels, picture, *_FEEDINGS[0][1:]), **constants})
    names: list[str] = [each.name for each in graph.get_outputs()]
    planes = {name: answer for name, answer in zip(names, answers, strict=True) if _is_plane(answer)}
    whole = [name for name, answer in planes.items() if answer.shape[-2:] == pixels.shape[:2]]
    if not planes:
        raise ModelError(f"{file} answers with no matte: no output of its has one channel.", _DESCRIBE)
    return whole[0] if whole else next(iter(planes))


def _is_plane(answer: NDArray[np.generic]) -> bool:
    is_one_channel = answer.ndim == 3 or (answer.ndim == 4 and answer.shape[1] == 1)
    return is_one_channel and answer.shape[0] == 1 and min(answer.shape[-2:]) > 1


def _tried(
    graph: InferenceSession,
    picture: GraphTensor,
    output: str,
    pixels: Array,
    constants: dict[str, Array],
    told: str,
    mean: Triple,
    std: Triple,
) -> _Trial:
    with engine_errors("trying the network"):
        (answer,) = graph.run([output], {picture.name: _fed(pixels, picture, mean, std), **constants})
    raw = np.asarray(answer, np.float32).reshape(answer.shape[-2:])
    activation = _activation(raw)
    span = min(1.0, float(raw.max() - raw.min()))  # what is faint and had to be stretched is no decision
    return _Trial(told, mean, std, activation, span * _decisiveness(activated(raw, activation)))


def _activation(raw: Array) -> str:
    """By the range of an answer to a picture with a subject: logits, a matte, or a faint one."""
    lowest, highest = float(raw.min()), float(raw.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        return "none"
    if lowest < -0.05 or highest > 1.05:
        return "sigmoid"
    return "none" if highest > 0.9 else "minmax"


def _decisiveness(matte: Array) -> float:
    """How far a matte is from undecided, 0..1; 0 for one that finds nothing, or all, or no number."""
    share = float((matte > 0.5).mean())
    if not np.isfinite(matte).all() or not 0.02 < share < 0.98:
        return 0.0
    return float(np.abs(2 * matte - 1).mean())


def _fed(pixels: Array, picture: GraphTensor, mean: Triple, std: Triple) -> Array:
    """[s,s,3] in 0..1 to the network's [1,3,s,s]."""
    scaled = (pixels - np.array(mean, np.float32)) / np.array(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], _NUMBERS[picture.type])


def _closed(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """A shape with 1 for every side that the graph leaves open."""
    return tuple(side or 1 for side in shape)


def _as_extra(tensor: GraphTensor) -> ExtraInput:
    return ExtraInput(tensor.name, _closed(tensor.shape))


def _shape_told(tensor: GraphTensor) -> str:
    return f"[{','.join('?' if side is None else str(side) for side in tensor.shape)}]"

"""`model.toml`: all that the program must know of somebody else's matting network to feed it and read it.

An expert is one ONNX file that takes an RGB picture and answers with a matte. Its manifest stands
beside it; those of well-known networks are shipped, their weights are not.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from zippo_desktop.errors import ModelError

MANIFEST_FILE = "model.toml"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")  # also a folder's name everywhere
_FILE = re.compile(r"[\w][\w .+-]{0,119}\.onnx")
_DIGEST = re.compile(r"(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})?")
_ADDRESS = re.compile(r"(https?://\S+)?")
_LARGEST_SIDE = 8192
_LARGEST_EXTRA = 1 << 20  # elements; what is constant in such a network is small


@dataclass(frozen=True)
class ExpertInput:
    """How a picture [h,w,3] in 0..1 becomes the network's [N,3,H,W].

    Its sides become `size_px` ("stretch"), or it is scaled until the longer one is and padded right and
    below ("fit"): to a square, or to multiples of `multiple_px` where the network takes those. Then
    each channel is times `scale`, minus `mean`, over `std`, in the order `channels`.
    """

    tensor: str | int  # the graph input's name, or its place
    size_px: int
    multiple_px: int = 0  # 0: the network takes squares of size_px alone
    resize: Literal["stretch", "fit"] = "stretch"
    channels: Literal["rgb", "bgr"] = "rgb"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class ExpertOutput:
    """Where the matte is: [N,1,H,W] or [N,H,W], and what makes 0..1 of it.

    "none": it is 0..1, and is clipped; "sigmoid": logits; "minmax": each picture's own range is stretched.
    """

    tensor: str | int  # the graph output's name, or its place
    activation: Literal["none", "sigmoid", "minmax"] = "none"


@dataclass(frozen=True)
class ExtraInput:
    """One more input of the graph, always of this shape and filled with this number, as float32."""

    tensor: str
    shape: tuple[int, ...]
    value: float = 0.0


@dataclass(frozen=True)
class Quality:
    """One row of what was measured here: mean absolute difference and intersection over union, 0..1."""

    set: str
    mad: float
    iou: float
    command: str  # which gave these numbers


@dataclass(frozen=True)
class ExpertManifest:
    """One expert. `digest` is "sha256:..." or "md5:..." in hexadecimal, or empty where none is known."""

    name: str
    title: str
    file: str
    licence: str
    input: ExpertInput
    output: ExpertOutput
    task: Literal["matting"] = "matting"
    is_non_commercial: bool = False
    note: str = ""  # what a person should know before using it
    digest: str = ""
    size_bytes: int = 0  # 0 where it is not known
    address: str = ""  # of the file
    page: str = ""  # of who made it, with licence and paper
    also_named: tuple[str, ...] = ()  # file names under which other programs keep the same file
    subjects: tuple[str, ...] = ("general",)
    extra_inputs: tuple[ExtraInput, ...] = ()
    quality: tuple[Quality, ...] = field(default=())

    def __post_init__(self) -> None:
        """Raise `ModelError` for the first value that makes no sense."""
        for is_right, sentence in _checks(self):
            if not is_right:
                raise ModelError(f"The manifest of '{self.name}' {sentence}.")


def read_manifest(path: Path) -> ExpertManifest:
    """Read and check a `model.toml`. Raises `ModelError` with the file's name and what is wrong in it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing.") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not readable as TOML ({error}).") from error
    try:
        manifest: ExpertManifest = _build(ExpertManifest, content, "")
    except ModelError as error:
        raise ModelError(f"{path}: {error.message}", error.hint) from error
    return manifest


def manifest_text(manifest: ExpertManifest) -> str:
    """A manifest as TOML, as `read_manifest` takes it; what is as by default is left out."""
    plain, tables = [], []
    for key, value in _told(manifest).items():
        if isinstance(value, Mapping):
            tables += [f"\n[{key}]\n", *_lines(value)]
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            tables += [line for row in value for line in (f"\n[[{key}]]\n", *_lines(row))]
        else:
            plain += _lines({key: value})
    return "".join([*plain, *tables])


def _told(manifest: ExpertManifest) -> dict[str, Any]:
    """All fields but those of their default value."""
    defaults = {each.name: each.default for each in fields(manifest)}
    told = {key: value for key, value in asdict(manifest).items() if value != defaults[key]}
    for key in ("input", "output"):
        part = getattr(manifest, key)
        defaults = {each.name: each.default for each in fields(part)}
        told[key] = {name: value for name, value in told[key].items() if value != defaults[name]}
    return told


def _lines(values: Mapping[str, Any]) -> list[str]:
    """Every value that a manifest can hold is written the same way in JSON."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()]


def _checks(manifest: ExpertManifest) -> Iterable[tuple[bool, str]]:
    """What must be true, with what to say where it is not; types are right already."""
    wanted, extra = manifest.input, manifest.extra_inputs
    yield _NAME.fullmatch(manifest.name) is not None, "has no name of small letters, digits, '.', '_', '-'"
    for name in (manifest.file, *manifest.also_named):
        yield _FILE.fullmatch(name) is not None, f"names the file '{name}', which is no plain .onnx name"
    yield bool(manifest.licence.strip()), "names no licence"
    yield _DIGEST.fullmatch(manifest.digest) is not None, "has a digest that is no 'sha256:' or 'md5:' one"
    yield manifest.size_bytes >= 0, "has a negative size_bytes"
    for address in (manifest.address, manifest.page):
        yield _ADDRESS.fullmatch(address) is not None, f"has the address '{address}', which is not on the web"
    yield 16 <= wanted.size_px <= _LARGEST_SIDE, f"has a size_px beyond 16..{_LARGEST_SIDE}"
    yield 0 <= wanted.multiple_px <= wanted.size_px, "has a multiple_px beyond 0..size_px"
    yield wanted.resize == "fit" or not wanted.multiple_px, "has a multiple_px, but stretches pictures"
    yield len(wanted.mean) == len(wanted.std) == 3, "needs three numbers in mean and in std"
    numbers = (wanted.scale, *wanted.mean, *wanted.std, *(each.value for each in extra))
    yield all(map(math.isfinite, numbers)), "has a number that is not finite"
    yield all(wanted.std) and wanted.scale != 0, "has a scale or std of 0"
    for place in (wanted.tensor, manifest.output.tensor):
        yield place != "" and (isinstance(place, str) or place >= 0), "has a tensor without name or place"
    for each in extra:
        is_small = all(side > 0 for side in each.shape) and math.prod(each.shape) <= _LARGEST_EXTRA
        yield is_small and bool(each.tensor), f"has the extra input '{each.tensor}' of no sensible shape"
    for row in manifest.quality:
        yield 0 <= row.mad <= 1 and 0 <= row.iou <= 1, f"has measurements on '{row.set}' beyond 0..1"


def _build(kind: type[Any], table: Mapping[str, Any], prefix: str) -> Any:
    """Fill the dataclass `kind` from a TOML table; unknown and missing keys are refused."""
    hints = get_type_hints(kind)
    unknown = sorted(table.keys() - hints.keys())
    if unknown:
        known = ", ".join(hints)
        raise ModelError(f"There is no key '{prefix}{unknown[0]}' in a manifest.", f"Known keys: {known}.")
    for each in fields(kind):
        is_needed = each.default is MISSING and each.default_factory is MISSING
        if is_needed and each.name not in table:
            raise ModelError(f"The key '{prefix}{each.name}' is missing.")
    return kind(**{key: _convert(hints[key], value, f"{prefix}{key}") for key, value in table.items()})


def _convert(hint: Any, value: Any, key: str) -> Any:
    """A TOML value as the field's type. Raises `ModelError` where it is of another."""
    if is_dataclass(hint):
        if isinstance(value, Mapping):
            return _build(hint, value, f"{key}.")  # type: ignore[arg-type]
    elif get_origin(hint) is tuple:
        if isinstance(value, list):
            return tuple(_convert(get_args(hint)[0], each, key) for each in value)
    elif get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        raise ModelError(f"'{key}' cannot be {value!r}.", f"Choose from {', '.join(get_args(hint))}.")
    elif hint is float and type(value) is int:
        return float(value)
    elif type(value) in (get_args(hint) if isinstance(hint, UnionType) else (hint,)):
        return value
    raise ModelError(f"'{key}' cannot be {value!r}: it takes {_KINDS.get(hint, 'a table or a list')}.")


_KINDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str | int: "a name or a place",
}

"""Every option of how results look and are written, in one table for command line, presets and window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from zippo_desktop.errors import UsageError
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.pipelines.request import MattingRequest

Part = Literal["matting", "controls", "arrangement", "writing"]
Values = Mapping[str, Any]  # by option name: text, numbers, booleans, lists of text

_PARTS: Mapping[Part, type[Any]] = {
    "matting": MattingRequest,
    "controls": MatteControls,
    "arrangement": Arrangement,
    "writing": Writing,
}


@dataclass(frozen=True)
class Look:
    """All that decides a result beside the photo or prompt, the model and the noise's seed."""

    matting: MattingRequest = field(default_factory=MattingRequest)
    arrangement: Arrangement = field(default_factory=Arrangement)
    writing: Writing = field(default_factory=Writing)


@dataclass(frozen=True)
class LookOption:
    """One option: `name` is what stands behind "--" and in a preset, `field` the dataclass's attribute."""

    name: str
    part: Part
    field: str
    help: str
    metavar: str = ""

    @cached_property
    def hint(self) -> Any:
        """The field's type without None."""
        hint = get_type_hints(_PARTS[self.part])[self.field]
        given = [kind for kind in get_args(hint) if kind is not NoneType]
        return given[0] if NoneType in get_args(hint) else hint

    @property
    def choices(self) -> tuple[str, ...]:
        """The words it takes, where it takes only some."""
        return get_args(self.hint) if get_origin(self.hint) is Literal else ()

    @property
    def default(self) -> Any:
        """What counts where neither the person nor a preset says anything."""
        return next(each.default for each in fields(_PARTS[self.part]) if each.name == self.field)

    def checked(self, value: Any) -> Any:
        """`value` as the field takes it. Raises `UsageError` for one of another type or an unknown word."""
        if self.hint == tuple[str, ...]:
            if isinstance(value, list | tuple) and value and all(isinstance(each, str) for each in value):
                return tuple(dict.fromkeys(map(str, value)))
            raise UsageError(f"{self.name} is {value!r}.", "Give a list of words.")
        if self.choices:
            if value in self.choices:
                return value
            raise UsageError(f"{self.name} cannot be {value!r}.", f"Choose from {', '.join(self.choices)}.")
        if self.hint is float and type(value) is int:
            return float(value)
        if type(value) is not self.hint:
            raise UsageError(f"{self.name} is {value!r}.", f"It takes {_KINDS[self.hint]}.")
        return value


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}

LOOK_OPTIONS = (
    LookOption(
        "steps", "matting", "steps", "Denoising steps: more take longer; finer where trained for them."
    ),
    LookOption("ensemble", "matting", "ensemble", "Mattes to average, every second one of the mirror image."),
    LookOption("second-pass", "matting", "second_pass", "Look again, close up, at a subject that is small."),
    LookOption("check", "matting", "check", "Compare with the mirror image's matte, for the confidence."),
    LookOption(
        "edges", "matting", "edges", "fast: along the photo's edges. fine: the soft edge in detail, too."
    ),
    LookOption(
        "refine", "matting", "refine", "zippo: have it look closer at the subject that an expert found."
    ),
    LookOption(
        "alpha",
        "matting",
        "alpha",
        "Transparency that a photo has: times the matte, kept instead of it, or ignored.",
    ),
    LookOption(
        "foreground", "matting", "foreground", "Take the old background's colour out of the soft edge."
    ),
    LookOption("keep-largest", "controls", "keep_largest", "Keep only the largest connected part."),
    LookOption("fill-holes", "controls", "fill_holes_px", "Fill holes of at most so many pixels.", "PIXELS"),
    LookOption("expand", "controls", "expand_px", "Move the edge outward, or inward if negative.", "PX"),
    LookOption(
        "contrast", "controls", "contrast", "Harden the soft edge (up to 1), or soften it (to -1).", "C"
    ),
    LookOption("feather", "controls", "feather_px", "Blur the edge by this many pixels.", "PX"),
    LookOption(
        "crop", "arrangement", "crop", "Crop to the subject with this margin: 40px, or 5% of it.", "MARGIN"
    ),
    LookOption("aspect", "arrangement", "aspect", "Aspect ratio of the crop, as 4:5.", "W:H"),
    LookOption("canvas", "arrangement", "canvas", "Place the subject on a canvas, as 2000x2000.", "WxH"),
    LookOption(
        "subject-share", "arrangement", "subject_share", "How much of the canvas's side it takes.", "0..1"
    ),
    LookOption("long-edge", "arrangement", "long_edge_px", "Scale down to this longer side.", "PX"),
    LookOption(
        "background",
        "arrangement",
        "background",
        "A colour (white, #rrggbb), an image file, or blur: the photo's own, blurred.",
        "COLOUR|FILE|blur",
    ),
    LookOption(
        "background-blur", "arrangement", "background_blur", "How far it blurs, of the longer side.", "0..1"
    ),
    LookOption("shadow", "arrangement", "shadow", "Lay a shadow under the subject.", "drop|contact"),
    LookOption("shadow-opacity", "arrangement", "shadow_opacity", "How dark the shadow is.", "0..1"),
    LookOption(
        "shadow-blur", "arrangement", "shadow_blur", "How soft, of the subject's longer side.", "0..1"
    ),
    LookOption("shadow-distance", "arrangement", "shadow_distance", "How far off, likewise.", "0..1"),
    LookOption("shadow-angle", "arrangement", "shadow_angle", "Where the light is: 90 is above.", "DEGREES"),
    LookOption(
        "format",
        "writing",
        "formats",
        "What to write; repeat it for several. psd, psb, ora: layers with the matte; layers: numbered PNGs.",
    ),
    LookOption("matte", "writing", "with_matte", "Write NAME.matte.png, the matte as a grey picture, too."),
    LookOption(
        "foreground-file", "writing", "with_foreground", "Write NAME.foreground.png, the clean colours, too."
    ),
    LookOption("depth", "writing", "depth", "Bits for each channel: as the photo has them, 8 or 16."),
    LookOption("quality", "writing", "quality", "Of JPEG, WebP and AVIF; WebP at 100 is lossless.", "1..100"),
    LookOption(
        "under-alpha",
        "writing",
        "under_alpha",
        "Colour where nothing is seen: black, the subject's bled outward, or the photo's.",
    ),
    LookOption("metadata", "writing", "metadata", "EXIF, XMP and IPTC: all, all but the place, or none."),
    LookOption(
        "name",
        "writing",
        "name",
        "Names of the results, as {stem}_{index:04}. Known: {stem} {parent} {index} {date} {preset} {width} "
        "{height} {seed} {prompt:40}.",
        "TEMPLATE",
    ),
    LookOption("keep-folders", "writing", "keep_folders", "Keep the input's sub-folders in the output."),
    LookOption("keep-times", "writing", "keep_times", "Give the result the photo's time of change."),
)


@cache
def look_option(name: str) -> LookOption:
    """The option of this name. Raises `UsageError`."""
    for option in LOOK_OPTIONS:
        if option.name == name:
            return option
    raise UsageError(f"There is no option '{name}'.", f"Known are {', '.join(o.name for o in LOOK_OPTIONS)}.")


def look_from(values: Values) -> Look:
    """A look of values by option name; what is not there has its default. Raises `UsageError`."""
    parts: dict[Part, dict[str, Any]] = {part: {} for part in _PARTS}
    for name, value in values.items():
        option = look_option(name)
        parts[option.part][option.field] = option.checked(value)
    controls = MatteControls(**parts["controls"])
    return Look(
        MattingRequest(controls=controls, **parts["matting"]),
        Arrangement(**parts["arrangement"]),
        Writing(**parts["writing"]),
    )


def with_whole_path(values: Values) -> dict[str, Any]:
    """A background's file by its whole path: a preset is used, and a job gone on with, from elsewhere."""
    background = values.get("background")
    if isinstance(background, str) and Path(background).is_file():
        return {**values, "background": str(Path(background).absolute())}
    return dict(values)

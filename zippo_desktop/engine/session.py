"""What an opened model is to the rest of the program, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeGuard

from zippo_desktop.diffusion.latents import Array, Branch
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.errors import ModelError

if TYPE_CHECKING:
    from zippo_desktop.engine.expert_manifest import ExpertManifest


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What a caller must know of a model, whatever its kind. The spec's class says which kind it is."""

    name: str
    version: str
    digest: str  # hexadecimal; of a Zippo model the SHA-256 over its weights' digests
    model_dir: Path
    size_px: int  # the longer side of the pictures that it makes
    matting_px: int  # the longer side at which it sees a photo to be matted
    closer_px: int  # the same of a crop round the subject, for a second look
    multiple_px: int  # picture sides must divide by this
    tasks: tuple[str, ...]
    licence: str
    detail: int = 1  # pixels that it takes of a picture for one of `size_px`, along a side
    is_stretched: bool = False  # every picture becomes a square of `size_px`, whatever its shape


@dataclass(frozen=True, kw_only=True)
class ZippoSpec(ModelSpec):
    """A Zippo model: a VAE, a text encoder, a UNet, and perhaps an image encoder and a matte decoder."""

    latent_channels: int
    downsampling: int  # pixels for each latent, along a side
    text_tokens: int
    schedule: NoiseSchedule
    feature_channels: int = 0  # of the image encoder, 0 for a model without one
    has_matte_decoder: bool = False
    rgb_gain: float = 1.0  # a picture's scaled latents times this are what the UNet knows; mattes stay


@dataclass(frozen=True, kw_only=True)
class ExpertSpec(ModelSpec):
    """A network of other people that knows one thing, the matte of a picture: a single ONNX file."""

    graph_path: Path
    manifest: ExpertManifest


@dataclass(frozen=True, kw_only=True)
class AutoSpec(ModelSpec):
    """A Zippo model and an expert that is asked where Zippo is unsure. Sizes are Zippo's."""

    zippo: ZippoSpec
    expert: ExpertSpec


@dataclass(frozen=True)
class SessionInfo:
    """What was asked for, what is really in use, and why they differ."""

    engine: str  # "onnx", "torch" or "fake"
    provider: str  # the provider that the opened session reports, for example "cpu" or "cuda"
    fallbacks: tuple[str, ...] = ()  # one sentence for each step down from what was asked for


class Session(Protocol):
    """An opened model of any kind. One thread creates, uses and closes it."""

    @property
    def spec(self) -> ModelSpec:
        """The model's own facts."""
        ...

    @property
    def info(self) -> SessionInfo:
        """The engine and provider really in use."""
        ...

    def close(self) -> None:
        """Free the networks; the session cannot be used afterwards."""
        ...


class ZippoSession(Session, Protocol):
    """An opened Zippo model. Pictures are [N,3,H,W] in -1..1."""

    @property
    def spec(self) -> ZippoSpec:
        """The model's own facts."""
        ...

    def encode_images(self, images: Array) -> Array:
        """Pictures [N,3,H,W] float32 in -1..1 to scaled latents [N,C,H/f,W/f] (the posterior's mean)."""
        ...

    def decode_latents(self, latents: Array) -> Array:
        """Scaled latents [N,C,h,w] to pictures [N,3,h*f,w*f], about -1..1, not clipped."""
        ...

    def image_features(self, images: Array) -> Array | None:
        """Features [N,F,h,w] of pictures [N,3,H*detail,W*detail]; None without an image encoder."""
        ...

    def decode_mattes(self, latents: Array, images: Array, features: Array | None) -> Array | None:
        """Matte latents [N,C,h,w] to mattes [N,H*detail,W*detail] in 0..1, along the edges in their pictures.

        `images` [N,3,H*detail,W*detail] and their `features` are as for `image_features`. None without a
        matte decoder: then `decode_latents` is the way.
        """
        ...

    def encode_prompts(self, prompts: Sequence[str]) -> Array:
        """Prompts to text states [N,L,D] float32; too long ones are cut at the model's token limit."""
        ...

    def denoise(
        self,
        latents: Array,
        timestep: float,
        branches: Sequence[Branch],
        text: Array,
        features: Array | None = None,
    ) -> Array:
        """One evaluation of the UNet.

        `latents` [N,2C,h,w] (RGB half, matte half), one `timestep` for all, a branch and text
        states [N,L,D] for each, and for matting the picture's `features`. Returns [N,C,h,w]: the
        prediction (v or noise, as the schedule says) for each branch's target half.
        """
        ...


class Expert(Session, Protocol):
    """An opened expert."""

    @property
    def spec(self) -> ExpertSpec:
        """The network's own facts."""
        ...

    @property
    def refiner(self) -> ZippoSession:
        """A Zippo model to look closer at what the expert found: opened when first asked for, closed with it.

        Raises what opening raises.
        """
        ...

    def mattes(self, pictures: Array) -> Array:
        """Pictures [N,h,w,3] in 0..1 to mattes [N,h,w] float32 in 0..1."""
        ...


class Auto(Session, Protocol):
    """A Zippo model and an expert, both opened. Whoever closes this closes both."""

    @property
    def spec(self) -> AutoSpec:
        """The facts of both."""
        ...

    @property
    def zippo(self) -> ZippoSession:
        """The one that is asked first."""
        ...

    @property
    def expert(self) -> Expert:
        """The one that is asked where the first is unsure."""
        ...


# By the spec's class, not the session's: a session may be wrapped (`batch.kept_session`).
def is_zippo(session: Session) -> TypeGuard[ZippoSession]:
    """Whether a session is a Zippo model's."""
    return isinstance(session.spec, ZippoSpec)


def is_expert(session: Session) -> TypeGuard[Expert]:
    """Whether a session is an expert's."""
    return isinstance(session.spec, ExpertSpec)


def is_auto(session: Session) -> TypeGuard[Auto]:
    """Whether a session is one of a Zippo model and an expert."""
    return isinstance(session.spec, AutoSpec)


def zippo_of(session: Session) -> ZippoSession:
    """The Zippo model of a session. Raises `ModelError` where there is none."""
    if is_auto(session):
        return session.zippo
    if is_zippo(session):
        return session
    raise ModelError(
        f"{session.spec.name} is not a Zippo model.", f"It does {', '.join(session.spec.tasks)}."
    )

"""RGB -> matte: the network's matte of a photo, and its way back to the photo's own size."""

from __future__ import annotations

from collections.abc import Sequence

from zippo_desktop.diffusion.sampler import OnStep
from zippo_desktop.engine.session import Session, is_auto, is_expert
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.resize import Fit, Picture
from zippo_desktop.pipelines import experts, second_pass
from zippo_desktop.pipelines.detail import refine
from zippo_desktop.pipelines.network_matte import NetworkMatte, Prepared, fit, prepare
from zippo_desktop.pipelines.passes import ask
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.pipelines.views import look

__all__ = [
    "NetworkMatte",
    "Prepared",
    "fit",
    "infer",
    "infer_fits",
    "infer_photo",
    "infer_photos",
    "native_matte",
    "prepare",
]


def infer_photo(
    session: Session, prepared: Prepared, request: MattingRequest, on_step: OnStep | None = None
) -> NetworkMatte:
    """The mattes of one photo; see `infer_photos`."""
    return infer_photos(session, [prepared], request, on_step)[0]


def infer_photos(
    session: Session,
    photos: Sequence[Prepared],
    request: MattingRequest,
    on_step: OnStep | None = None,
) -> list[NetworkMatte]:
    """The mattes that a model of any kind finds in some photos; the session's thread. See `views.look`."""
    if is_auto(session):
        return experts.look_twice(session, photos, request, on_step)
    if is_expert(session):
        return experts.look_and_refine(session, photos, request, on_step)
    return look(session, photos, request, on_step)


def native_matte(found: NetworkMatte, prepared: Prepared) -> Matte:
    """The matte [H,W] of the photo's own size in 0..1, along the photo's edges; any thread."""
    matte = found.first
    if found.closer is not None and found.box is not None:
        matte = second_pass.join(found.first, found.closer, found.box, prepared.image)
    if found.edges == "fine":
        matte = refine(matte, prepared.image)
    return upsample_guided(matte, prepared.image)


def infer(session: Session, image: Picture, request: MattingRequest, on_step: OnStep | None = None) -> Matte:
    """One pass: the matte [h,w] in 0..1 of an sRGB picture [H,W,3], at the network's size, not padded."""
    return infer_fits(session, [fit(image, session.spec)], request, on_step)[0]


def infer_fits(
    session: Session, fits: Sequence[Fit], request: MattingRequest, on_step: OnStep | None = None
) -> list[Matte]:
    """Mattes of pictures of one padded shape, as one batch; each [h,w] in 0..1, without padding.

    A picture's noise depends on the seed and the shape only, so its matte does not depend on the
    batch that it is in. Ensemble member i draws its noise from seed + i, and every second one sees
    the pictures in a mirror; the members' mattes are averaged.
    """
    return [answer.matte for answer in ask(session, fits, request, on_step)]

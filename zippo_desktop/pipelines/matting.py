"""RGB -> matte: the network's matte of a photo, and its way back to the photo's own size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.diffusion.sampler import OnStep
from zippo_desktop.engine.session import ModelSpec, Session
from zippo_desktop.imaging.boxes import Box
from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.resize import Fit, Picture, fit_to_network
from zippo_desktop.pipelines import second_pass
from zippo_desktop.pipelines.detail import refine
from zippo_desktop.pipelines.passes import Answer, Batches, ask, mirror_image
from zippo_desktop.pipelines.request import Edges, MattingRequest


@dataclass(frozen=True)
class Prepared:
    """What the network needs of a photo: its sRGB picture [H,W,3] at 8 bit, and that at its own size."""

    image: NDArray[np.uint8]
    fit: Fit


@dataclass(frozen=True)
class NetworkMatte:
    """What the network found, and how it is to become a matte of the photo's size.

    `first` [h,w] is of the whole photo. `closer` [h',w'] is that of the subject's `box` in the photo's
    pixels, and None where no second look was taken, or where it contradicted the first. What speaks for
    them is in 0..1, and None where there was nothing to compare with: the overlap with what the network
    found in the mirror image, and that of the first matte with the closer look, also of one that was dropped.
    """

    first: Matte
    closer: Matte | None = None
    box: Box | None = None
    edges: Edges = "fast"
    mirror_agreement: float | None = None
    scale_agreement: float | None = None

    @property
    def counted(self) -> Matte:
        """The matte that shows the subject best: the closer one if there is one."""
        return self.first if self.closer is None else self.closer


def prepare(photo: Photo, spec: ModelSpec) -> Prepared:
    """The photo as the network wants it: sRGB, whole and small. Any thread."""
    image = srgb_8_bit(photo)
    return Prepared(image, fit(image, spec))


def fit(image: Picture, spec: ModelSpec) -> Fit:
    """An sRGB picture [H,W,3] at the VAE's size, and in the detail that the image encoder sees."""
    return fit_to_network(image, spec.size_px, spec.multiple_px, spec.detail)


def infer_photo(
    session: Session, prepared: Prepared, request: MattingRequest, on_step: OnStep | None = None
) -> NetworkMatte:
    """The network's mattes of one photo; see `infer_photos`."""
    return infer_photos(session, [prepared], request, on_step)[0]


def infer_photos(
    session: Session,
    photos: Sequence[Prepared],
    request: MattingRequest,
    on_step: OnStep | None = None,
) -> list[NetworkMatte]:
    """The network's mattes of some photos, best of one padded shape; the session's thread.

    No call of the network has more pictures than there are photos, so that memory for the first pass is
    memory for all. Steps are counted for each picture. Which closer looks are worth it is known only
    after the first pass: they are part of the total from the start, and told as done at once if left out.
    """
    is_mirrored = request.check and request.ensemble == 1  # an ensemble has seen the mirror images anyway
    batches = Batches(session, request, len(photos), 1 + request.second_pass + is_mirrored, on_step)
    # 1. all photos as a whole
    firsts = batches.ask([photo.fit for photo in photos])
    # 2. the closer looks, by place
    boxes = [_close_up(first, photo, request) for first, photo in zip(firsts, photos, strict=True)]
    crops = {
        place: fit(photos[place].image[box.slices], session.spec)
        for place, box in enumerate(boxes)
        if box is not None
    }
    closer = dict(zip(crops, batches.ask(list(crops.values())), strict=True))
    # 3. the mirror images of what counts: of the closer look where there is one
    counted = [crops.get(place, photo.fit) for place, photo in enumerate(photos)] if is_mirrored else []
    mirrored = dict(enumerate(batches.ask([mirror_image(each) for each in counted])))
    batches.end()
    return [
        _found(photo, firsts[place], boxes[place], closer.get(place), mirrored.get(place), request.edges)
        for place, photo in enumerate(photos)
    ]


def _close_up(first: Answer, photo: Prepared, request: MattingRequest) -> Box | None:
    return second_pass.close_up(first.matte, *photo.image.shape[:2]) if request.second_pass else None


def _found(
    photo: Prepared,
    first: Answer,
    box: Box | None,
    closer: Answer | None,
    mirrored: Answer | None,
    edges: Edges,
) -> NetworkMatte:
    """All that the network answered about one photo, and how well the answers agree."""
    last = closer or first
    mirror_agreement = last.agreement
    if mirrored is not None:
        matte = mirrored.matte[:, ::-1][:, : last.matte.shape[1]]  # what was padding is on the right again
        mirror_agreement = second_pass.overlap(last.matte, matte)
    if box is None or closer is None:
        return NetworkMatte(first.matte, None, None, edges, mirror_agreement)
    agreement = second_pass.agreement(first.matte, closer.matte, box, *photo.image.shape[:2])
    if agreement < second_pass.LEAST_AGREEMENT:
        return NetworkMatte(first.matte, None, None, edges, mirror_agreement, agreement)
    return NetworkMatte(first.matte, closer.matte, box, edges, mirror_agreement, agreement)


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

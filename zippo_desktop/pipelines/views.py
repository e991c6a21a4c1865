"""All the looks that one model takes at some photos: whole, closer, and in the mirror."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zippo_desktop.diffusion.sampler import OnStep
from zippo_desktop.engine.session import Session
from zippo_desktop.imaging.boxes import Box
from zippo_desktop.pipelines import second_pass
from zippo_desktop.pipelines.network_matte import NetworkMatte, Prepared, fit
from zippo_desktop.pipelines.passes import Answer, Batches, mirror_image, steps_in_pass
from zippo_desktop.pipelines.request import Edges, MattingRequest


def steps_in_looks(session: Session, request: MattingRequest, count: int) -> int:
    """The steps that `look` may take for so many photos."""
    return _looks(request) * count * steps_in_pass(session, request)


def look(
    session: Session, photos: Sequence[Prepared], request: MattingRequest, on_step: OnStep | None = None
) -> list[NetworkMatte]:
    """One model's mattes of some photos, which are prepared for it and best of one padded shape.

    No call of the network has more pictures than there are photos; those of closer looks may be larger
    (`closer_px`). Steps are counted for each picture. Which closer looks are worth it is known only
    after the first pass: they are part of the total from the start, and told as done at once if left out.
    """
    batches = Batches(session, request, len(photos), _looks(request), on_step)
    # 1. all photos as a whole
    firsts = batches.ask([photo.fit for photo in photos])
    # 2. the closer looks, by place
    boxes = [_close_up(first, photo, request) for first, photo in zip(firsts, photos, strict=True)]
    crops = {
        place: fit(photos[place].image[box.slices], session.spec, is_closer=True)
        for place, box in enumerate(boxes)
        if box is not None
    }
    closer = dict(zip(crops, batches.ask(list(crops.values())), strict=True))
    # 3. the mirror images of what counts: of the closer look where there is one
    is_mirrored = _is_mirrored(request)
    counted = [crops.get(place, photo.fit) for place, photo in enumerate(photos)] if is_mirrored else []
    mirrored = dict(enumerate(batches.ask([mirror_image(each) for each in counted])))
    batches.end()
    return [
        _found(photo, firsts[place], boxes[place], closer.get(place), mirrored.get(place), request.edges)
        for place, photo in enumerate(photos)
    ]


def _looks(request: MattingRequest) -> int:
    return 1 + request.second_pass + _is_mirrored(request)


def _is_mirrored(request: MattingRequest) -> bool:
    return request.check and request.ensemble == 1  # an ensemble has seen the mirror images anyway


def _close_up(first: Answer, photo: Prepared, request: MattingRequest) -> Box | None:
    return second_pass.close_up(first.sketch, *photo.image.shape[:2]) if request.second_pass else None


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
    alone = NetworkMatte(first.matte, None, None, edges, mirror_agreement, sketch=first.sketch)
    if box is None or closer is None:
        return alone
    place = box, *photo.image.shape[:2]
    agreement = second_pass.agreement(first.sketch, closer.sketch, *place)
    if not second_pass.is_believed(agreement, first.sketch, *place):
        return replace(alone, scale_agreement=agreement)
    return replace(alone, closer=closer.matte, box=box, scale_agreement=agreement, sketch=closer.sketch)

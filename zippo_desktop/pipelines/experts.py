"""A Zippo model and an expert together: Zippo looks closer at what the expert found, or asks it.

The figures behind these choices come from benchmarks/experts.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zippo_desktop.diffusion.sampler import OnStep, steps_taken, within
from zippo_desktop.engine.session import Auto, Expert, ZippoSession
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.resize import Fit, Picture, resize, resize_picture
from zippo_desktop.pipelines import second_pass
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW, assess
from zippo_desktop.pipelines.detail import guarded
from zippo_desktop.pipelines.network_matte import NetworkMatte, Prepared, fit
from zippo_desktop.pipelines.passes import ask_zippo
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.pipelines.views import look, steps_in_looks

# Of 60 composites refining made 14 better and 33 worse with these, and more of them worse with others.
STRENGTH = 0.25  # of the noise on the expert's matte that Zippo begins with
FEWEST_STEPS = 4  # of which a quarter is taken
LEAST_AGREEMENT = 0.7  # of Zippo's closer look with the expert's matte


def look_and_refine(
    session: Expert, photos: Sequence[Prepared], request: MattingRequest, on_step: OnStep | None = None
) -> list[NetworkMatte]:
    """An expert's mattes of photos prepared for it, refined by a Zippo model if the request says so."""
    if request.refine == "none":
        return look(session, photos, request, on_step)
    total, each = _steps(session, request, len(photos)), _steps_to_refine(request)
    done = total - each * len(photos)
    found = look(session, photos, request, within(on_step, 0, total))
    refined = []
    for place, (first, photo) in enumerate(zip(found, photos, strict=True)):
        step = within(on_step, done + place * each, total)
        refined.append(_refined(session, first, photo, request, step))
    if on_step is not None:
        on_step(total, total)
    return refined


def look_twice(
    session: Auto, photos: Sequence[Prepared], request: MattingRequest, on_step: OnStep | None = None
) -> list[NetworkMatte]:
    """Zippo's mattes of photos prepared for it; the expert's where Zippo is unsure and the expert is surer.

    The mirror images are always looked at: without them little is known of how sure a model is.
    """
    request = replace(request, check=True)
    ours = replace(request, refine="none")
    quick = steps_in_looks(session.zippo, ours, len(photos))
    total = quick + _steps(session.expert, request, len(photos))
    # 1. Zippo, which is quick
    first = look(session.zippo, photos, ours, within(on_step, 0, total))
    unsure = [place for place, found in enumerate(first) if _confidence(found) < UNCERTAIN_BELOW]
    # 2. the expert
    again = [_prepared_anew(session.expert, photos[place]) for place in unsure]
    second = look_and_refine(session.expert, again, request, within(on_step, quick, total)) if again else []
    if on_step is not None:
        on_step(total, total)
    # 3. the surer of the two
    others = dict(zip(unsure, second, strict=True))
    return [_chosen(session, found, others.get(place)) for place, found in enumerate(first)]


def _steps(session: Expert, request: MattingRequest, count: int) -> int:
    """The steps that `look_and_refine` may take for so many photos."""
    refining = _steps_to_refine(request) if request.refine != "none" else 0
    return steps_in_looks(session, request, count) + count * refining


def _steps_to_refine(request: MattingRequest) -> int:
    return steps_taken(max(request.steps, FEWEST_STEPS), STRENGTH)


def _prepared_anew(session: Expert, photo: Prepared) -> Prepared:
    return Prepared(photo.image, fit(photo.image, session.spec))


def _confidence(found: NetworkMatte) -> float:
    """How sure a model is, before its matte has the photo's size."""
    return assess(found, found.first).confidence


def _chosen(session: Auto, first: NetworkMatte, second: NetworkMatte | None) -> NetworkMatte:
    """The surer one, with whose it is and why."""
    zippo, expert = session.zippo.spec, session.expert.spec
    ours = f"{zippo.name} {zippo.version}"
    if second is None:
        return replace(first, model_used=ours)
    sure, surer = _confidence(first), _confidence(second)
    unsure = f"{zippo.name} was unsure ({sure:.2f})"
    if surer <= sure:
        return replace(first, model_used=ours, remark=f"{unsure}, and {expert.name} no surer ({surer:.2f}).")
    remark = f"{unsure}: this is the matte of {expert.name} ({surer:.2f}). {second.remark}".strip()
    return replace(second, model_used=second.model_used or f"{expert.name} {expert.version}", remark=remark)


def _refined(
    session: Expert,
    found: NetworkMatte,
    photo: Prepared,
    request: MattingRequest,
    on_step: OnStep | None,
) -> NetworkMatte:
    """An expert's matte with Zippo's look at the subject in it, where the two agree.

    Zippo begins from the expert's matte, partly noised (SDEdit, Meng et al. 2022), so that it keeps what
    was decided. Where the expert is sure, and where Zippo changes wider areas than edges, nothing is taken.
    """
    zippo, height, width = session.refiner, *photo.image.shape[:2]
    own = f"{session.spec.name} {session.spec.version}"
    whole = _joined(found, photo)
    box = second_pass.crop_of(whole, height, width)
    if box is None:
        return replace(found, model_used=own, remark=f"{zippo.spec.name} had nothing to refine.")
    # 1. the subject as both see it
    crop = photo.image[box.slices]
    before = whole[box.scaled((height, width), whole.shape).slices]  # [h,w]
    after = _asked(zippo, before, crop, request, on_step)  # [h',w']
    agreement = second_pass.overlap(resize(before, *after.shape), after)
    if agreement < LEAST_AGREEMENT:
        remark = f"{zippo.spec.name} saw something else ({agreement:.2f}) and refined nothing."
        return replace(found, model_used=own, remark=remark)
    # 2. one matte of the crop, as fine as the finer of them
    size = max(before.shape, after.shape)
    start = upsample_guided(before, resize_picture(crop, *size))
    change = upsample_guided(after, resize_picture(crop, *size)) - start
    closer = guarded(start, change * _unsure(start), size[0] / after.shape[0])
    by_both = f"{own}, refined by {zippo.spec.name} {zippo.spec.version}"
    return replace(found, closer=closer, box=box, model_used=by_both, sketch=closer)


def _unsure(matte: Matte) -> Matte:
    """How little is decided at each pixel of a matte: nothing at 0 and 1, all from a quarter to three."""
    return np.clip(4 * np.minimum(matte, 1 - matte), 0, 1)


def _joined(found: NetworkMatte, photo: Prepared) -> Matte:
    """All that an expert found, as one matte of the whole photo."""
    if found.closer is None or found.box is None:
        return found.first
    return second_pass.join(found.first, found.closer, found.box, photo.image)


def _asked(
    zippo: ZippoSession, matte: Matte, crop: Picture, request: MattingRequest, on_step: OnStep | None
) -> Matte:
    """Zippo's matte [h',w'] of a crop [H,W,3], from that crop's matte [h,w]."""
    wanted = fit(crop, zippo.spec)
    request = replace(request, steps=max(request.steps, FEWEST_STEPS), ensemble=1)
    return ask_zippo(zippo, [wanted], request, on_step, [_padded(matte, wanted)], STRENGTH)[0].matte


def _padded(matte: Matte, wanted: Fit) -> Matte:
    """A matte [h,w] as large as a prepared picture, padded by its own edges as that is."""
    small = resize(matte, wanted.height, wanted.width)
    height, width = wanted.image.shape[:2]
    return np.pad(small, [(0, height - wanted.height), (0, width - wanted.width)], mode="edge")

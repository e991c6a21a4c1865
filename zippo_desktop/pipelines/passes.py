"""One pass of a network over some pictures: their mattes, and whether the views of an ensemble agree.

Here, and nowhere else, a matte comes from a network, be it a Zippo model's or an expert's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join
from zippo_desktop.diffusion.sampler import Denoise, OnStep, Start, sample_ddim, within
from zippo_desktop.engine.session import Expert, Session, ZippoSession, is_expert, zippo_of
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.resize import Fit, unfit
from zippo_desktop.pipelines import second_pass
from zippo_desktop.pipelines.pictures import (
    decode_mattes,
    decode_mattes_of,
    encode_colours,
    encode_matte,
    to_network,
)
from zippo_desktop.pipelines.request import MattingRequest


@dataclass(frozen=True)
class Answer:
    """The network's matte [h,w] of a picture, and, for an ensemble, its two views' overlap in 0..1.

    `sketch` [h',w'] is the matte as the latents alone say it: a haze where these are unsure, while a matte
    decoder decides. It tells better where there might be something, and how sure that is. Without a matte
    decoder the two are the same.
    """

    matte: Matte
    sketch: Matte
    agreement: float | None = None


@dataclass
class Batches:
    """Pictures on their way through a session, at most `largest` of one shape at once, each `looks` times."""

    session: Session
    request: MattingRequest
    largest: int
    looks: int
    on_step: OnStep | None
    done: int = field(default=0, init=False)  # steps, one for each picture in a batch

    @property
    def total(self) -> int:
        """All the steps that there may be."""
        return self.looks * self.largest * steps_in_pass(self.session, self.request)

    def ask(self, fits: Sequence[Fit]) -> list[Answer]:
        """The answers to pictures of any shapes, in their order."""
        places_of: dict[tuple[int, ...], list[int]] = {}
        for place, each in enumerate(fits):
            places_of.setdefault(each.image.shape, []).append(place)
        answers: dict[int, Answer] = {}
        for places in places_of.values():
            for start in range(0, len(places), self.largest):
                batch = places[start : start + self.largest]
                found = ask(
                    self.session, [fits[place] for place in batch], self.request, self._step(len(batch))
                )
                answers.update(zip(batch, found, strict=True))
        return [answers[place] for place in range(len(fits))]

    def end(self) -> None:
        """Tell the looks that nobody took as done."""
        if self.on_step is not None and self.done < self.total:
            self.on_step(self.total, self.total)

    def _step(self, pictures: int) -> OnStep:
        def step(_done: int, _total: int) -> None:
            self.done += pictures
            if self.on_step is not None:
                self.on_step(self.done, self.total)

        return step


def steps_in_pass(session: Session, request: MattingRequest) -> int:
    """The steps that one picture takes in one pass: an expert has nothing to denoise, but two views."""
    return min(request.ensemble, 2) if is_expert(session) else request.ensemble * request.steps


def ask(
    session: Session, fits: Sequence[Fit], request: MattingRequest, on_step: OnStep | None
) -> list[Answer]:
    """The answers to pictures of one padded shape, as one batch; see `matting.infer_fits`."""
    if is_expert(session):
        return _ask_expert(session, fits, request, on_step)
    return ask_zippo(zippo_of(session), fits, request, on_step)


def _ask_expert(
    session: Expert, fits: Sequence[Fit], request: MattingRequest, on_step: OnStep | None
) -> list[Answer]:
    """An expert always says the same of a picture: an ensemble is it and its mirror image, no more."""
    pictures = np.stack([each.image for each in fits])  # [N,h,w,3] 0..1
    count = steps_in_pass(session, request)
    totals = []
    for done, view in enumerate([pictures, _mirrored(pictures)][:count], start=1):
        mattes = session.mattes(view)  # [N,h,w] 0..1
        totals.append(_mirrored(mattes) if done == 2 else mattes)
        if on_step is not None:
            on_step(done, count)
    return [_averaged([total[place] for total in totals], each, count) for place, each in enumerate(fits)]


def ask_zippo(
    session: ZippoSession,
    fits: Sequence[Fit],
    request: MattingRequest,
    on_step: OnStep | None = None,
    starts: Sequence[Matte] = (),
    strength: float = 1.0,
) -> list[Answer]:
    """A Zippo model's answers to pictures of one padded shape, as one batch; see `matting.infer_fits`.

    With `starts`, mattes of the padded shape, it begins from them, noised as much as `strength` says.
    """
    # 1. encode, as they are and mirrored
    pictures = np.stack([each.image for each in fits])  # [N,h,w,3] 0..1
    detailed = np.stack([each.detailed for each in fits])  # [N,h*d,w*d,3] 0..1
    views = [(pictures, detailed), (_mirrored(pictures), _mirrored(detailed))][: request.ensemble]
    seen = [View.of(session, *view) for view in views]
    known = np.stack(starts) if starts else None  # [N,h,w] 0..1
    begins = [_start(session, mattes, strength) for mattes in (known, _flipped(known))][: len(views)]
    text = np.repeat(session.encode_prompts([request.prompt]), len(fits), axis=0)  # [N,L,D]
    branches = [Branch.RGB_TO_MATTE] * len(fits)

    def denoiser(view: View) -> Denoise:
        return lambda matte, timestep: session.denoise(
            join(view.latents, matte), timestep, branches, text, view.features
        )

    found: list[list[Array]] = [[] for _ in views]
    sketched: list[Array] = []
    for member in range(request.ensemble):
        view = seen[member % 2]
        # 2. draw the noise, the same for each picture
        noise = np.repeat(draw_noise(request.seed + member, (1, *view.latents.shape[1:])), len(fits), axis=0)
        # 3. sample the matte's half, given the RGB half
        latents = sample_ddim(
            denoiser(view),
            noise,
            session.spec.schedule,
            request.steps,
            within(on_step, member * request.steps, request.ensemble * request.steps),
            begins[member % 2],
        )
        # 4. decode
        mattes = decode_mattes_of(session, latents, view.images, view.features)  # [N,h,w] 0..1
        found[member % 2].append(_mirrored(mattes) if member % 2 else mattes)
        if session.spec.has_matte_decoder:
            sketches = decode_mattes(session, latents)  # [N,h/d,w/d] 0..1
            sketched.append(_mirrored(sketches) if member % 2 else sketches)
    # 5. average the ensemble and each view, take the padding off
    totals = [np.asarray(np.sum(mattes, axis=0), np.float32) for mattes in found]
    sketch = np.asarray(np.mean(sketched, axis=0), np.float32) if sketched else None  # [N,h/d,w/d]
    return [
        _averaged(
            [total[place] for total in totals],
            each,
            request.ensemble,
            None if sketch is None else sketch[place],
        )
        for place, each in enumerate(fits)
    ]


@dataclass(frozen=True)
class View:
    """N pictures, or their mirror images, as a Zippo model takes them.

    Latents [N,C,h/f,w/f], and the detailed pictures [N,3,h*d,w*d] in -1..1 with their features [N,F,h/f,w/f].
    """

    latents: Array
    images: Array
    features: Array | None

    @classmethod
    def of(cls, session: ZippoSession, pictures: Array, detailed: Array) -> View:
        """Encode pictures [N,h,w,3], and the same in detail [N,h*d,w*d,3], all in 0..1."""
        images = to_network(detailed)
        return cls(encode_colours(session, pictures), images, session.image_features(images))


def _start(session: ZippoSession, mattes: Array | None, strength: float) -> Start | None:
    """What mattes [N,h,w] are to the sampler."""
    if mattes is None:
        return None
    return Start(np.concatenate([encode_matte(session, matte) for matte in mattes]), strength)


def _averaged(totals: Sequence[Matte], fit: Fit, members: int, sketch: Matte | None = None) -> Answer:
    """The sums [h,w] of the members that saw a picture as it is, and of those that saw its mirror image.

    With the mean of their sketches, where there are any.
    """
    summed: Matte = np.sum(totals, axis=0, dtype=np.float32)
    matte = unfit(summed / np.float32(members), fit)
    seen = matte if sketch is None else unfit(sketch, fit)
    if len(totals) == 1:
        return Answer(matte, seen)
    of_mirror = members // 2
    plain, mirrored = totals[0] / np.float32(members - of_mirror), totals[1] / np.float32(of_mirror)
    return Answer(matte, seen, second_pass.overlap(unfit(plain, fit), unfit(mirrored, fit)))


def mirror_image(fit: Fit) -> Fit:
    """The picture, left and right exchanged; its padding, on the left now, counts as part of it."""
    return replace(fit, image=fit.image[:, ::-1], width=fit.image.shape[1], detailed=fit.detailed[:, ::-1])


def _mirrored(pictures: Array) -> Array:
    """Pictures [N,h,w] or [N,h,w,C], left and right exchanged."""
    return pictures[:, :, ::-1]


def _flipped(mattes: Array | None) -> Array | None:
    return None if mattes is None else _mirrored(mattes)

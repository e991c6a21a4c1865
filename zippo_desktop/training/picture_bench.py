"""The bench that pictures are made and measured on: one model, one judge, unseen backgrounds.

It knows how to make a picture and how to score one, not which pictures an evaluation wants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.session import ZippoSession
from zippo_desktop.imaging.backdrop import add_backdrop, remove_backdrop
from zippo_desktop.imaging.cleanness import cleanness
from zippo_desktop.imaging.compositing import over
from zippo_desktop.imaging.resize import resize
from zippo_desktop.pipelines import generation, matting, painting
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest
from zippo_desktop.training import metrics
from zippo_desktop.training.cutout_measures import (
    feature_diversity,
    outside_difference,
    pixel_diversity,
)
from zippo_desktop.training.cutouts import Backdrop, load_rgb
from zippo_desktop.training.generation_report import Agreement, Diversity, PictureScores
from zippo_desktop.training.judge import Judge
from zippo_desktop.training.kept_pictures import KeptPictures, Made
from zippo_desktop.training.named_views import PromptFor

Array = NDArray[np.float32]
OnPicture = Callable[[int, int], None]  # done, total


@dataclass(frozen=True)
class Drawn:
    """One picture [h,w,4] in 0..1 (colours over grey, then the matte), and what it should show."""

    cutout: Array
    name: str
    prompt: str = ""
    seed: int = 0
    seconds: float | None = None


@dataclass
class Progress:
    """Counts the pictures that the model has made."""

    total: int
    on_picture: OnPicture | None
    done: int = 0

    def count(self) -> None:
        """Say that one more is there."""
        self.done += 1
        if self.on_picture is not None:
            self.on_picture(self.done, self.total)


@dataclass(frozen=True)
class Bench:
    """All that measuring one picture wants."""

    session: ZippoSession
    judge: Judge
    unseen: Sequence[Backdrop]
    steps: int  # of painting
    seed: int
    pictures: KeptPictures
    progress: Progress
    _scenes: dict[int, Array] = field(default_factory=dict)

    def generate(self, prompts: Sequence[PromptFor], seeds: int, steps: int, tries: int = 1) -> list[Drawn]:
        """Each prompt with `seeds` seeds; a seed depends on the prompt's place, on no step count."""
        drawn = []
        for index, prompt in enumerate(prompts):
            for seed in seeds_of(self.seed, index, seeds):
                request = GenerationRequest(prompt.text, steps=steps, seed=seed, tries=tries)
                made = self.pictures.get(request, partial(generation.infer, self.session, request))
                drawn.append(_drawn(made, prompt, seed))
                self.progress.count()
        return drawn

    def paint(self, mattes: Sequence[Drawn]) -> list[Drawn]:
        """The name of each real view, painted into that view's matte."""
        drawn = []
        for real in mattes:
            request = PaintingRequest(real.name, steps=self.steps, seed=real.seed)
            matte = np.ascontiguousarray(real.cutout[..., 3])
            made = self.pictures.get(request, partial(self._painted, matte, request), matte)
            drawn.append(_drawn(made, PromptFor(real.name, real.name), real.seed))
            self.progress.count()
        return drawn

    def score(self, drawn: Sequence[Drawn], is_painting: bool = False) -> tuple[PictureScores, ...]:
        """Measure pictures one by one; those of one seed lie over the same unseen background."""
        return tuple(self._score(each, is_painting) for each in drawn)

    def diversity(self, drawn: Sequence[Drawn]) -> Diversity | None:
        """Mean distance of the pictures of one prompt; None if no prompt has two."""
        groups: dict[str, list[Array]] = {}
        for each in drawn:
            groups.setdefault(each.name, []).append(each.cutout)
        several = [group for group in groups.values() if len(group) > 1]
        if not several:
            return None
        return Diversity(
            pixels=float(np.mean([pixel_diversity(group) for group in several])),
            features=float(np.mean([feature_diversity(self.judge.features(group)) for group in several])),
        )

    def _score(self, drawn: Drawn, is_painting: bool) -> PictureScores:
        colours, matte = drawn.cutout[..., :3], np.ascontiguousarray(drawn.cutout[..., 3])
        scene = self._scene(drawn.seed)
        scores = PictureScores(
            name=drawn.name,
            judged=self.judge.name(self.judge.features([drawn.cutout]))[0],
            prompt=drawn.prompt,
            seed=drawn.seed,
            seconds=drawn.seconds,
            clean=cleanness(matte),
            unseen_scene=_agreement(self._rematted(colours, matte, scene), matte),
        )
        if is_painting:
            over_grey = add_backdrop(remove_backdrop(colours, matte), matte)
            return replace(
                scores,
                studio=_agreement(self._matte(over_grey), matte),
                outside=outside_difference(drawn.cutout),
            )
        then_matte = self._matte(colours)
        return replace(
            scores,
            then_matte=_agreement(self._rematted(colours, then_matte, scene), then_matte),
            both_mattes=_agreement(then_matte, matte),
        )

    def _rematted(self, colours: Array, matte: Array, scene: Array) -> Array:
        """The matte of a cut-out over another background: [h,w]."""
        return self._matte(over(remove_backdrop(colours, matte), matte, scene))

    def _matte(self, image: Array) -> Array:
        """One pass, at the picture's own size, which is not the one that the network mattes at."""
        return resize(matting.infer(self.session, image, MattingRequest()), *image.shape[:2])

    def _painted(self, matte: Array, request: PaintingRequest) -> Array:
        return np.dstack([painting.infer(self.session, matte, request), matte])

    def _scene(self, index: int) -> Array:
        """A square crop of unseen background number `index`, at the network's size."""
        if index not in self._scenes:
            rng = np.random.default_rng([self.seed, 2, index])
            side = self.session.spec.size_px
            picture = load_rgb(self.unseen[int(rng.integers(len(self.unseen)))].path, 4 * side)
            crop = min(picture.shape[:2])
            top, left = (int(rng.integers(length - crop + 1)) for length in picture.shape[:2])
            cropped = picture[top : top + crop, left : left + crop].astype(np.float32) / np.float32(255)
            self._scenes[index] = resize(cropped, side, side)
        return self._scenes[index]


def seeds_of(first: int, index: int, count: int) -> list[int]:
    """Seeds of prompt number `index`: no two prompts share one; more add to the first."""
    return [first + 1000 * place + index for place in range(count)]


def _drawn(made: Made, prompt: PromptFor, seed: int) -> Drawn:
    return Drawn(made.cutout, prompt.name, prompt.text, seed, made.seconds)


def _agreement(predicted: Array, matte: Array) -> Agreement:
    return Agreement(
        iou=metrics.intersection_over_union(predicted, matte),
        mad=metrics.mean_absolute_difference(predicted, matte),
    )

"""Matte -> RGB: an object, described by a prompt, painted into a given matte."""

from __future__ import annotations

from collections.abc import Mapping

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join
from zippo_desktop.diffusion.sampler import OnStep, Start, sample_ddim
from zippo_desktop.engine.session import ModelSpec, ZippoSession
from zippo_desktop.imaging.backdrop import add_backdrop, remove_backdrop
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import LayerStack, Matte, Metadata
from zippo_desktop.imaging.resize import Fit, fit_to_network, resize, unfit
from zippo_desktop.pipelines.guidance import guided_denoiser
from zippo_desktop.pipelines.pictures import decode_colours, encode_colours, encode_matte, to_uint8
from zippo_desktop.pipelines.previews import OnPreview, cut_preview
from zippo_desktop.pipelines.request import PaintingRequest


def prepare(matte: Matte, spec: ModelSpec) -> Fit:
    """The matte [H,W] as the network wants it: small and padded."""
    return fit_to_network(matte[..., None], spec.size_px, spec.multiple_px)


def prepare_start(photo: Photo, matte: Matte, spec: ModelSpec) -> Fit:
    """The photo's subject over the grey backdrop, as the network wants it; the matte has the photo's size."""
    return fit_to_network(add_backdrop(to_srgb(photo), matte), spec.size_px, spec.multiple_px)


def infer(
    session: ZippoSession, matte: Matte, request: PaintingRequest, on_step: OnStep | None = None
) -> Array:
    """Colours for a matte [H,W] in 0..1: RGB [h,w,3] in 0..1 at the network's size, without padding."""
    return infer_fit(session, prepare(matte, session.spec), request, on_step)


def infer_fit(
    session: ZippoSession,
    fit: Fit,
    request: PaintingRequest,
    on_step: OnStep | None = None,
    start: Fit | None = None,
    on_preview: OnPreview | None = None,
) -> Array:
    """Colours for a prepared matte: RGB [h,w,3] in 0..1, without padding.

    With a `start` (see `prepare_start`) that picture is painted over, as much as the request's strength says.
    """
    # 1. encode the matte as a grey picture
    matte = encode_matte(session, fit.image[..., 0])  # [1,C,h/f,w/f]
    # 2. draw the noise
    noise = draw_noise(request.seed, matte.shape)
    begin = None
    if start is not None and request.strength is not None:
        begin = Start(encode_colours(session, start.image[None]), request.strength)
    # 3. sample the RGB half, given the matte's half
    predict = guided_denoiser(
        session, [Branch.MATTE_TO_RGB], request.prompt, request.negative, request.guidance
    )

    def show(rgb: Array) -> None:
        if on_preview:
            on_preview(lambda: cut_preview(_decode(session, rgb, fit), unfit(fit.image[..., 0], fit)))

    latents = sample_ddim(
        lambda rgb, timestep: predict(join(rgb, matte), timestep),
        noise,
        session.spec.schedule,
        request.steps,
        on_step,
        begin,
        show,
    )
    # 4. decode
    return _decode(session, latents, fit)


def _decode(session: ZippoSession, rgb: Array, fit: Fit) -> Array:
    """Latents [1,C,h/f,w/f] of colours as a picture [h,w,3] in 0..1, without padding."""
    return unfit(decode_colours(session, rgb)[0], fit)


def finish(colours: Array, matte: Matte, parameters: Mapping[str, str]) -> LayerStack:
    """Bring colours [h,w,3] in 0..1 to the size of their matte [H,W], and put the two together.

    The network paints over a grey backdrop. It is taken off with the matte blurred as much as the
    colours are, which is alpha-weighted interpolation: no grey gets into the subject's edge.
    """
    height, width = matte.shape
    blurred_matte = resize(resize(matte, *colours.shape[:2]), height, width)
    subject = remove_backdrop(resize(colours, height, width), blurred_matte)  # [H,W,3] 0..1
    return LayerStack(to_uint8(subject), matte, metadata=Metadata(parameters=parameters))

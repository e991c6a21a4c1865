"""Another gain for the pictures' latents of a trained UNet: see "A gain for pictures" in docs/model.md."""

from __future__ import annotations

from pathlib import Path

from zippo_desktop.engine.model_store import read_json, read_spec, record_digests
from zippo_desktop.engine.zippo_unet import load_unet
from zippo_desktop.training.model_folder import write_json, write_network


def set_rgb_gain(model_dir: Path, gain: float) -> None:
    """Multiply a model's picture latents by `gain` from now on, and divide their input weights by it.

    Matting, where the picture is clean, stays as it was. Painting and generation do not: noise weighs
    less beside larger latents, and what is answered for them has other targets. They must be trained.
    """
    spec = read_spec(model_dir)
    if spec.rgb_gain == gain:
        return
    unet = load_unet(model_dir / "unet")
    unet.conv_in.weight.data[:, : spec.latent_channels] *= spec.rgb_gain / gain
    write_network(unet, model_dir / "unet")
    path = model_dir / "zippo.json"
    write_json(path, read_json(path) | {"rgb_gain": gain})
    record_digests(model_dir)

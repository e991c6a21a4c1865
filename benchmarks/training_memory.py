"""GPU memory and arithmetic of fine-tuning a Stable-Diffusion-sized Zippo, computed layer by layer.

Nothing is allocated: the networks live on PyTorch's meta device, and what a training step's forward pass
keeps for the backward one is counted tensor by tensor; attention keeps what a fused kernel keeps, not its
matrix. Beside that stand weights, gradients, Adam's two moments and the weight average in fp32, autocast's
copy in 16 bits, and VAE and text encoder in fp32. With checkpointing, the largest module's own tensors come
back for a moment, and are counted. The VAE codes a step's pictures and mattes, a few at a time, before the
network runs: the most that it holds at once is the step's peak where that is more. What the CUDA context,
cuDNN's workspaces, the backward pass's own intermediates and fragmentation take comes on top; allow 2 GB.
Several GPUs hold the gradients twice: 3.5 GB more. A conversion keeps its base: 3.5 GB more, and two more
rows for each pair.

Arithmetic is two operations for each multiply-add of matrix products, convolutions and attention, forward
and backward, with the VAE's.

    python benchmarks/training_memory.py
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import weakref
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.resnet import ResnetBlock2D
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.training.train_unet import pictures_coded_at_once

BYTES_A_WEIGHT = 5 * 4 + 2  # weights, gradients, two moments, weight average; autocast's copy
FROZEN_GB = 4 * (0.084 + 0.123)  # VAE and CLIP ViT-L text encoder: 84 and 123 million weights in fp32
FROZEN_GB_2 = 4 * (0.084 + 0.340)  # Stable Diffusion 2's text encoder (OpenCLIP ViT-H): 340 million
LATENT_PX = 8
ROWS_PER_PAIR = 4  # matting, painting, and both joint branches
CROSS = ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",)
TOKENS = 77
SIDES = (512, 768)


def stable_diffusion(version: int) -> UNet2DConditionModel:
    """The UNet of Stable Diffusion 1.x or 2.x, inflated to a Zippo one, on the meta device."""
    with torch.device("meta"):
        return UNet2DConditionModel(
            in_channels=8,
            out_channels=4,
            down_block_types=CROSS,
            up_block_types=tuple(name.replace("Down", "Up") for name in reversed(CROSS)),
            block_out_channels=(320, 640, 1280, 1280),
            attention_head_dim=8 if version == 1 else (5, 10, 20, 20),
            cross_attention_dim=768 if version == 1 else 1024,
            use_linear_projection=version == 2,
            num_class_embeds=len(Branch),
        )


def shared_vae() -> AutoencoderKL:
    """The VAE of Stable Diffusion 1.x and 2.x, on the meta device."""
    with torch.device("meta"):
        return AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
        )


class Live(TorchDispatchMode):
    """How many bytes of new tensors there are at once, at most, within the block."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and note what it made, until that is freed."""
        answer = func(*args, **kwargs or {})
        for made in tree_leaves(answer):
            if isinstance(made, torch.Tensor):
                self._note(made.untyped_storage())
        return answer

    def _note(self, storage: torch.UntypedStorage) -> None:
        name, size = storage._cdata, storage.nbytes()
        if name in self._known:
            return
        self._known.add(name)
        self.bytes += size
        self.most = max(self.most, self.bytes)
        weakref.finalize(storage, self._forget, name, size)

    def _forget(self, name: int, size: int) -> None:
        self._known.discard(name)
        self.bytes -= size


def encoding_gb(vae: AutoencoderKL, side: int, pictures: int) -> float:
    """The most that coding so many pictures at once holds, in GB; attention as a fused kernel has it."""
    fused = mock.patch.object(functional, "scaled_dot_product_attention", attention)
    with torch.device("meta"), torch.no_grad(), fused, Live() as live:
        vae.encode(torch.empty(pictures, 3, side, side))
    return live.most / 1e9


def step_tflop(unet: UNet2DConditionModel, vae: AutoencoderKL, side: int) -> tuple[float, float]:
    """Arithmetic of one row, forward and backward, and of coding a pair, in 10^12 operations."""
    with torch.device("meta"):
        with FlopCounterMode(display=False) as row:
            unet(
                *arguments(unet, side, 1), class_labels=torch.zeros(1, dtype=torch.long)
            ).sample.sum().backward()
        with FlopCounterMode(display=False) as pair, torch.no_grad():
            vae.encode(torch.empty(2, 3, side, side))
    return row.get_total_flops() / 1e12, pair.get_total_flops() / 1e12


def arguments(unet: UNet2DConditionModel, side: int, rows: int) -> tuple[torch.Tensor, ...]:
    """What the network is called with for `rows` pictures of `side` px, but for the identifiers."""
    latent, kind = side // LATENT_PX, next(unet.parameters()).dtype
    return (
        torch.empty(rows, 8, latent, latent, dtype=kind),
        torch.zeros(rows, dtype=torch.long),
        torch.empty(rows, TOKENS, unet.config["cross_attention_dim"], dtype=kind),
    )


@contextlib.contextmanager
def counted() -> Iterator[list[int]]:
    """The bytes of every tensor that autograd keeps within the block, each storage once; weights not."""
    sizes: list[int] = []
    kept = []  # a storage that is freed would give its identity to the next one
    seen: set[int] = set()

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if not isinstance(tensor, torch.nn.Parameter) and storage._cdata not in seen:
            seen.add(storage._cdata)
            kept.append(storage)
            sizes.append(storage.nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield sizes


class FusedAttention(torch.autograd.Function):
    """Attention that keeps what a fused kernel keeps: queries, keys, values, answer, one number a row."""

    @staticmethod
    def forward(ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """The answer's shape; on the meta device nothing is computed."""
        answer = torch.empty_like(query)
        ctx.save_for_backward(query, key, value, answer, torch.empty(query.shape[:-1], dtype=torch.float32))
        return answer


def attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **options: Any) -> torch.Tensor:
    """In the place of PyTorch's `scaled_dot_product_attention`."""
    answer: torch.Tensor = FusedAttention.apply(query, key, value)
    return answer


@contextlib.contextmanager
def as_on_a_gpu() -> Iterator[None]:
    """Fused attention, and autocast's rules: norms in fp32, convolutions and matrix products in 16 bits."""
    norms = {name: getattr(functional, name) for name in ("group_norm", "layer_norm")}
    products = {name: getattr(functional, name) for name in ("conv2d", "linear")}

    def norm(name: str) -> Any:
        def call(pixels: torch.Tensor, shape: Any, *rest: Any, **more: Any) -> Any:
            rest = tuple(each.float() if isinstance(each, torch.Tensor) else each for each in rest)
            return norms[name](pixels.float(), shape, *rest, **more)

        return call

    def product(name: str) -> Any:
        return lambda pixels, *rest: products[name](pixels.bfloat16(), *rest)

    with contextlib.ExitStack() as patches:
        for name, call in [
            ("scaled_dot_product_attention", attention),
            *((name, norm(name)) for name in norms),
            *((name, product(name)) for name in products),
        ]:
            patches.enter_context(mock.patch.object(functional, name, call))
        yield


def activations_gb(unet: UNet2DConditionModel, side: int, rows: int) -> tuple[float, float]:
    """What one forward pass of `rows` latents of pictures of `side` px keeps, in GB, in 16 bits.

    The second number is the largest single module's: what checkpointing brings back at a time.
    """
    by_module: list[int] = []
    with torch.device("meta"), counted() as sizes, as_on_a_gpu(), measured(unet, sizes, by_module):
        unet(*arguments(unet, side, rows), class_labels=torch.zeros(rows, dtype=torch.long))
    return sum(sizes) / 1e9, max(by_module) / 1e9


@contextlib.contextmanager
def measured(unet: UNet2DConditionModel, sizes: list[int], by_module: list[int]) -> Iterator[None]:
    """Note for each module that checkpointing treats as one how much it adds to `sizes`."""
    before: dict[torch.nn.Module, int] = {}

    def enter(module: torch.nn.Module, _: Any) -> None:
        before[module] = sum(sizes)

    def leave(module: torch.nn.Module, _: Any, __: Any) -> None:
        by_module.append(sum(sizes) - before[module])

    modules = [each for each in unet.modules() if isinstance(each, BasicTransformerBlock | ResnetBlock2D)]
    hooks = [each.register_forward_pre_hook(enter) for each in modules]
    hooks += [each.register_forward_hook(leave) for each in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def main() -> None:
    """Print one line a version, picture size and number of pairs in a step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.parse_args()
    logging.getLogger("diffusers").setLevel(logging.ERROR)  # bf16 weights are only there to be counted
    vae = shared_vae()
    print("base   px  pairs  rows   fixed  activations  coding  peak  with checkpointing  TFLOP a step")
    for version, frozen in ((1, FROZEN_GB), (2, FROZEN_GB_2)):
        unet = stable_diffusion(version).train()
        fixed = BYTES_A_WEIGHT * sum(weight.numel() for weight in unet.parameters()) / 1e9 + frozen
        tflop = {side: step_tflop(unet, vae, side) for side in SIDES}
        unet = unet.to(torch.bfloat16)
        for side in SIDES:
            for pairs in (1, 4, 8):
                rows = ROWS_PER_PAIR * pairs
                coding = encoding_gb(vae, side, min(2 * pairs, pictures_coded_at_once(side)))
                unet.disable_gradient_checkpointing()
                plain, largest = activations_gb(unet, side, rows)
                unet.enable_gradient_checkpointing()
                sparing = activations_gb(unet, side, rows)[0] + largest
                work = rows * tflop[side][0] + pairs * tflop[side][1]
                print(
                    f"SD {version}  {side:4} {pairs:5} {rows:6} {fixed:6.1f} {plain:10.1f} {coding:10.1f}"
                    f" {fixed + max(plain, coding):7.1f} {fixed + max(sparing, coding):12.1f} {work:16.0f}"
                )


if __name__ == "__main__":
    main()

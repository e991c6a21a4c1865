"""Reading and writing network weights as safetensors: fp32, fp16, bf16, or weight-only int8."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import ModelError

Weights = dict[str, NDArray[Any]]
Precision = Literal["float32", "float16", "int8"]

_STEMS = ("diffusion_pytorch_model", "model")
_SUFFIXES = (".safetensors", ".safetensors.index.json", ".fp16.safetensors")
_COPY_AGAIN = "Copy or download the model again."


def find_weights(folder: Path) -> Path:
    """The safetensors file, or index of shards, of one network's folder in the diffusers layout.

    Raises `ModelError` where there is none; a pickle is named, but never taken.
    """
    for stem in _STEMS:
        for suffix in _SUFFIXES:
            if (folder / f"{stem}{suffix}").is_file():
                return folder / f"{stem}{suffix}"
    pickles = [*folder.glob("*.bin"), *folder.glob("*.ckpt"), *folder.glob("*.pt")]
    if pickles:
        raise ModelError(
            f"{folder} holds its weights only as a pickle ({pickles[0].name}), which is never loaded.",
            "A pickle can run any code. Convert it to safetensors first.",
        )
    raise ModelError(f"{folder} holds no weights (*.safetensors).", _COPY_AGAIN)


def read_weights(path: Path) -> Weights:
    """All tensors of a safetensors file, or of the shards that an index names, as float32.

    An int8 tensor NAME with a float32 NAME.scale [rows,1] beside it is dequantised; integers
    without a scale stay what they are. Raises `ModelError` for anything unreadable.
    """
    stored: Weights = {}
    for shard in shards(path):
        stored |= _read_stored(shard)
    return {name: _dequantised(stored, name) for name in stored if not _is_scale(stored, name)}


def shards(path: Path) -> list[Path]:
    """The files that hold the tensors of `path`: itself, or what a shard index lists."""
    if path.suffix != ".json":
        return [path]
    try:
        names = {str(name) for name in json.loads(path.read_text("utf-8"))["weight_map"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no readable index of weights.", _COPY_AGAIN) from error
    if any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
        raise ModelError(f"{path} lists files that are no safetensors beside it.", _COPY_AGAIN)
    return [path.parent / name for name in sorted(names)]


def write_weights(path: Path, tensors: Mapping[str, NDArray[Any]], precision: Precision) -> None:
    """Write float tensors so that `read_weights` gives them back, rounded to `precision`.

    "int8" quantises each 2-D tensor symmetrically for each output row, and rounds the others to
    float16. Integer tensors are kept. The file appears whole or not at all. Raises `ModelError`
    if a tensor does not fit the precision.
    """
    from safetensors.numpy import save

    stored: Weights = {}
    for name, tensor in tensors.items():
        stored |= _rounded(name, np.asarray(tensor), precision)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
        draft = Path(folder) / path.name
        # Not `save_file`, whose files only their owner may read. transformers expects the metadata.
        draft.write_bytes(save(stored, metadata={"format": "pt"}))
        os.replace(draft, path)


def _read_stored(path: Path) -> Weights:
    """The tensors of one file as stored, but bf16, which NumPy does not have, as float32."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            is_bf16 = {name: file.get_slice(name).get_dtype() == "BF16" for name in file.keys()}  # noqa: SIM118
            if any(is_bf16.values()):
                import ml_dtypes  # noqa: F401  teaches NumPy the type that safetensors asks it for
            tensors: Weights = {name: file.get_tensor(name) for name in is_bf16}
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing.", _COPY_AGAIN) from error
    except (OSError, SafetensorError, TypeError, ImportError) as error:
        raise ModelError(f"{path} is broken or no safetensors file ({error}).", _COPY_AGAIN) from error
    return {name: t.astype(np.float32) if is_bf16[name] else t for name, t in tensors.items()}


def _is_scale(stored: Weights, name: str) -> bool:
    quantised = stored.get(name.removesuffix(".scale")) if name.endswith(".scale") else None
    return quantised is not None and quantised.dtype == np.int8


def _dequantised(stored: Weights, name: str) -> NDArray[Any]:
    tensor = stored[name]
    scale = stored.get(f"{name}.scale")
    if tensor.dtype == np.int8 and scale is not None:
        return tensor.astype(np.float32) * scale.astype(np.float32)
    if np.issubdtype(tensor.dtype, np.floating):
        return tensor.astype(np.float32, copy=False)
    return tensor


def _rounded(name: str, tensor: NDArray[Any], precision: Precision) -> Weights:
    """The one or two stored tensors that stand for `tensor`."""
    if not np.issubdtype(tensor.dtype, np.floating):
        return {name: np.ascontiguousarray(tensor)}
    if precision == "int8" and tensor.ndim == 2:
        scale = np.abs(tensor).max(axis=1, keepdims=True).astype(np.float32) / np.float32(127)
        scale[scale == 0] = 1
        return {name: np.rint(tensor / scale).astype(np.int8), f"{name}.scale": scale}
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(tensor, np.float32 if precision == "float32" else np.float16)
    if not np.isfinite(stored).all():
        raise ModelError(f"{name} does not fit {precision}: it holds too large or undefined numbers.", "")
    return {name: stored}

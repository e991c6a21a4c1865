"""Execution providers of ONNX Runtime: which to try, with which options, and which one really opened."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from zippo_desktop.errors import EngineError

ORT_NAMES = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
PROVIDER_NAMES = ("auto", *ORT_NAMES)  # "auto" tries the others in this order
Options = dict[str, str]

_PLATFORM_OF = {"coreml": "darwin", "directml": "win32"}
_WHY_NOT = {
    "tensorrt": "TensorRT's own libraries or an NVIDIA GPU are missing",
    "cuda": "CUDA 13, cuDNN 9 or an NVIDIA GPU are missing",
}
_OPTIONS: dict[str, Options] = {
    # Memory that grows by what is asked for, not in powers of two: a batch of sizes must not swell.
    # TF32 off: the same seed shall give the same picture as on the CPU.
    "cuda": {
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "HEURISTIC",
        "use_tf32": "0",
    },
    "coreml": {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"},
    "openvino": {"device_type": "AUTO"},
}


@dataclass(frozen=True)
class NvidiaGpu:
    """The first NVIDIA GPU as its driver reports it."""

    name: str
    driver: str


def candidates(asked: str, available: Sequence[str], platform: str = sys.platform) -> list[str]:
    """The providers to try, in order, when `asked` is wanted and the build has `available` (ORT's names).

    Being in the build says nothing of the hardware: only an opened session does. Raises
    `EngineError` if `asked` is unknown or not in the build.
    """
    if asked not in PROVIDER_NAMES:
        raise EngineError(f"There is no provider '{asked}'.", f"Known: {', '.join(PROVIDER_NAMES)}.")
    built = [name for name, ort_name in ORT_NAMES.items() if ort_name in available]
    if asked == "auto":
        return [name for name in built if _PLATFORM_OF.get(name, platform) == platform]
    if asked not in built:
        raise EngineError(
            f"The provider '{asked}' was asked for, but this build of ONNX Runtime has only: "
            f"{', '.join(built) or 'none'}.",
            "Install the build that has it (packaging/README.md), or leave --provider out.",
        )
    return [asked]


def execution_list(name: str, options: Options) -> list[tuple[str, Options]]:
    """What to hand to ONNX Runtime for a provider: itself, and those that take the nodes it cannot run."""
    rest = {"tensorrt": ["cuda", "cpu"], "cpu": []}.get(name, ["cpu"])
    return [(ORT_NAMES[name], options), *((ORT_NAMES[other], default_options(other)) for other in rest)]


def default_options(name: str) -> Options:
    """The options that every session of a provider gets; TensorRT's depend on the model (`tensorrt`)."""
    return dict(_OPTIONS.get(name, {}))


def provider_in_use(session_providers: Sequence[str]) -> str:
    """Our name for the provider that an opened session really runs on: the first that it reports."""
    short = {ort_name: name for name, ort_name in ORT_NAMES.items()}
    return short.get(session_providers[0], session_providers[0])


def check_in_use(wanted: str, session_providers: Sequence[str]) -> None:
    """Raise `EngineError` if ONNX Runtime silently opened the session on something else than `wanted`."""
    used = provider_in_use(session_providers)
    if used != wanted:
        reason = _WHY_NOT.get(wanted, "the device or its driver is missing")
        raise EngineError(f"ONNX Runtime could not open '{wanted}' and chose '{used}' instead: {reason}.")


def missing_gpu_build(available: Sequence[str], gpu: NvidiaGpu | None) -> str | None:
    """A sentence if there is an NVIDIA GPU that this build of ONNX Runtime cannot use."""
    if gpu is None or ORT_NAMES["cuda"] in available:
        return None
    return f"The {gpu.name} is not used: this build of ONNX Runtime has no CUDA (see packaging/README.md)."


def built_in() -> list[str]:
    """The providers of the installed ONNX Runtime, whatever hardware there is.

    Raises `EngineError` where it is not installed, or only its remains are.
    """
    try:
        import onnxruntime

        available = onnxruntime.get_available_providers()
    except (ImportError, AttributeError) as error:
        raise EngineError(f"ONNX Runtime is not installed, or not whole ({error}).") from error
    return [name for name, ort_name in ORT_NAMES.items() if ort_name in available]


@cache
def nvidia_gpu() -> NvidiaGpu | None:
    """The NVIDIA GPU of this machine, or None without one or without its driver."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        name, driver = answer.splitlines()[0].rsplit(", ", 1)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None
    return NvidiaGpu(name.strip(), driver.strip())

"""Which providers are tried, how a silent fallback is noticed, and what is told of it."""

import subprocess

import pytest

from zippo_desktop.engine import providers
from zippo_desktop.engine.providers import NvidiaGpu, candidates, check_in_use, execution_list
from zippo_desktop.errors import EngineError

CPU_BUILD = ["AzureExecutionProvider", "CPUExecutionProvider"]
GPU_BUILD = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.mark.parametrize(
    ("available", "platform", "expected"),
    [
        (CPU_BUILD, "linux", ["cpu"]),
        (GPU_BUILD, "linux", ["tensorrt", "cuda", "cpu"]),
        (["CoreMLExecutionProvider", "CPUExecutionProvider"], "darwin", ["coreml", "cpu"]),
        (["DmlExecutionProvider", "CPUExecutionProvider"], "win32", ["directml", "cpu"]),
        (["OpenVINOExecutionProvider", "CPUExecutionProvider"], "linux", ["openvino", "cpu"]),
        (["CoreMLExecutionProvider", "CPUExecutionProvider"], "linux", ["cpu"]),
        (list(reversed(GPU_BUILD)), "win32", ["tensorrt", "cuda", "cpu"]),
    ],
)
def test_auto_tries_what_the_build_has_best_first(available, platform, expected):
    assert candidates("auto", available, platform) == expected


def test_an_asked_provider_is_the_only_candidate():
    assert candidates("cuda", GPU_BUILD, "linux") == ["cuda"]


def test_an_asked_provider_that_the_build_lacks_is_an_error_that_lists_what_there_is():
    with pytest.raises(EngineError, match=r"'cuda' was asked for.*only: cpu") as caught:
        candidates("cuda", CPU_BUILD, "linux")
    assert "--provider" in caught.value.hint


def test_an_unknown_provider_is_an_error():
    with pytest.raises(EngineError, match="no provider 'rocm'"):
        candidates("rocm", CPU_BUILD, "linux")


def test_tensorrt_leaves_the_rest_to_cuda_and_the_cpu():
    given = execution_list("tensorrt", {"trt_fp16_enable": "1"})
    assert [name for name, _ in given] == GPU_BUILD
    assert given[0][1] == {"trt_fp16_enable": "1"}
    assert given[1][1]["arena_extend_strategy"] == "kSameAsRequested"


def test_the_cpu_stands_alone_and_behind_every_other():
    assert execution_list("cpu", {}) == [("CPUExecutionProvider", {})]
    assert [name for name, _ in execution_list("coreml", {})][-1] == "CPUExecutionProvider"


def test_a_silent_fallback_is_an_error_that_names_both():
    with pytest.raises(EngineError, match=r"could not open 'cuda' and chose 'cpu' instead: CUDA 13"):
        check_in_use("cuda", ["CPUExecutionProvider"])
    with pytest.raises(EngineError, match="'tensorrt' and chose 'cuda'"):
        check_in_use("tensorrt", ["CUDAExecutionProvider", "CPUExecutionProvider"])
    check_in_use("cuda", ["CUDAExecutionProvider", "CPUExecutionProvider"])


def test_a_gpu_that_the_build_cannot_use_is_told():
    gpu = NvidiaGpu("NVIDIA RTX 4090", "580.65")
    assert "RTX 4090 is not used" in (providers.missing_gpu_build(CPU_BUILD, gpu) or "")
    assert providers.missing_gpu_build(GPU_BUILD, gpu) is None
    assert providers.missing_gpu_build(CPU_BUILD, None) is None


@pytest.fixture
def nvidia_smi(monkeypatch):
    """Let `nvidia-smi` give an answer, or raise one."""

    def answer_with(answer):
        def run(command, **options):
            assert command[0] == "nvidia-smi"
            if isinstance(answer, Exception):
                raise answer
            return subprocess.CompletedProcess(command, 0, stdout=answer)

        monkeypatch.setattr(providers.subprocess, "run", run)
        providers.nvidia_gpu.cache_clear()
        return providers.nvidia_gpu()

    yield answer_with
    providers.nvidia_gpu.cache_clear()


def test_the_driver_names_its_first_gpu(nvidia_smi):
    found = nvidia_smi("NVIDIA GeForce RTX 4090, 580.65.06\nNVIDIA T4, 580.65.06\n")
    assert found == NvidiaGpu("NVIDIA GeForce RTX 4090", "580.65.06")


@pytest.mark.parametrize(
    "answer",
    [FileNotFoundError(), subprocess.TimeoutExpired("nvidia-smi", 10), "", "No devices were found\n"],
)
def test_without_driver_or_device_there_is_no_gpu(nvidia_smi, answer):
    assert nvidia_smi(answer) is None

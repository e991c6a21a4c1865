"""The choice of engine and provider, told in full: what works, what takes over, and what is refused."""

import shutil
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from tests.bright_experts import expert_manifest, write_expert
from zippo_desktop.engine import onnx_graphs, providers, tensorrt
from zippo_desktop.engine import open_session as opening
from zippo_desktop.engine.expert_manifest import Quality
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.find_spec import find_spec
from zippo_desktop.engine.model_store import read_spec
from zippo_desktop.engine.open_session import check_answers, open_session
from zippo_desktop.errors import EngineError, ModelError, UsageError
from zippo_desktop.paths import models_dir


@pytest.fixture
def model(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "tiny")


def test_auto_is_onnx_runtime_without_a_word(tiny_model):
    info = open_session(tiny_model).info
    assert (info.engine, info.provider, info.fallbacks) == ("onnx", "cpu", ())


def test_without_onnx_runtime_pytorch_takes_over_and_says_so(tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    info = open_session(tiny_model).info
    assert (info.engine, info.provider) == ("torch", "cpu")
    (sentence,) = info.fallbacks
    assert sentence.startswith("ONNX Runtime is not used: ONNX Runtime is not installed")


def test_a_damaged_onnx_runtime_is_told(tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    info = open_session(tiny_model).info
    assert info.engine == "torch"
    assert "installation of ONNX Runtime is damaged" in info.fallbacks[0]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "lacks weights.json, unet.onnx"),
        (lambda folder: (folder / "unet.onnx").write_bytes(b"broken"), "failed while opening unet.onnx"),
    ],
)
def test_without_good_graphs_pytorch_takes_over_and_says_so(model, damage, words):
    damage(model / "onnx")
    info = open_session(model).info
    assert info.engine == "torch"
    assert words in info.fallbacks[0]


def test_graphs_that_answer_nonsense_are_not_used(tiny_model, monkeypatch):
    answer = opening.OnnxSession.denoise
    monkeypatch.setattr(opening.OnnxSession, "denoise", lambda *args: answer(*args) * np.float32("nan"))
    info = open_session(tiny_model).info
    assert info.engine == "torch"
    assert "no finite numbers" in info.fallbacks[0]


def test_an_asked_engine_is_never_exchanged(tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match="not installed"):
        open_session(tiny_model, engine="onnx")


def test_with_neither_engine_both_reasons_are_told(tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "zippo_desktop.engine.torch_session", None)
    with pytest.raises(EngineError, match=r"ONNX Runtime is not installed.*PyTorch cannot be loaded"):
        open_session(tiny_model)


@pytest.mark.parametrize("engine", ["auto", "onnx", "torch"])
def test_an_asked_provider_that_is_not_there_is_an_error(tiny_model, engine):
    with pytest.raises(EngineError, match="directml"):
        open_session(tiny_model, engine, "directml")


@pytest.mark.filterwarnings("ignore:Specified provider")
class TestGpuBuildWithoutGpu:
    """The GPU build on a machine without a GPU: ONNX Runtime opens on the CPU, with only console lines."""

    @pytest.fixture(autouse=True)
    def _build(self, monkeypatch):
        import onnxruntime

        names = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)

    def test_auto_steps_down_and_tells_each_step(self, tiny_model):
        notices = []
        info = open_session(tiny_model, on_notice=notices.append).info
        assert (info.engine, info.provider) == ("onnx", "cpu")
        assert [sentence.split(":")[0] for sentence in info.fallbacks] == [
            "ONNX Runtime could not open 'tensorrt' and chose 'cpu' instead",
            "ONNX Runtime could not open 'cuda' and chose 'cpu' instead",
        ]
        assert notices == [
            "TensorRT builds its engines for this model and GPU now. This takes minutes, once."
        ]

    def test_an_asked_provider_is_an_error(self, tiny_model):
        with pytest.raises(EngineError, match="could not open 'cuda' and chose 'cpu'"):
            open_session(tiny_model, "onnx", "cuda")


class TestTensorRtEngines:
    """Engines in the cache, as if TensorRT were here: `_open_complete` stands for it."""

    @pytest.fixture
    def spec(self, tiny_model):
        return read_spec(tiny_model)

    @pytest.fixture
    def engine(self, spec):
        """The file of an engine that an earlier run has built."""
        import onnxruntime

        folder = tensorrt.engine_dir_of(
            spec, onnxruntime.__version__, tensorrt.installed_version(), providers.nvidia_gpu()
        )
        folder.mkdir(parents=True)
        (folder / "unet.engine").write_bytes(b"built")
        return folder / "unet.engine"

    def test_good_ones_are_used_without_a_word(self, spec, engine, monkeypatch):
        notices = []
        monkeypatch.setattr(opening, "_open_complete", lambda *args: {"unet": engine.read_bytes()})
        assert opening._open_tensorrt(spec, {}, notices.append) == {"unet": b"built"}
        assert notices == []

    def test_those_that_cannot_be_opened_are_built_anew_once(self, spec, engine, monkeypatch):
        seen, notices = [], []

        def fail(*args):
            seen.append(engine.exists())
            raise EngineError("no engine")

        monkeypatch.setattr(opening, "_open_complete", fail)
        with pytest.raises(EngineError, match="no engine"):
            opening._open_tensorrt(spec, {}, notices.append)
        assert seen == [True, False]
        assert len(notices) == 1


def test_a_full_disk_is_an_engine_error(tiny_model, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(onnx_graphs, "complete_graph", full)
    with pytest.raises(EngineError, match=r"prepared for 'cuda' in .* \(No space left on device\)"):
        onnx_graphs.open_complete(tiny_model / "unet.onnx", {}, "cuda", {})


@pytest.mark.parametrize("engine", ["auto", "onnx", "torch"])
@pytest.mark.parametrize("network", ["unet", "vae", "text_encoder"])
def test_broken_weights_are_a_model_error_on_every_engine(model, engine, network):
    (path,) = (model / network).glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match=path.name):
        open_session(model, engine)


def test_an_unknown_model_is_a_model_error():
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        open_session("nowhere")


@pytest.mark.parametrize("names", [{"engine": "tensorflow"}, {"provider": "rocm"}])
def test_unknown_names_are_usage_errors(tiny_model, names):
    with pytest.raises(UsageError, match="There is no"):
        open_session(tiny_model, **names)


def test_answers_are_checked_for_every_network():
    session = FakeSession()
    check_answers(session)
    assert set(session.calls) == {"encode_images", "encode_prompts", "denoise", "decode_latents"}


def test_a_run_on_onnx_runtime_loads_no_torch(tiny_model):
    script = (
        "import sys\n"
        "from zippo_desktop.engine.open_session import open_session\n"
        "from zippo_desktop.engine.self_test import run_self_test\n"
        f"session = open_session({str(tiny_model)!r})\n"
        "assert session.info.engine == 'onnx', session.info\n"
        "assert run_self_test(session).has_passed\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'optimum', 'onnx', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def expert(tmp_path):
    return write_expert(tmp_path, expert_manifest())


def test_an_expert_is_opened_by_folder_and_by_name(expert, tmp_path):
    shutil.copytree(expert, models_dir() / "mine")
    assert open_session(expert).spec.name == open_session(str(expert)).spec.name == "bright"
    assert open_session("mine").spec.name == "mine"


@pytest.mark.parametrize(
    ("engine", "provider", "told"),
    [
        ("torch", "auto", "PyTorch cannot run bright"),
        ("auto", "tensorrt", "not run on TensorRT"),
        ("auto", "directml", "directml"),
    ],
)
def test_what_cannot_run_an_expert_is_refused(expert, engine, provider, told):
    with pytest.raises(EngineError, match=told):
        open_session(expert, engine, provider)


def test_an_expert_without_onnx_runtime_is_an_error(expert, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match="not installed"):
        open_session(expert)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_an_expert_steps_down_and_tells_it_without_a_word_of_tensorrt(expert, monkeypatch):
    import onnxruntime

    names = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    info = open_session(expert).info
    assert info.provider == "cpu"
    assert [sentence.split(":")[0] for sentence in info.fallbacks] == [
        "ONNX Runtime could not open 'cuda' and chose 'cpu' instead"
    ]
    with pytest.raises(EngineError, match="could not open 'cuda'"):
        open_session(expert, provider="cuda")


def test_an_expert_that_answers_nonsense_on_a_device_is_not_used_there(expert, monkeypatch):
    monkeypatch.setattr(opening, "usable_providers", lambda provider: (["coreml", "cpu"], []))
    run = opening._open_file
    monkeypatch.setattr(opening, "_open_file", lambda path, provider: run(path, "cpu"))
    mattes = opening.ExpertSession._run

    def broken(self, pictures):
        if self.info.provider == "coreml":
            raise EngineError("bright answered with numbers that are not finite on 'coreml'.")
        return mattes(self, pictures)

    monkeypatch.setattr(opening.ExpertSession, "_run", broken)
    info = open_session(expert).info
    assert (info.provider, info.fallbacks) == (
        "cpu",
        ("bright answered with numbers that are not finite on 'coreml'.",),
    )


def test_a_file_that_is_not_trusted_is_not_opened(expert):
    (expert / "net.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"net\.onnx"):
        open_session(expert)


def test_auto_without_an_expert_is_the_zippo_model_and_says_so():
    session = open_session("auto", "onnx", "cpu")
    assert session.spec.name == "zippo-mini"
    assert session.info.fallbacks == ("No expert is installed: zippo-mini answers alone.",)


def test_auto_opens_both_and_closes_both(expert):
    shutil.copytree(expert, models_dir() / "mine")
    session = open_session("auto", provider="cpu")
    assert session.spec.name == "zippo-mini+mine"
    assert session.spec.tasks == ("matting", "painting", "generation")
    assert session.expert.refiner is session.zippo
    picture = np.zeros((1, 3, 16, 16), np.float32)
    session.zippo.encode_images(picture)
    session.close()
    with pytest.raises(EngineError, match="closed"):
        session.zippo.encode_images(picture)
    with pytest.raises(EngineError, match="closed"):
        session.expert.mattes(np.zeros((1, 64, 64, 3), np.float32))


def test_auto_leaves_nothing_open_if_the_expert_cannot_be_opened(expert, monkeypatch):
    zippo = FakeSession()
    shutil.copytree(expert, models_dir() / "mine")
    (models_dir() / "mine" / "net.onnx").write_bytes(b"no network")
    monkeypatch.setattr(opening, "open_zippo", lambda *given: zippo)
    with pytest.raises(ModelError):
        open_session("auto")
    assert zippo.is_closed


def test_auto_takes_the_expert_for_all_subjects_that_was_measured_best(tmp_path):
    def row(mad):
        return (Quality("b", mad, 0.9, "evaluate"),)

    for manifest in (
        expert_manifest("a-portraits", subjects=("people",), quality=row(0.001)),
        expert_manifest("b-unmeasured"),
        expert_manifest("c-good", quality=row(0.01)),
        expert_manifest("d-better", quality=row(0.005)),
    ):
        write_expert(models_dir(), manifest)
    assert find_spec("auto").expert.name == "d-better"

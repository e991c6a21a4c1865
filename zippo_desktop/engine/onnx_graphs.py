"""The ONNX graphs of a model folder: opening them with their weights bound, or as complete files.

The graphs in `onnx/` hold no weights, so that those exist once. On the CPU the arrays from the
safetensors files are handed to ONNX Runtime as it opens a graph. Other providers read the model
for themselves; for them a complete graph is written into the cache folder once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zippo_desktop.engine.model_store import file_digest, networks_of, read_json
from zippo_desktop.engine.providers import Options, execution_list
from zippo_desktop.engine.weights import Weights, find_weights, read_weights
from zippo_desktop.errors import EngineError, OutOfMemory
from zippo_desktop.paths import cache_dir

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

# Each graph, and the folder whose weights it uses. Not every model has the last two.
WEIGHTS_OF = {
    "unet": "unet",
    "vae_encoder": "vae",
    "vae_decoder": "vae",
    "text_encoder": "text_encoder",
    "image_encoder": "image_encoder",
    "matte_decoder": "matte_decoder",
}
BINDINGS_FILE = "weights.json"  # graph -> names of the weights that it lacks, which are state-dict keys
_EXPORT_HINT = "Make the graphs with: zippo-desktop export MODEL"
_LARGEST_PROTOBUF = 1_900_000_000  # bytes; ONNX files of 2 GiB and more cannot be read


def graph_path(onnx_dir: Path, graph: str) -> Path:
    """The file of one of the graphs."""
    return onnx_dir / f"{graph}.onnx"


def graphs_of(model_dir: Path) -> dict[str, str]:
    """The graphs that a model needs, as in `WEIGHTS_OF`."""
    networks = networks_of(model_dir)
    return {graph: network for graph, network in WEIGHTS_OF.items() if network in networks}


def read_graph_weights(model_dir: Path, onnx_dir: Path) -> dict[str, Weights]:
    """The weights that each graph of `onnx_dir` is to be given, from the safetensors of `model_dir`.

    Raises `EngineError` if graphs are missing or of another model, `ModelError` for broken weights.
    """
    graphs = graphs_of(model_dir)
    bindings = _read_bindings(onnx_dir, graphs)
    networks = {name: read_weights(find_weights(model_dir / name)) for name in set(graphs.values())}
    chosen: dict[str, Weights] = {}
    for graph, network in graphs.items():
        missing = [name for name in bindings[graph] if name not in networks[network]]
        if missing:
            raise EngineError(
                f"{graph_path(onnx_dir, graph)} belongs to another model: it asks for {missing[0]}.",
                _EXPORT_HINT,
            )
        chosen[graph] = {name: networks[network][name] for name in bindings[graph]}
    return chosen


def open_bound(path: Path, weights: Weights) -> InferenceSession:
    """Open a graph on the CPU with its weights bound; they need not outlive the call."""
    return _open(path, _with_weights(session_options(), weights), "cpu", {})


def open_complete(path: Path, weights: Weights, provider: str, options: Options) -> InferenceSession:
    """Open a graph on any provider, from a complete file in the cache folder."""
    try:
        complete = complete_graph(path, weights)
    except OSError as error:
        raise EngineError(
            f"The model cannot be prepared for '{provider}' in {cache_dir()} ({error.strerror or error})."
        ) from error
    return _open(complete, session_options(provider), provider, options)


def open_file(path: Path, provider: str, options: Options) -> InferenceSession:
    """Open a file that holds its own weights, on any provider."""
    return _open(path, session_options(provider), provider, options)


def complete_graph(path: Path, weights: Weights) -> Path:
    """The graph of `path` as a file with its weights inside, written once for each content.

    The cache folder's name is the digest of graph and weights, so neither can be out of date. The
    folder appears whole: another process, or a kill half-way, never leaves a broken one.
    """
    home = cache_dir() / "graphs" / f"{path.stem}-{_content_digest(path, weights)[:24]}"
    complete = home / path.name
    if not complete.is_file():
        home.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=home.parent, prefix=".writing-"))
        try:
            _write_complete(path, weights, draft / path.name)
            os.rename(draft, home)
        except OSError:
            if not complete.is_file():  # otherwise another process was faster
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return complete


def session_options(provider: str = "cpu") -> SessionOptions:
    """The options that every session gets: thread count, quiet log, what DirectML demands."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; a silent fallback is detected and told by `providers`
    options.intra_op_num_threads = thread_count()
    # The threads of four sessions must not spin between calls, nor against other programs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if provider == "directml":
        options.enable_mem_pattern = False
    return options


def thread_count() -> int:
    """OMP_NUM_THREADS as PyTorch obeys it, else the CPUs this process may use if fewer than all, else 0.

    ONNX Runtime takes 0 as one thread for each physical core of the machine, and by itself
    knows neither of the other two.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    if not hasattr(os, "sched_getaffinity"):  # macOS, Windows
        return 0
    usable = len(os.sched_getaffinity(0))
    return usable if usable < (os.cpu_count() or 1) else 0


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn what ONNX Runtime raises into an `EngineError`, or `OutOfMemory` where memory ran out."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    raised = tuple(kind for kind in vars(state).values() if _is_error(kind))
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(f"Memory ran out while {doing}.", "Try a smaller size.") from error
    except (RuntimeError, ValueError, *raised) as error:
        text = str(error)
        if any(sign in text.lower() for sign in ("out of memory", "failed to allocate", "bad_alloc")):
            raise OutOfMemory(f"Memory ran out while {doing}.", "Try a smaller size.") from error
        raise EngineError(f"ONNX Runtime failed while {doing}: {text.splitlines()[0]}") from error


def _read_bindings(onnx_dir: Path, graphs: Iterable[str]) -> dict[str, list[str]]:
    """The weight names that each graph lacks. `EngineError` if anything is missing from the folder."""
    path = onnx_dir / BINDINGS_FILE
    files = [path, *(graph_path(onnx_dir, graph) for graph in graphs)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise EngineError(f"{onnx_dir} lacks {', '.join(missing)}.", _EXPORT_HINT)
    bindings = read_json(path)
    if any(not isinstance(bindings.get(graph), list) for graph in graphs):
        raise EngineError(f"{path} does not name every graph.", _EXPORT_HINT)
    return bindings


def _open(path: Path, options: SessionOptions, provider: str, provider_options: Options) -> InferenceSession:
    import onnxruntime

    with engine_errors(f"opening {path.name} on {provider}"):
        return onnxruntime.InferenceSession(
            str(path), options, providers=execution_list(provider, provider_options)
        )


def _with_weights(options: SessionOptions, weights: Weights) -> SessionOptions:
    from onnxruntime import OrtValue

    values = [OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    options.add_external_initializers(list(weights), values)
    return options


def _write_complete(path: Path, weights: Weights, target: Path) -> None:
    """Let ONNX Runtime itself write the graph, untouched but for the weights that it was given."""
    import onnxruntime

    options = _with_weights(session_options(), weights)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(target)
    if sum(array.nbytes for array in weights.values()) > _LARGEST_PROTOBUF:
        prefix = "session.optimized_model_external_initializers"
        options.add_session_config_entry(f"{prefix}_file_name", f"{target.name}.data")
        options.add_session_config_entry(f"{prefix}_min_size_in_bytes", "1024")
    _open(path, options, "cpu", {})


def _content_digest(path: Path, weights: Weights) -> str:
    digest = hashlib.sha256(file_digest(path).encode())
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].data)
    return digest.hexdigest()


def _is_error(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)

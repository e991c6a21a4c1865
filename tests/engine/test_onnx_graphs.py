"""Graphs with bound weights and complete graphs answer alike, and the cache folder stays whole."""

import json
import shutil

import numpy as np
import pytest

from zippo_desktop.engine import onnx_graphs
from zippo_desktop.engine.onnx_graphs import (
    WEIGHTS_OF,
    complete_graph,
    engine_errors,
    graph_path,
    open_bound,
    open_complete,
    read_graph_weights,
    thread_count,
)
from zippo_desktop.errors import EngineError, OutOfMemory
from zippo_desktop.paths import cache_dir

LATENT = np.random.default_rng(0).standard_normal((2, 4, 4, 6), dtype=np.float32)


@pytest.fixture
def path(tiny_model):
    return graph_path(tiny_model / "onnx", "vae_decoder")


@pytest.fixture
def weights(tiny_model):
    return read_graph_weights(tiny_model, tiny_model / "onnx")["vae_decoder"]


def decode(session):
    return session.run(None, {"latent_sample": LATENT})[0]


def test_the_bound_weights_need_not_outlive_the_opening(path, weights):
    session = open_bound(path, weights)
    before = decode(session)
    for array in weights.values():
        array[...] = 0
    np.testing.assert_array_equal(decode(session), before)


def test_a_complete_graph_answers_as_the_bound_one(path, weights):
    complete = open_complete(path, weights, "cpu", {})
    np.testing.assert_allclose(decode(complete), decode(open_bound(path, weights)), atol=1e-6)


def test_a_complete_graph_is_written_once(path, weights):
    first = complete_graph(path, weights)
    written = first.stat().st_mtime_ns
    assert complete_graph(path, weights) == first
    assert first.stat().st_mtime_ns == written
    assert first.is_relative_to(cache_dir())


def test_other_weights_get_another_complete_graph(path, weights):
    first = complete_graph(path, weights)
    weights["decoder.conv_in.bias"] += 1
    assert complete_graph(path, weights) != first


def test_a_large_graph_keeps_its_weights_beside_it(path, weights, monkeypatch):
    expected = decode(open_bound(path, weights))
    monkeypatch.setattr(onnx_graphs, "_LARGEST_PROTOBUF", 1000)
    complete = complete_graph(path, weights)
    assert complete.with_name("vae_decoder.onnx.data").is_file()
    np.testing.assert_allclose(decode(open_complete(path, weights, "cpu", {})), expected, atol=1e-6)


def test_an_interrupted_writing_leaves_nothing(path, weights, monkeypatch):
    def stop_half_way(path, weights, target):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(onnx_graphs, "_write_complete", stop_half_way)
    with pytest.raises(OSError, match="disk full"):
        complete_graph(path, weights)
    assert list((cache_dir() / "graphs").iterdir()) == []


def test_another_process_that_was_faster_is_no_error(path, weights, monkeypatch):
    write = onnx_graphs._write_complete

    def overtaken(path, weights, target):
        write(path, weights, target)
        shutil.copytree(target.parent, expected.parent)

    expected = complete_graph(path, weights)
    shutil.rmtree(expected.parent)
    monkeypatch.setattr(onnx_graphs, "_write_complete", overtaken)
    assert complete_graph(path, weights) == expected
    assert list((cache_dir() / "graphs").iterdir()) == [expected.parent]


def test_a_missing_graph_is_an_engine_error_that_says_how_to_make_it(tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model / "onnx", tmp_path / "onnx")
    (folder / "unet.onnx").unlink()
    with pytest.raises(EngineError, match=r"lacks unet\.onnx") as caught:
        read_graph_weights(tiny_model, folder)
    assert "zippo-desktop export" in caught.value.hint


@pytest.mark.parametrize(
    ("bindings", "words"),
    [
        ('{"unet": []}', "does not name every graph"),
        (
            json.dumps({graph: [] for graph in WEIGHTS_OF} | {"unet": ["nope"]}),
            "another model: it asks for nope",
        ),
    ],
)
def test_bindings_that_do_not_fit_are_an_engine_error(tiny_model, tmp_path, bindings, words):
    folder = shutil.copytree(tiny_model / "onnx", tmp_path / "onnx")
    (folder / "weights.json").write_text(bindings)
    with pytest.raises(EngineError, match=words):
        read_graph_weights(tiny_model, folder)


def test_a_broken_graph_is_an_engine_error(weights, tmp_path):
    broken = tmp_path / "vae_decoder.onnx"
    broken.write_bytes(b"no graph at all")
    with pytest.raises(EngineError, match=r"failed while opening vae_decoder\.onnx on cpu"):
        open_bound(broken, weights)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("Failed to allocate memory for requested buffer of size 8"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_memory_that_ran_out_is_told_apart(error):
    with pytest.raises(OutOfMemory, match="Memory ran out while running unet"), engine_errors("running unet"):
        raise error


def test_our_own_errors_pass_through():
    with pytest.raises(EngineError, match="as it was"), engine_errors("running"):
        raise EngineError("as it was")


@pytest.mark.parametrize(
    ("variable", "affinity", "expected"),
    [("3", {0, 1}, 3), ("", {0}, 1), ("", {0, 1, 2, 3}, 0), ("nonsense", {0, 1, 2, 3}, 0)],
)
def test_threads_follow_the_environment_then_the_affinity(monkeypatch, variable, affinity, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    monkeypatch.setattr(onnx_graphs.os, "sched_getaffinity", lambda pid: affinity, raising=False)
    monkeypatch.setattr(onnx_graphs.os, "cpu_count", lambda: 4)
    assert thread_count() == expected

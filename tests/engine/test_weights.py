"""Weights come back as written, rounded as asked, and broken files are told in one sentence."""

import json
import pickle

import numpy as np
import pytest

from zippo_desktop.engine.weights import find_weights, read_weights, shards, write_weights
from zippo_desktop.errors import ModelError

RNG = np.random.default_rng(0)
TENSORS = {
    "linear.weight": RNG.standard_normal((6, 5)).astype(np.float32),
    "conv.weight": RNG.standard_normal((4, 3, 3, 3)).astype(np.float32),
    "norm.bias": RNG.standard_normal(7).astype(np.float32),
    "timestep.scale": np.float32([2.0]),  # no scale of ours: there is no int8 "timestep"
}


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 0), ("float16", 1e-3), ("int8", 1e-3)])
def test_tensors_come_back_as_float32(tmp_path, precision, tolerance):
    path = tmp_path / "model.safetensors"
    write_weights(path, TENSORS, precision)
    read = read_weights(path)
    assert set(read) == set(TENSORS)
    for name, tensor in TENSORS.items():
        row_step = np.abs(tensor).max(axis=-1, keepdims=True) / 127 if tensor.ndim == 2 else 0
        allowed = row_step / 2 + 1e-7 if precision == "int8" and tensor.ndim == 2 else tolerance * 4
        assert read[name].dtype == np.float32
        assert (np.abs(read[name] - tensor) <= allowed).all(), name


def test_int8_takes_a_quarter_of_the_space_and_keeps_zero_rows(tmp_path):
    tensor = RNG.standard_normal((64, 256)).astype(np.float32)
    tensor[3] = 0
    for precision in ("float32", "int8"):
        write_weights(tmp_path / precision, {"w": tensor}, precision)
    assert (tmp_path / "int8").stat().st_size < 0.3 * (tmp_path / "float32").stat().st_size
    np.testing.assert_array_equal(read_weights(tmp_path / "int8")["w"][3], 0)


def test_integer_tensors_are_kept(tmp_path):
    write_weights(tmp_path / "w", {"position_ids": np.arange(5)}, "int8")
    np.testing.assert_array_equal(read_weights(tmp_path / "w")["position_ids"], np.arange(5))


def test_bfloat16_is_read(tmp_path):
    import torch
    from safetensors.torch import save_file

    tensor = torch.randn(4, 4).to(torch.bfloat16)
    save_file({"w": tensor}, tmp_path / "w.safetensors")
    np.testing.assert_array_equal(read_weights(tmp_path / "w.safetensors")["w"], tensor.float().numpy())


def test_what_does_not_fit_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ModelError, match=r"big\.weight does not fit float16"):
        write_weights(tmp_path / "w.safetensors", {"big.weight": np.float32([1e6])}, "float16")
    assert list(tmp_path.iterdir()) == []


def test_shards_are_joined(tmp_path):
    write_weights(tmp_path / "a.safetensors", {"one": np.ones(2, np.float32)}, "float32")
    write_weights(tmp_path / "b.safetensors", {"two": np.ones(3, np.float32)}, "float32")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"one": "a.safetensors", "two": "b.safetensors"}}))
    assert set(read_weights(find_weights(tmp_path))) == {"one", "two"}


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"weight_map": []}', '{"weight_map": {"a": "../x.safetensors"}}']
)
def test_a_bad_index_is_a_model_error(tmp_path, content):
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(content)
    with pytest.raises(ModelError, match="index"):
        shards(index)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-10])


def pickle_over(path):
    path.write_bytes(pickle.dumps({"w": [1.0]}))


@pytest.mark.parametrize("damage", [truncate, pickle_over, lambda path: path.write_bytes(b"")])
def test_a_broken_file_is_one_sentence_with_its_name(tmp_path, damage):
    path = tmp_path / "model.safetensors"
    write_weights(path, TENSORS, "float16")
    damage(path)
    with pytest.raises(ModelError, match=r"model\.safetensors is broken") as caught:
        read_weights(path)
    assert "again" in caught.value.hint


def test_a_missing_file_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="is missing"):
        read_weights(tmp_path / "model.safetensors")


def test_a_folder_with_a_pickle_only_is_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"only as a pickle \(pytorch_model.bin\)"):
        find_weights(tmp_path)


def test_an_empty_folder_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="no weights"):
        find_weights(tmp_path)

"""ONNX files from elsewhere: what is let through, and every kind that is refused before it is opened."""

import os

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.engine.expert_files import FLOAT, external, one_node, save, write_expert
from zippo_desktop.engine.onnx_trust import check_onnx
from zippo_desktop.errors import ModelError
from zippo_desktop.paths import resource_dir


def add(domain=""):
    return helper.make_node("Add", ["x", "w"], ["y"], domain=domain)


def opsets(*domains):
    return [helper.make_opsetid(domain, 1 if domain else 17) for domain in domains]


def test_the_signature_is_what_the_graph_declares(tmp_path):
    signature = check_onnx(write_expert(tmp_path / "net.onnx", side="s", outputs=2, extras={"r1": [1]}))
    assert [(each.name, each.shape, each.type) for each in signature.inputs] == [
        ("picture", (1, 3, None, None), "float32"),
        ("r1", (1,), "float32"),
    ]
    assert [each.name for each in signature.outputs] == ["matte", "side1"]
    assert signature.external_files == ()


def test_the_bundled_graphs_are_trusted():
    graphs = sorted((resource_dir() / "models").glob("*/onnx/*.onnx"))
    assert graphs
    for graph in graphs:
        assert [file.name for file in check_onnx(graph).external_files] == ["weights.json"]


@pytest.mark.parametrize("content", [b"", b"no protobuf at all", b"\x08\x07", b"PK\x03\x04"])
def test_no_onnx_file_is_one_sentence(tmp_path, content):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="is no ONNX file"):
        check_onnx(tmp_path / "net.onnx")


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        check_onnx(tmp_path / "net.onnx")


def test_weights_beside_the_graph_are_named(tmp_path):
    (tmp_path / "net.data").write_bytes(bytes(12))
    signature = check_onnx(save(tmp_path / "net.onnx", one_node(add(), external("net.data"))))
    assert signature.external_files == (tmp_path / "net.data",)


@pytest.mark.parametrize(
    "location", ["../w", "/etc/passwd", "a/../../w", "C:\\w", "C:w", "\\\\host\\w", "..\\w", "", "link"]
)
def test_weights_outside_the_folder_are_refused(tmp_path, location):
    (tmp_path / "w").write_bytes(bytes(12))
    (tmp_path / "in").mkdir()
    os.symlink(tmp_path / "w", tmp_path / "in" / "link")
    path = save(tmp_path / "in" / "net.onnx", one_node(add(), external(location)))
    with pytest.raises(ModelError, match="weights outside its folder"):
        check_onnx(path)


def test_weights_that_are_missing_are_told(tmp_path):
    with pytest.raises(ModelError, match=r"net\.data with its weights is missing"):
        check_onnx(save(tmp_path / "net.onnx", one_node(add(), external("net.data"))))


def test_a_weight_outside_is_found_within_a_node_of_a_graph_of_a_node(tmp_path):
    constant = helper.make_node("Constant", [], ["c"], value=external("/etc/passwd"))
    inner = helper.make_graph([constant], "inner", [], [helper.make_tensor_value_info("c", FLOAT, [3])])
    branch = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    with pytest.raises(ModelError, match="weights outside"):
        check_onnx(save(tmp_path / "net.onnx", one_node(branch)))


@pytest.mark.parametrize("domain", ["ai.onnx", "ai.onnx.ml", "com.microsoft"])
def test_usual_domains_are_let_through(tmp_path, domain):
    path = save(tmp_path / "net.onnx", one_node(add(domain)), opset_imports=opsets("", domain))
    assert check_onnx(path).inputs


@pytest.mark.parametrize("domain", ["com.example", "ai.onnx.contrib", "com.microsoft.nchwc"])
def test_operators_of_others_are_refused(tmp_path, domain):
    path = save(tmp_path / "net.onnx", one_node(add(domain)), opset_imports=opsets("", domain))
    with pytest.raises(ModelError, match=f"needs the operator 'Add' of '{domain}'"):
        check_onnx(path)


def test_a_function_that_the_file_defines_is_looked_into(tmp_path):
    def model(inner_domain, called="Mine"):
        inner = helper.make_node("Relu", ["a"], ["b"], domain=inner_domain)
        function = helper.make_function("own", "Mine", ["a"], ["b"], [inner], opsets("", "com.example"))
        node = helper.make_node(called, ["x"], ["y"], domain="own")
        return save(
            tmp_path / "net.onnx", one_node(node), opset_imports=opsets("", "own"), functions=[function]
        )

    assert check_onnx(model("")).outputs
    with pytest.raises(ModelError, match=r"'Relu' of 'com\.example'"):
        check_onnx(model("com.example"))
    with pytest.raises(ModelError, match="'Other' of 'own'"):
        check_onnx(model("", called="Other"))


def test_compiled_programs_are_refused(tmp_path):
    node = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft")
    with pytest.raises(ModelError, match="compiled program"):
        check_onnx(save(tmp_path / "net.onnx", one_node(node), opset_imports=opsets("", "com.microsoft")))


def test_absurd_sizes_are_refused(tmp_path):
    huge = TensorProto(name="w", data_type=FLOAT, dims=[1 << 20, 1 << 20])
    with pytest.raises(ModelError, match="'w' is said to be 1048576 x 1048576 large"):
        check_onnx(save(tmp_path / "net.onnx", one_node(add(), huge)))
    negative = TensorProto(name="w", data_type=FLOAT, dims=[-1])
    with pytest.raises(ModelError, match="'w' is said to be -1 large"):
        check_onnx(save(tmp_path / "net.onnx", one_node(add(), negative)))
    weight = numpy_helper.from_array(np.zeros(3, np.float32), "w")
    with pytest.raises(ModelError, match="'x' is said to be"):
        check_onnx(save(tmp_path / "net.onnx", one_node(add(), weight, side=100_000)))

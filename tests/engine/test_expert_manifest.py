"""`model.toml`: read, written and checked; the shipped ones make sense."""

import tomllib
from dataclasses import replace

import pytest

from zippo_desktop.engine.expert_manifest import (
    ExpertInput,
    ExpertManifest,
    ExpertOutput,
    ExtraInput,
    Quality,
    manifest_text,
    read_manifest,
)
from zippo_desktop.errors import ModelError
from zippo_desktop.paths import resource_dir

SHIPPED = sorted((resource_dir() / "experts").glob("*.toml"))
WHOLE = ExpertManifest(
    name="net",
    title='A "net" of ours',
    file="net.onnx",
    licence="MIT",
    input=ExpertInput("x", 64, 32, "fit", "bgr", 255.0, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
    output=ExpertOutput(2, "sigmoid"),
    is_non_commercial=True,
    note="Beware.",
    digest="md5:" + "0" * 32,
    size_bytes=12,
    address="https://example.org/net.onnx",
    page="https://example.org",
    also_named=("other.onnx",),
    subjects=("people", "animals"),
    extra_inputs=(ExtraInput("r", (1, 1), 0.5), ExtraInput("q", (1,))),
    quality=(Quality("b", 0.01, 0.95, "evaluate"),),
)
TEXT = """name = "net"
title = "Net"
file = "net.onnx"
licence = "MIT"
[input]
tensor = "x"
size_px = 64
[output]
tensor = 0
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "model.toml").write_text(text, encoding="utf-8")
        return read_manifest(tmp_path / "model.toml")

    return read


def test_what_is_written_is_read_again(read):
    assert read(manifest_text(WHOLE)) == WHOLE
    assert read(manifest_text(read(TEXT))) == read(TEXT)


def test_defaults_are_left_out_of_the_text(read):
    assert tomllib.loads(manifest_text(read(TEXT))) == tomllib.loads(TEXT)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('licence = "MIT"', "", "'licence' is missing"),
        ('tensor = "x"', "", r"'input\.tensor' is missing"),
        ('licence = "MIT"', 'licence = " "', "names no licence"),
        ('name = "net"', 'name = "../net"', "has no name of small letters"),
        ('name = "net"', "name = 1", "'name' cannot be 1: it takes text"),
        ('file = "net.onnx"', 'file = "a/net.onnx"', "no plain .onnx name"),
        ('file = "net.onnx"', 'file = "net.pt"', "no plain .onnx name"),
        ('title = "Net"', 'title = "Net"\nlicense = "MIT"', "no key 'license'"),
        ('title = "Net"', 'title = "Net"\ndigest = "sha1:00"', "digest that is no"),
        ('title = "Net"', 'title = "Net"\naddress = "ftp://a/b"', "not on the web"),
        ('title = "Net"', 'title = "Net"\nsize_bytes = -1', "negative size_bytes"),
        ('title = "Net"', 'title = "Net"\nsubjects = "people"', "'subjects' cannot be 'people'"),
        ('title = "Net"', 'title = "Net"\nis_non_commercial = 1', "it takes true or false"),
        ("[output]", "multiple_px = 32\n[output]", "but stretches"),
        ("[output]", 'resize = "crop"\n[output]', "'input.resize' cannot be 'crop'"),
        ("[output]", "mean = [0.5]\n[output]", "three numbers"),
        ("[output]", "std = [1, 1, 0]\n[output]", "std of 0"),
        ("[output]", "scale = inf\n[output]", "not finite"),
        ("[output]", "crop = true\n[output]", r"no key 'input\.crop'"),
        ("size_px = 64", "size_px = 64000", "size_px beyond"),
        ("tensor = 0", "tensor = -1", "without name or place"),
        ("tensor = 0", "tensor = 0.5", "it takes a name or a place"),
        ("tensor = 0\n", 'tensor = 0\n[[extra_inputs]]\ntensor = "r"\nshape = [0]\n', "no sensible shape"),
        ("tensor = 0\n", "tensor = 0\n[[quality]]\nset='b'\nmad=2\niou=0\ncommand=''\n", "beyond 0..1"),
        ("[output]", "[output", "not readable as TOML"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(read, old, new, words):
    assert old in TEXT
    with pytest.raises(ModelError, match=words):
        read(TEXT.replace(old, new))


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="is missing"):
        read_manifest(tmp_path / "model.toml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_manifests_can_be_fetched_and_verified(path):
    manifest = read_manifest(path)
    assert manifest.name == path.stem
    assert manifest.address.startswith("https://")
    assert manifest.digest
    assert manifest.size_bytes > 1_000_000
    assert manifest.page


def test_the_usual_networks_are_shipped():
    assert {path.stem for path in SHIPPED} >= {
        "u2net",
        "u2netp",
        "isnet-general-use",
        "modnet",
        "birefnet-general",
        "birefnet-general-lite",
        "birefnet-hr-matting",
        "rmbg-1.4",
        "rvm-mobilenetv3",
    }


def test_a_copy_is_checked_too():
    with pytest.raises(ModelError, match="has no name"):
        replace(WHOLE, name="")

"""Models from files: networks described by looking, folders and archives that are whole and harmless."""

import os
import shutil
import stat
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from onnx import helper, numpy_helper

from tests.engine.expert_files import FLOAT, external, one_node, save, write_expert
from tests.engine.test_expert_manifest import WHOLE
from zippo_desktop.engine import archives, expert_guess, model_import
from zippo_desktop.engine.downloads import digest_of
from zippo_desktop.engine.expert_manifest import MANIFEST_FILE, manifest_text, read_manifest
from zippo_desktop.engine.expert_store import find_expert, verify_expert
from zippo_desktop.engine.model_import import describe, import_model
from zippo_desktop.engine.model_store import find_model, verify_model
from zippo_desktop.errors import ModelError, UsageError
from zippo_desktop.paths import models_dir


def write_particular(path, lowest, highest, side=32):
    """A network that splits bright from dark where it is fed within a range, and is undecided beyond it."""
    middle, half = (lowest + highest) / 2, (highest - lowest) / 2
    weights = {
        "weight": np.full((1, 3, 1, 1), 1 / 3),
        "middle": middle,
        "half": half * 1.001,
        "slope": 100 / half,
    }
    nodes = [
        helper.make_node("Conv", ["picture", "weight"], ["level"]),
        helper.make_node("Sub", ["level", "middle"], ["offset"]),
        helper.make_node("Abs", ["offset"], ["distance"]),
        helper.make_node("Less", ["distance", "half"], ["is_within"]),
        helper.make_node("Cast", ["is_within"], ["within"], to=FLOAT),
        helper.make_node("Mul", ["offset", "slope"], ["sharp"]),
        helper.make_node("Mul", ["sharp", "within"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["matte"]),
    ]
    matte = helper.make_tensor_value_info("matte", FLOAT, [1, 1, side, side])
    picture = helper.make_tensor_value_info("picture", FLOAT, [1, 3, side, side])
    kept = [numpy_helper.from_array(np.float32(value), name) for name, value in weights.items()]
    return save(path, helper.make_graph(nodes, "net", [picture], [matte], kept))


def nothing_came_of_it():
    return not models_dir().exists() or list(models_dir().iterdir()) == []


def test_a_network_is_described_and_taken_in(tmp_path):
    imported = import_model(write_expert(tmp_path / "My Net.onnx", outputs=2), models_dir())
    expert = find_expert("my-net")
    assert imported.folder == expert.folder == models_dir() / "my-net"
    assert expert.manifest == imported.manifest
    wanted = expert.manifest.input
    assert (wanted.tensor, wanted.size_px, wanted.multiple_px, wanted.resize) == ("picture", 32, 0, "stretch")
    assert (expert.manifest.output.tensor, expert.manifest.output.activation) == ("matte", "sigmoid")
    assert expert.manifest.licence == "unknown"
    assert verify_expert(expert) == []
    assert any("licence" in sentence for sentence in imported.sentences)


def test_a_network_of_any_size_is_tried_at_a_usual_one(tmp_path, monkeypatch):
    monkeypatch.setattr(expert_guess, "_OPEN_SIZE", 64)
    manifest, told = describe(write_expert(tmp_path / "net.onnx", side="s"))
    assert (manifest.input.size_px, manifest.input.multiple_px, manifest.input.resize) == (64, 32, "fit")
    assert "any size" in told[0]


@pytest.mark.parametrize(
    ("lowest", "highest", "mean", "std"),
    [
        (-2.2, 2.7, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        (-0.5, 0.5, (0.5,) * 3, (1.0,) * 3),
        (0.0, 1.0, (0.0,) * 3, (1.0,) * 3),
        (0.0, 255.0, (0.0,) * 3, (1 / 255,) * 3),
    ],
)
def test_the_feeding_that_decides_most_clearly_is_taken(tmp_path, lowest, highest, mean, std):
    manifest, _ = describe(write_particular(tmp_path / "net.onnx", lowest, highest))
    assert (manifest.input.mean, manifest.input.std) == (mean, std)
    assert manifest.output.activation == "none"


def test_where_the_trial_tells_nothing_it_is_imagenets(tmp_path):
    manifest, told = describe(write_particular(tmp_path / "net.onnx", 1e6, 2e6))
    assert manifest.input.mean == (0.485, 0.456, 0.406)
    assert "told nothing" in told[1]


@pytest.mark.parametrize(
    ("raw", "activation"),
    [
        (np.array([[-4.0, 5.0]]), "sigmoid"),
        (np.array([[0.01, 0.99]]), "none"),
        (np.array([[0.01, 0.4]]), "minmax"),
        (np.array([[0.0, np.nan]]), "none"),
    ],
)
def test_the_activation_is_told_by_the_range(raw, activation):
    assert expert_guess._activation(raw.astype(np.float32)) == activation


def test_a_given_manifest_counts(tmp_path):
    file = write_expert(tmp_path / "net.onnx")
    given = replace(WHOLE, digest=digest_of(file), size_bytes=0, extra_inputs=(), is_non_commercial=False)
    given = replace(
        given, input=replace(given.input, tensor="picture"), output=replace(given.output, tensor=0)
    )
    (tmp_path / "m.toml").write_text(manifest_text(given))
    imported = import_model(file, models_dir(), manifest_path=tmp_path / "m.toml", name="mine")
    assert imported.manifest == replace(given, name="mine", size_bytes=file.stat().st_size)
    assert imported.sentences == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": replace(WHOLE.input, tensor="other")}, r"has no input 'other'"),
        ({"output": replace(WHOLE.output, tensor=7)}, r"has no output '7'"),
        ({"digest": "sha256:" + "0" * 64}, "its digest is another"),
        ({}, r"also wants 'r1'"),
    ],
)
def test_a_manifest_of_another_file_is_refused(tmp_path, change, words):
    extras = {} if "digest" in change else {"r1": [1]}
    file = write_expert(tmp_path / "net.onnx", extras=extras)
    plain = replace(WHOLE, digest="", extra_inputs=(), is_non_commercial=False)
    plain = replace(plain, input=replace(plain.input, tensor=0), output=replace(plain.output, tensor=0))
    (tmp_path / "m.toml").write_text(manifest_text(replace(plain, **change)))
    with pytest.raises(ModelError, match=words):
        import_model(file, models_dir(), manifest_path=tmp_path / "m.toml")
    assert nothing_came_of_it()


def test_a_known_file_is_known_by_its_digest(tmp_path, monkeypatch):
    file = write_expert(tmp_path / "renamed.onnx")
    known = replace(WHOLE, digest=digest_of(file), size_bytes=0, is_non_commercial=False)
    monkeypatch.setattr(model_import, "known_experts", lambda: [known])
    manifest, told = describe(file)
    assert manifest == known
    assert told == ('It is A "net" of ours, by its digest.',)


def test_robust_video_matting_is_known_by_its_inputs(tmp_path):
    shapes = {f"r{number}i": [1, 1, 1, 1] for number in (1, 2, 3, 4)} | {"downsample_ratio": [1]}
    file = write_expert(tmp_path / "rvm_resnet50.onnx", extras=shapes)
    import onnx

    model = onnx.load(file)
    model.graph.input[0].name = model.graph.node[0].input[0] = "src"
    onnx.save(model, file)
    manifest, told = describe(file)
    assert manifest.name == "rvm_resnet50"
    assert manifest.output.tensor == "pha"
    assert manifest.digest == manifest.address == ""
    assert "Robust Video Matting" in told[0]


def test_no_picture_no_matte_no_square_are_each_a_sentence(tmp_path):
    two = save(tmp_path / "two.onnx", one_node(helper.make_node("Relu", ["x"], ["y"])))
    with pytest.raises(ModelError, match="answers with no matte"):
        describe(two)
    x = helper.make_tensor_value_info("x", FLOAT, [1, 3, 32, 64])
    y = helper.make_tensor_value_info("y", FLOAT, [1, 3, 32, 64])
    wide = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    with pytest.raises(ModelError, match="pictures of 64 x 32"):
        describe(save(tmp_path / "wide.onnx", wide))
    x = helper.make_tensor_value_info("x", FLOAT, [1, 64])
    flat = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    with pytest.raises(ModelError, match=r"its inputs are x \[1,64\]"):
        describe(save(tmp_path / "flat.onnx", flat))


def test_weights_in_other_files_are_refused(tmp_path):
    (tmp_path / "w").write_bytes(bytes(12))
    node = helper.make_node("Add", ["x", "w"], ["y"])
    with pytest.raises(ModelError, match="an expert is one file"):
        describe(save(tmp_path / "net.onnx", one_node(node, external("w"))))


def test_what_is_no_model_is_a_sentence(tmp_path):
    (tmp_path / "net.pth").write_bytes(b"pickle")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "readme.txt").write_text("hello")
    for source, words in {
        "net.pth": "ONNX files, folders and zip",
        "gone": "There is no",
        "folder": "neither zippo.json",
    }.items():
        with pytest.raises(ModelError, match=words):
            import_model(tmp_path / source, models_dir())
    assert nothing_came_of_it()


@pytest.fixture
def expert_folder(tmp_path):
    """As `models get --to` leaves it."""
    file = write_expert(tmp_path / "carried" / "net" / "net.onnx")
    manifest = replace(WHOLE, digest=digest_of(file), size_bytes=file.stat().st_size, extra_inputs=())
    (file.parent / MANIFEST_FILE).write_text(manifest_text(manifest))
    return file.parent


def zipped(folder, path, top=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, top + file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize("kind", ["folder", "zip", "zip with a folder"])
def test_an_experts_folder_or_archive_is_taken_in(expert_folder, tmp_path, kind):
    source = expert_folder
    if kind != "folder":
        source = zipped(expert_folder, tmp_path / "net.zip", "net/" if "with" in kind else "")
    with pytest.raises(UsageError, match="not for commercial use"):
        import_model(source, models_dir())
    assert nothing_came_of_it()
    import_model(source, models_dir(), is_licence_accepted=True)
    assert verify_expert(find_expert("net")) == []


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_zippo_folder_or_archive_is_taken_in(tiny_model, tmp_path, kind):
    source = tiny_model if kind == "folder" else zipped(tiny_model, tmp_path / "tiny.zip", "tiny/")
    seen = []
    imported = import_model(source, models_dir(), name="mine", on_bytes=seen.append)
    assert imported.folder == find_model("mine")
    assert verify_model(imported.folder) == []
    assert sum(seen) == sum(path.stat().st_size for path in tiny_model.rglob("*") if path.is_file())


def test_a_damaged_zippo_folder_is_not_taken_in(tiny_model, tmp_path):
    copy = shutil.copytree(tiny_model, tmp_path / "tiny")
    weights = next(copy.glob("vae/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(ModelError, match="not the file that was recorded"):
        import_model(copy, models_dir())
    assert nothing_came_of_it()


def test_a_damaged_expert_is_not_taken_in(expert_folder):
    write_expert(expert_folder / "net.onnx", side=16)
    with pytest.raises(ModelError, match="is not the manifest's"):
        import_model(expert_folder, models_dir(), is_licence_accepted=True)
    (expert_folder / "net.onnx").unlink()
    with pytest.raises(ModelError, match="is not whole"):
        import_model(expert_folder, models_dir())
    assert nothing_came_of_it()


def test_a_name_that_is_taken_is_told_first(expert_folder):
    (models_dir() / "net").mkdir(parents=True)
    with pytest.raises(UsageError, match="There is a model 'net'"):
        import_model(expert_folder, models_dir())
    import_model(expert_folder, models_dir(), name="other", is_licence_accepted=True)
    assert read_manifest(models_dir() / "other" / MANIFEST_FILE).name == "other"


def test_links_and_programs_in_a_folder_are_refused(expert_folder, tmp_path):
    os.symlink("/etc/passwd", expert_folder / "notes.txt")
    with pytest.raises(ModelError, match="is a link"):
        import_model(expert_folder, models_dir(), is_licence_accepted=True)
    (expert_folder / "notes.txt").unlink()
    (expert_folder / "run.py").write_text("print()")
    with pytest.raises(ModelError, match=r"'run\.py' has no place"):
        import_model(expert_folder, models_dir(), is_licence_accepted=True)
    assert nothing_came_of_it()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../evil.json", "would leave"),
        ("a/../../evil.json", "would leave"),
        ("/evil.json", "would leave"),
        ("C:evil.json", "would leave"),
        ("a\\..\\evil.json", "would leave"),
        ("a\nb.json", "would leave"),
        ("weights.pkl", "has no place"),
        ("weights.bin", "has no place"),
        ("onnx/custom.so", "has no place"),
    ],
)
def test_entries_cannot_leave_the_folder_or_bring_other_files(expert_folder, tmp_path, name, words):
    path = zipped(expert_folder, tmp_path / "net.zip")
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = name  # as it stands, also where ZipInfo would mend it
        archive.writestr(entry, b"{}")
    with pytest.raises(ModelError, match=words):
        import_model(path, models_dir(), is_licence_accepted=True)
    assert nothing_came_of_it()
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_an_archive_are_refused(expert_folder, tmp_path, kind):
    path = zipped(expert_folder, tmp_path / "net.zip")
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("link.json")
        entry.external_attr = (kind | 0o644) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(ModelError, match="a link or a device"):
        import_model(path, models_dir(), is_licence_accepted=True)
    assert nothing_came_of_it()


def test_a_bomb_by_its_declared_size_is_refused(expert_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_SMALL", 1 << 20)
    path = zipped(expert_folder, tmp_path / "net.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.safetensors", bytes(4 << 20))
    with pytest.raises(ModelError, match="is not trusted"):
        import_model(path, models_dir(), is_licence_accepted=True)
    assert nothing_came_of_it()


def test_a_bomb_that_lies_about_its_size_is_stopped(expert_folder, tmp_path):
    path = zipped(expert_folder, tmp_path / "net.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.safetensors", bytes(4 << 20))
        size = (4 << 20).to_bytes(4, "little")
    content = path.read_bytes()
    assert content.count(size) == 2  # in the entry's own header and in the directory
    path.write_bytes(content.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(ModelError, match=r"damaged, or no zip|larger than it says"):
        import_model(path, models_dir(), is_licence_accepted=True)
    assert nothing_came_of_it()


def test_two_entries_of_one_name_are_refused(expert_folder, tmp_path):
    path = zipped(expert_folder, tmp_path / "net.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("NET.onnx", b"another")
    with pytest.raises(ModelError, match="two files of one name"):
        import_model(path, models_dir(), is_licence_accepted=True)


@pytest.mark.parametrize("cut", [10, 100, -10])
def test_a_truncated_archive_is_a_sentence(expert_folder, tmp_path, cut):
    path = zipped(expert_folder, tmp_path / "net.zip")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelError):
        import_model(path, models_dir())
    assert nothing_came_of_it()


def test_an_archive_with_a_wrong_checksum_is_a_sentence(expert_folder, tmp_path):
    path = tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("zippo.json", b"0123456789")
    path.write_bytes(path.read_bytes().replace(b"0123456789", b"0123456780"))
    with pytest.raises(ModelError, match="is damaged"):
        import_model(path, models_dir())
    assert nothing_came_of_it()

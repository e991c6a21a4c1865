"""The fourth training stage for real, on a toy set: it learns, resumes, and leaves the UNet alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny_models import build_tiny_zippo
from tests.training.material import write_material
from tests.training.runs import run
from zippo_desktop.engine.model_store import read_json, verify_model
from zippo_desktop.engine.weights import find_weights, read_weights
from zippo_desktop.errors import UsageError

STAGE = "matting"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Material, and a model with all that matting takes."""
    write_material(tmp_path, names=tuple(f"red apple {index}" for index in range(24)))
    build_tiny_zippo(tmp_path / "model")
    return tmp_path


def weights_of(folder: Path, network: str) -> dict[str, np.ndarray]:
    return read_weights(find_weights(folder / "model" / network))


def test_both_its_networks_learn_and_no_other_is_touched(folder: Path):
    before = {name: weights_of(folder, name) for name in ("image_encoder", "matte_decoder")}
    digests = read_json(folder / "model" / "zippo.json")["digests"]

    log = run(folder, STAGE, replay=2, steps=20)

    assert log[-2]["decoded"] < 0.9 * log[0]["decoded"]
    assert (folder / "matting-run" / "sheet-000020.png").is_file()
    assert verify_model(folder / "model") == []
    after = read_json(folder / "model" / "zippo.json")["digests"]
    changed = {path.split("/")[0] for path in digests if digests[path] != after[path]}
    assert changed == set(before)
    moved = {
        f"{network}.{name}"
        for network, known in before.items()
        for name, weight in weights_of(folder, network).items()
        if not np.array_equal(weight, known[name])
    }
    learnt = {"image_encoder.projection.weight", "image_encoder.blocks.15.expand.weight"}
    assert learnt | {"matte_decoder.out.weight"} <= moved
    frozen = ("image_encoder.stem.", "image_encoder.blocks.3.")
    assert not [name for name in moved if name.startswith(frozen) or "depthwise" in name]


def test_a_stopped_run_goes_on_where_it_was(folder: Path):
    run(folder, STAGE, replay=2, steps=5)
    before = weights_of(folder, "image_encoder")["projection.weight"]

    log = run(folder, STAGE, replay=2, steps=10)

    assert [row["step"] for row in log if "total" in row] == [5, 10]
    assert not np.array_equal(weights_of(folder, "image_encoder")["projection.weight"], before)


def test_a_model_without_a_matte_decoder_is_told_what_it_lacks(tmp_path: Path):
    write_material(tmp_path)
    build_tiny_zippo(tmp_path / "model", has_matte_decoder=False)

    with pytest.raises(UsageError, match="no matte decoder"):
        run(tmp_path, STAGE, steps=1)

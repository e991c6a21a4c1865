"""The choice of a model in the window."""

from __future__ import annotations

from types import SimpleNamespace

from zippo_desktop.engine import find_spec
from zippo_desktop.gui.model_box import ModelBox


def offered(box):
    return [box.itemData(index) for index in range(box.count()) if box.itemData(index)]


def test_without_an_expert_there_are_zippo_models_alone(qtbot):
    box = ModelBox("zippo-mini")
    qtbot.addWidget(box)
    assert offered(box) == ["zippo-mini"]


def test_an_installed_expert_is_offered_and_so_is_auto(qtbot, monkeypatch):
    expert = SimpleNamespace(manifest=SimpleNamespace(name="u2netp"))
    monkeypatch.setattr(find_spec, "installed_experts", lambda: [expert])
    box = ModelBox("auto")
    qtbot.addWidget(box)
    assert offered(box) == ["zippo-mini", "u2netp", "auto"]
    assert box.chosen == "auto"

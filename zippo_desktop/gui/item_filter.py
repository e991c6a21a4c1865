"""Which items of a list are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, QSortFilterProxyModel

from zippo_desktop.gui.item_entry import Entry, State, by_name
from zippo_desktop.gui.item_model import Index, ItemModel, ItemRole

_STATE_ORDER = (State.FAILED, State.DOUBTFUL, State.RUNNING, State.WAITING, State.SKIPPED, State.DONE)


class Order(Enum):
    """An order, by what it is called. What needs a person comes first; what is not known, last."""

    ADDED = "As added"
    NAME = "Name"
    STATE = "State"
    TIME = "Time, longest first"
    CONFIDENCE = "Confidence, lowest first"


_KEYS: dict[Order, Callable[[Entry], Any]] = {
    Order.ADDED: lambda entry: entry.number,
    Order.NAME: by_name,
    Order.STATE: lambda entry: (_STATE_ORDER.index(entry.state), entry.number),
    Order.TIME: lambda entry: -(entry.seconds or 0.0),
    Order.CONFIDENCE: lambda entry: 2.0 if entry.confidence is None else entry.confidence,
}


class ItemFilter(QSortFilterProxyModel):
    """Shows the items of some states whose path, or prompt, holds every word of a text.

    The order is the model's own, brought about once when it is asked for: a list that re-sorts itself
    while a job runs would move under the pointer.
    """

    def __init__(self, model: ItemModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._states: frozenset[State] = frozenset(State)
        self._words: tuple[str, ...] = ()
        self.order = Order.ADDED
        self.setFilterRole(ItemRole.STATE)  # a change of anything else leaves the choice as it is
        self.setSourceModel(model)

    @property
    def items(self) -> ItemModel:
        """The model behind."""
        model = self.sourceModel()
        assert isinstance(model, ItemModel)
        return model

    def set_states(self, states: frozenset[State]) -> None:
        """Show items of these states only."""
        if states != self._states:
            self.beginFilterChange()
            self._states = states
            self.endFilterChange()

    def set_text(self, text: str) -> None:
        """Show items only whose label holds each word of the text, in any case and order."""
        words = tuple(text.casefold().split())
        if words != self._words:
            self.beginFilterChange()
            self._words = words
            self.endFilterChange()

    def sort_by(self, order: Order) -> None:
        """Bring all items into this order."""
        self.order = order
        self.items.sort_entries(_KEYS[order])

    def entry(self, row: int) -> Entry:
        """The item in a shown row."""
        return self.items.entries[self.mapToSource(self.index(row, 0)).row()]

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: N802
        """Whether an item is shown."""
        entry = self.items.entries[source_row]
        if entry.state not in self._states:
            return False
        if not self._words:
            return True
        label = entry.label.casefold()
        return all(word in label for word in self._words)

"""The strip above a list of items: which are shown, in which order, how large."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from zippo_desktop.gui.icons import icon
from zippo_desktop.gui.item_entry import State
from zippo_desktop.gui.item_filter import ItemFilter, Order
from zippo_desktop.gui.layouts import EDGE, GAP, SMALL_GAP, column, row
from zippo_desktop.gui.theme import set_look, set_role

SMALLEST_PX, LARGEST_PX = 80, 256
_COUNTS_MS = 100  # between two looks at the counts while a job runs

_CHIPS: tuple[tuple[str, frozenset[State]], ...] = (
    ("All", frozenset(State)),
    ("To do", frozenset({State.WAITING, State.RUNNING})),
    ("Done", frozenset({State.DONE})),
    ("To check", frozenset({State.DOUBTFUL})),
    ("Failed", frozenset({State.FAILED})),
    ("Skipped", frozenset({State.SKIPPED})),
)


class FilterBar(QWidget):
    """Sets the filter, and tells how the view is to look."""

    look_changed = Signal(bool, int)  # whether it is a grid, and the side of its thumbnails

    def __init__(self, shown: ItemFilter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = shown
        set_role(self, "bar")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter by name")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip("Show items whose name has all these words.")
        self.search.setAcceptDrops(False)  # a file dropped on it is an item, and no text
        self.search.textChanged.connect(shown.set_text)
        self.chips = ChipRow(self)
        self.chips.chosen.connect(self._choose_states)
        self.order_button = self._order_button()
        self.grid_button = self._segment("grid", "Show thumbnails.", "first")
        self.list_button = self._segment("list", "Show a line for each item.", "last")
        self.slider = self._slider()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_COUNTS_MS)
        self._later.timeout.connect(self.show_counts)
        shown.items.counts_changed.connect(self._ask_counts)
        self._lay_out()
        self.show_counts()

    @Slot()
    def show_counts(self) -> None:
        """Write the counts on the chips; a state that no item is in has none."""
        counts = self._shown.items.counts
        self.slider.setFixedHeight(self.chips.chips[0].sizeHint().height())  # in line with the first row
        self.chips.show_counts([sum(counts[state] for state in states) for _, states in _CHIPS])

    @Slot()
    def _ask_counts(self) -> None:
        if not self._later.isActive():
            self._later.start()

    @Slot(int)
    def _choose_states(self, place: int) -> None:
        self._shown.set_states(_CHIPS[place][1])

    @Slot(QAction)
    def _choose_order(self, action: QAction) -> None:
        order = action.data()
        self._shown.sort_by(order)
        self.order_button.setText(_short(order))

    @Slot()
    def _tell_look(self) -> None:
        is_grid = self.grid_button.isChecked()
        self.slider.setEnabled(is_grid)
        self.look_changed.emit(is_grid, self.slider.value())

    def _order_button(self) -> QToolButton:
        button = QToolButton()
        button.setText(_short(Order.ADDED))
        button.setToolTip("The order of the list, and of the work.")
        set_role(button, "menu")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        orders = QActionGroup(menu)
        for order in Order:
            action = menu.addAction(order.value)
            action.setCheckable(True)
            action.setData(order)
            action.setChecked(order is Order.ADDED)
            orders.addAction(action)
        # Triggered, not toggled: asking for the same order again sorts what has changed since.
        orders.triggered.connect(self._choose_order)
        button.setMenu(menu)
        return button

    def _segment(self, name: str, tip: str, place: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setToolTip(tip)
        button.setCheckable(True)
        button.setAutoExclusive(True)
        button.setAccessibleName(name.capitalize())
        set_role(button, "segment")
        set_look(button, "place", place)
        button.setChecked(place == "first")
        button.clicked.connect(self._tell_look)
        return button

    def _slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setToolTip("The size of the thumbnails.")
        slider.setRange(SMALLEST_PX, LARGEST_PX)
        slider.setValue(128)
        slider.setSingleStep(16)
        slider.setPageStep(32)
        slider.setFixedWidth(72)
        slider.setAccessibleName("Size of the thumbnails")
        slider.valueChanged.connect(self._tell_look)
        return slider

    def _lay_out(self) -> None:
        segments = row(spacing=0)
        segments.addWidget(self.grid_button)
        segments.addWidget(self.list_button)
        first, second = row(), row(spacing=EDGE)
        first.addWidget(self.search, 1)
        first.addWidget(self.order_button)
        first.addLayout(segments)
        second.addWidget(self.chips, 1, Qt.AlignmentFlag.AlignTop)
        second.addWidget(self.slider, 0, Qt.AlignmentFlag.AlignTop)
        whole = column(self, GAP)
        whole.setContentsMargins(EDGE, GAP, EDGE, GAP)
        whole.addLayout(first)
        whole.addLayout(second)


class ChipRow(QWidget):
    """Buttons of which one is down, in as many rows as the width asks for."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        for place, (name, _) in enumerate(_CHIPS):
            chip = QToolButton(self)
            chip.setText(name)
            chip.setCheckable(True)
            set_role(chip, "chip")
            chip.setChecked(place == 0)
            self._group.addButton(chip, place)
        self._group.idClicked.connect(self.chosen)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)

    def show_counts(self, counts: list[int]) -> None:
        """Write a number on each chip; hide those of none but the first and the one that is down."""
        for chip, (name, _), count in zip(self.chips, _CHIPS, counts, strict=True):
            chip.setText(f"{name} {count:,}".replace(",", "\N{THIN SPACE}"))
            chip.setVisible(bool(count) or chip.isChecked() or chip is self.chips[0])
        self._place()

    @property
    def chips(self) -> list[QToolButton]:
        """The buttons, in the order of the states."""
        return [button for button in self._group.buttons() if isinstance(button, QToolButton)]

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as its rows."""
        return QSize(200, self._place(is_try=True))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Break the row where the width ends."""
        super().resizeEvent(event)
        self._place()

    def _place(self, is_try: bool = False) -> int:
        """Put the shown chips side by side, and give back the height that they take."""
        x = y = height = 0
        for chip in self.chips:
            if chip.isHidden():
                continue
            hint = chip.sizeHint()
            if x and x + hint.width() > self.width():
                x, y = 0, y + height + SMALL_GAP
            height = hint.height()
            if not is_try:
                chip.setGeometry(QRect(x, y, hint.width(), height))
            x += hint.width() + SMALL_GAP
        if not is_try and self.height() != y + height:
            self.setFixedHeight(y + height)
        return y + height


def _short(order: Order) -> str:
    return order.value.partition(",")[0]

"""The editor of a number: a field, and a slider where most values lie in a known part."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Slot
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSlider

from zippo_desktop.gui.editors import Editor
from zippo_desktop.gui.theme import set_look

_SLIDER_STEPS = 1000
_HANDLE_PX = 12
_FIELD_PX = 64


@dataclass(frozen=True)
class Span:
    """The numbers that a field takes, the part of them that its slider spans, and how they are shown.

    `shown` is what the value is multiplied by for display: 100 for a share shown in per cent.
    """

    low: float
    high: float
    usual_low: float = 0.0
    usual_high: float = 0.0
    step: float = 1.0  # as shown
    decimals: int = 0
    shown: float = 1.0
    suffix: str = ""
    nothing: str = ""  # shown in place of the lowest number, which then means None

    @property
    def has_slider(self) -> bool:
        """Whether a slider spans the usual part."""
        return self.usual_high > self.usual_low


class NumberEditor(Editor):
    """A number: a field, with a slider before it where most values lie in a known part.

    A double click on the slider goes back to `default`. All numbers are the value's own, not those shown.
    """

    def __init__(self, span: Span, default: float | None, is_whole: bool) -> None:
        super().__init__()
        self._span, self._default, self._is_whole = span, default, is_whole
        self.field = _number_field(span)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _SLIDER_STEPS)
        self.slider.setMinimumWidth(40)
        set_look(self.slider, "signed", span.usual_low < 0)
        self._in_row(self.slider, self.field)
        if span.has_slider:
            self.field.setFixedWidth(_FIELD_PX)
        else:
            self.slider.hide()
            self.setFocusProxy(self.field)
        self._keep_from_wheel(self.slider, self.field)
        self.field.valueChanged.connect(self._take_field)
        self.slider.valueChanged.connect(self._take_slider)

    def value(self) -> float | int | None:
        """The number in the field."""
        if self._span.nothing and self.field.value() == self.field.minimum():
            return None
        number = round(self.field.value() / self._span.shown, 6)
        return int(number) if self._is_whole else number

    def set_value(self, value: float | None) -> None:
        """Show a number; one beyond the field's ends is shown as the end."""
        with QSignalBlocker(self.field):
            lowest = self.field.minimum()
            self.field.setValue(lowest if value is None else value * self._span.shown)
        self._move_slider()

    def set_wrong(self, is_wrong: bool) -> None:
        """Mark the field."""
        set_look(self.field, "wrong", is_wrong)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """A press on the slider takes hold of it anywhere; a double click resets."""
        if watched is self.slider and isinstance(event, QMouseEvent):
            if event.type() == QEvent.Type.MouseButtonDblClick:
                self.set_value(self._default)
                self.value_changed.emit()
                return True
            if event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
                room = max(1, self.slider.width() - _HANDLE_PX)
                self.slider.setValue(round((event.position().x() - _HANDLE_PX / 2) / room * _SLIDER_STEPS))
        return super().eventFilter(watched, event)

    @Slot()
    def _take_field(self) -> None:
        self._move_slider()
        self.value_changed.emit()

    @Slot(int)
    def _take_slider(self, place: int) -> None:
        span = self._span
        number = span.usual_low + place / _SLIDER_STEPS * (span.usual_high - span.usual_low)
        with QSignalBlocker(self.field):
            self.field.setValue(round(number * span.shown / span.step) * span.step)
        self.value_changed.emit()

    def _move_slider(self) -> None:
        if not self._span.has_slider:
            return
        low, high = self._span.usual_low, self._span.usual_high
        share = (self.field.value() / self._span.shown - low) / (high - low)
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(share * _SLIDER_STEPS))


def pad(field: QAbstractSpinBox) -> None:
    """Room beside a number, which the style sheet cannot give: Qt lays the text over the padding."""
    field.lineEdit().setTextMargins(4, 0, 4, 0)


def _number_field(span: Span) -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    pad(field)
    field.setDecimals(span.decimals)
    field.setRange(span.low * span.shown, span.high * span.shown)
    field.setSingleStep(span.step)
    field.setSuffix(span.suffix)
    field.setSpecialValueText(span.nothing)
    field.setKeyboardTracking(False)
    field.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
    field.setMinimumWidth(_FIELD_PX)
    if span.has_slider:
        field.setProperty("bare", True)
        field.setAlignment(Qt.AlignmentFlag.AlignRight)
    return field

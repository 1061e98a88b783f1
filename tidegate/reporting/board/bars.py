"""Horizontal bars as inline SVG: no script, no library, legible in black and white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from tidegate.reporting.board.html import Markup, cut

_WIDTH: Final = 340
_LABEL: Final = 176
_VALUE: Final = 44
_ROW: Final = 15

#: Characters of a name that fit beside its bar; the drawing's description holds all of it.
_NAME: Final = 39

#: WeasyPrint draws an SVG without the page's style sheet.
_FONT: Final = 'font-family="Liberation Sans, Arial, sans-serif" font-size="9.5" fill="#1a1a1a"'


@dataclass(frozen=True, slots=True)
class Bar:
    """One named duration."""

    name: str
    seconds: float


def bars(data: Sequence[Bar]) -> Markup:
    """One bar a row, its name before it and its value after it. Nothing for no data."""
    if not data:
        return Markup("")
    longest = max(bar.seconds for bar in data) or 1
    room = _WIDTH - _LABEL - _VALUE
    rows: list[str] = []
    for number, bar in enumerate(data):
        y = number * _ROW
        width = max(1.0, room * bar.seconds / longest)
        rows.append(
            f'<text x="0" y="{y + 10}">{escape(cut(bar.name, _NAME))}</text>'
            f'<rect x="{_LABEL}" y="{y + 2}" width="{width:.1f}" height="9" fill="#444"/>'
            f'<text x="{_LABEL + width + 4:.1f}" y="{y + 10}">{bar.seconds:.1f} s</text>'
        )
    told = escape("; ".join(f"{bar.name}: {bar.seconds:.1f} seconds" for bar in data))
    height = len(data) * _ROW
    return Markup(f'<svg viewBox="0 0 {_WIDTH} {height}" {_FONT} role="img" aria-label="{told}">{"".join(rows)}</svg>')

"""Horizontal bars as inline SVG: no script, no library, legible in black and white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from tidegate.reporting.board.html import Markup

_WIDTH: Final = 340
_VALUE: Final = 46
_ROW: Final = 25
_TEXT: Final = 10

#: WeasyPrint draws an SVG without the page's style sheet.
_FONT: Final = 'font-family="Liberation Sans, Arial, sans-serif" font-size="10" fill="#1a1a1a"'


@dataclass(frozen=True, slots=True)
class Bar:
    """One named duration."""

    name: str
    seconds: float


def bars(data: Sequence[Bar]) -> Markup:
    """One bar a row below its name, its value in words at its end. Nothing for no data."""
    if not data:
        return Markup("")
    longest = max(bar.seconds for bar in data) or 1
    room = _WIDTH - _VALUE
    rows: list[str] = []
    for number, bar in enumerate(data):
        y = number * _ROW
        width = max(1.0, room * bar.seconds / longest)
        rows.append(
            f'<text x="0" y="{y + _TEXT}">{escape(bar.name)}</text>'
            f'<rect x="0" y="{y + 13}" width="{width:.1f}" height="8" fill="#444"/>'
            f'<text x="{width + 4:.1f}" y="{y + 20.5}">{bar.seconds:.1f} s</text>'
        )
    told = escape("; ".join(f"{bar.name}: {bar.seconds:.1f} seconds" for bar in data))
    height = len(data) * _ROW
    return Markup(f'<svg viewBox="0 0 {_WIDTH} {height}" {_FONT} role="img" aria-label="{told}">{"".join(rows)}</svg>')

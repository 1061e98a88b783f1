"""Horizontal bars as inline SVG: no script, no library, legible in black and white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 600
_LABEL: Final = 210
_VALUE: Final = 50
_ROW: Final = 16


@dataclass(frozen=True, slots=True)
class Bar:
    """One named duration."""

    name: str
    seconds: float


def bars(data: Sequence[Bar]) -> str:
    """One bar a row, its value in words at its end."""
    longest = max((bar.seconds for bar in data), default=0) or 1
    room = _WIDTH - _LABEL - _VALUE
    rows: list[str] = []
    for number, bar in enumerate(data):
        y = number * _ROW
        width = max(1.0, room * bar.seconds / longest)
        rows.append(
            f'<text x="0" y="{y + 11}">{escape(bar.name)}</text>'
            f'<rect x="{_LABEL}" y="{y + 3}" width="{width:.1f}" height="10" fill="#444"/>'
            f'<text x="{_LABEL + width + 4:.1f}" y="{y + 11}">{bar.seconds:.1f} s</text>'
        )
    told = escape("; ".join(f"{bar.name}: {bar.seconds:.1f} seconds" for bar in data))
    height = len(data) * _ROW
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{told}">{"".join(rows)}</svg>'

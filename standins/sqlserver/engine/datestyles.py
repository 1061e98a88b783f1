"""CONVERT's styles for dates and times ("Date and time styles", Microsoft Learn)."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.engine import moments

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
#: Styles by number; two-digit years are the same number less 100.
_STYLES = {
    100: "{mon} {d:>2} {y:04d} {h12:>2}:{mi:02d}{ap}",
    101: "{mo:02d}/{d:02d}/{y:04d}",
    102: "{y:04d}.{mo:02d}.{d:02d}",
    103: "{d:02d}/{mo:02d}/{y:04d}",
    104: "{d:02d}.{mo:02d}.{y:04d}",
    105: "{d:02d}-{mo:02d}-{y:04d}",
    106: "{d:02d} {mon} {y:04d}",
    107: "{mon} {d:02d}, {y:04d}",
    108: "{h:02d}:{mi:02d}:{s:02d}",
    109: "{mon} {d:>2} {y:04d} {h12:>2}:{mi:02d}:{s:02d}:{f}{ap}",
    110: "{mo:02d}-{d:02d}-{y:04d}",
    111: "{y:04d}/{mo:02d}/{d:02d}",
    112: "{y:04d}{mo:02d}{d:02d}",
    113: "{d:02d} {mon} {y:04d} {h:02d}:{mi:02d}:{s:02d}:{f}",
    114: "{h:02d}:{mi:02d}:{s:02d}:{f}",
    120: "{y:04d}-{mo:02d}-{d:02d} {h:02d}:{mi:02d}:{s:02d}",
    121: "{y:04d}-{mo:02d}-{d:02d} {h:02d}:{mi:02d}:{s:02d}{dot}",
    126: "{y:04d}-{mo:02d}-{d:02d}T{h:02d}:{mi:02d}:{s:02d}{dot0}",
    127: "{y:04d}-{mo:02d}-{d:02d}T{h:02d}:{mi:02d}:{s:02d}{dot0}",
    23: "{y:04d}-{mo:02d}-{d:02d}",
}
#: Styles in which 05/03/2024 is the fifth of March.
DAY_FIRST = frozenset({3, 4, 5, 6, 13, 103, 104, 105, 106, 113, 130, 131})
_ALIASES = {0: 100, 9: 109, 13: 113, 14: 114, 20: 120, 21: 121, 25: 121, 8: 108, 24: 108}


def format_moment(stored: str, source: SqlType, style: int) -> str:
    """A stored date or time as text. Style 0 means ISO for every type but datetime and smalldatetime."""
    kind = source.name
    if style == 0 and kind not in ("datetime", "smalldatetime"):
        style = 121
    number = _ALIASES.get(style, style)
    short = 1 <= style <= 12 and style not in _ALIASES
    if short:
        number = style + 100
    pattern = _STYLES.get(number)
    if pattern is None:
        raise SqlServerError(
            281, f"{style} is not a valid style number when converting from {kind} to a character string.", 16, 1
        )
    ticks, offset = moments.local(stored)
    if offset is not None and number == 127:  # in UTC, and says so
        ticks, offset = moments.read(stored)[0], None
        pattern += "Z"
    text = _iso_parts(pattern, number, kind).format(**_fields(ticks, source))
    if short:
        text = text.replace(f"{_year(ticks):04d}", f"{_year(ticks) % 100:02d}", 1)
    if offset is not None and number in (121, 120, 126, 100, 113, 109):
        text += ("" if number == 126 else " ") + stored[27:]
    return text


def _iso_parts(pattern: str, number: int, kind: str) -> str:
    """A date has no time and a time no date, whatever the style says."""
    if kind == "date" and number in (120, 121, 126, 127):
        return pattern.partition(" " if number < 126 else "T")[0]
    if kind == "time" and number in (120, 121, 126, 127):
        return pattern.partition(" " if number < 126 else "T")[2]
    return pattern


def _year(ticks: int) -> int:
    return moments.to_datetime(ticks).year


def _fields(ticks: int, source: SqlType) -> dict[str, object]:
    moment = moments.to_datetime(ticks)
    fraction = f"{ticks % moments.SECOND:07d}"
    digits = {"datetime": 3, "smalldatetime": 3}.get(source.name, source.scale)
    shown = fraction[:digits]
    return {
        "y": moment.year, "mo": moment.month, "d": moment.day, "mon": _MONTHS[moment.month - 1],
        "h": moment.hour, "h12": moment.hour % 12 or 12, "mi": moment.minute, "s": moment.second,
        "ap": "PM" if moment.hour >= 12 else "AM", "f": shown or "0",
        "dot": f".{shown}" if shown else "", "dot0": f".{shown}" if shown and int(shown) else "",
    }  # fmt: skip

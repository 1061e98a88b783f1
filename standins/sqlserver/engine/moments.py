"""Dates and times: text as it is stored, ticks to compute with, and the many ways T-SQL reads and writes them.

A tick is 100 ns since 0001-01-01. Stored forms: ``YYYY-MM-DD``, ``HH:MM:SS.fffffff``,
``YYYY-MM-DD HH:MM:SS.fffffff``; a datetimeoffset is its UTC instant in that form followed by ``±HH:MM``.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

SECOND = 10_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
LAST_TICK = date.max.toordinal() * DAY - 1
_EPOCH_1900 = (date(1900, 1, 1).toordinal() - 1) * DAY
#: datetime begins at 1753-01-01.
FIRST_DATETIME = (date(1753, 1, 1).toordinal() - 1) * DAY

_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)  # noqa: SIM905
}
_TIME = r"(?P<h>\d{1,2})(?::(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:[.:](?P<f>\d{1,9}))?)?)?\s*(?P<ap>[AaPp][Mm])?"
_ZONE = r"\s*(?P<z>[Zz]|[+-]\d{1,2}:?\d{2})?"
_NUMERIC_DATE = r"(?P<mo>\d{1,2})[-/.](?P<d>\d{1,2})[-/.](?P<y>\d{4}|\d{2})"
_NUMERIC_DAY_FIRST = r"(?P<d>\d{1,2})[-/.](?P<mo>\d{1,2})[-/.](?P<y>\d{4}|\d{2})"
_DATES = (
    r"(?P<y>\d{4})-(?P<mo>\d{1,2})-(?P<d>\d{1,2})",
    r"(?P<y>\d{4})(?P<mo>\d{2})(?P<d>\d{2})",
    r"(?P<y>\d{4})[/.](?P<mo>\d{1,2})[/.](?P<d>\d{1,2})",
    _NUMERIC_DATE,
    r"(?P<mon>[A-Za-z]{3,9})\.?\s+(?P<d>\d{1,2}),?\s+(?P<y>\d{4})",
    r"(?P<d>\d{1,2})[\s-](?P<mon>[A-Za-z]{3,9})[,\s-]+(?P<y>\d{4})",
)


def _patterns(forms: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"\s*{form}(?:[T\s]+{_TIME})?{_ZONE}\s*") for form in forms)


_MOMENTS = _patterns(_DATES)
_DAY_FIRST = _patterns(tuple(_NUMERIC_DAY_FIRST if form == _NUMERIC_DATE else form for form in _DATES))
_TIME_ONLY = re.compile(rf"\s*{_TIME}{_ZONE}\s*")


def now_ticks() -> int:
    """The current UTC time. Python's clock has microseconds; the seventh decimal is 0."""
    moment = datetime.now(UTC)
    return from_datetime(moment.replace(tzinfo=None))


def now_text() -> str:
    """The current moment as create_date and modify_date have it."""
    return moment_text(to_datetime_precision(now_ticks()))


def from_unix(seconds: float) -> int:
    return from_datetime(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))


def from_datetime(moment: datetime) -> int:
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return (moment.toordinal() - 1) * DAY + seconds * SECOND + moment.microsecond * 10


def to_datetime(ticks: int) -> datetime:
    """Cut to microseconds."""
    return datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)


def days_1900() -> int:
    return _EPOCH_1900


# --- stored forms ----------------------------------------------------------------------------------------------


def date_text(ticks: int) -> str:
    return date.fromordinal(ticks // DAY + 1).isoformat()


def time_text(ticks: int) -> str:
    rest = ticks % DAY
    seconds, fraction = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}.{fraction:07d}"


def moment_text(ticks: int) -> str:
    return f"{date_text(ticks)} {time_text(ticks)}"


def offset_text(ticks: int, minutes: int) -> str:
    """A datetimeoffset: ``ticks`` are UTC."""
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"{moment_text(ticks)}{sign}{hours:02d}:{rest:02d}"


def read(stored: str) -> tuple[int, int | None]:
    """A stored form as ticks (UTC for a datetimeoffset) and its offset in minutes, if it has one."""
    length = len(stored)
    if length == 10:
        return (date.fromisoformat(stored).toordinal() - 1) * DAY, None
    if length == 16:
        return _clock(stored), None
    day = (date.fromisoformat(stored[:10]).toordinal() - 1) * DAY
    ticks = day + _clock(stored[11:27])
    if length == 27:
        return ticks, None
    return ticks, _minutes(stored[27:])


def local(stored: str) -> tuple[int, int | None]:
    """Like :func:`read`, but a datetimeoffset's ticks are those its clock shows."""
    ticks, offset = read(stored)
    return (ticks if offset is None else ticks + offset * MINUTE), offset


def _clock(text: str) -> int:
    return int(text[:2]) * HOUR + int(text[3:5]) * MINUTE + int(text[6:8]) * SECOND + int(text[9:16])


def _minutes(text: str) -> int:
    if text in ("Z", "z"):
        return 0
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "").rjust(4, "0")
    return sign * (int(digits[:2]) * 60 + int(digits[2:]))


# --- literals --------------------------------------------------------------------------------------------------


def parse(text: str, *, day_first: bool = False) -> tuple[int, int | None, bool] | None:
    """A date or time as people write it (us_english): local ticks, offset, and whether it has a date. None: no date."""
    for pattern in _DAY_FIRST if day_first else _MOMENTS:
        match = pattern.fullmatch(text)
        if match is not None:
            return _from_match(match, dated=True)
    match = _TIME_ONLY.fullmatch(text)
    if match is not None and (match["m"] is not None or match["ap"] is not None):
        return _from_match(match, dated=False)
    if not text.strip():
        return _EPOCH_1900, None, False
    return None


def _from_match(match: re.Match[str], *, dated: bool) -> tuple[int, int | None, bool] | None:
    parts = match.groupdict()
    try:
        day = _day(parts) if dated else _EPOCH_1900
        clock = _time_of_day(parts)
        offset = _minutes(parts["z"]) if parts.get("z") else None
    except ValueError:
        return None
    if clock is None or (offset is not None and abs(offset) > 14 * 60):
        return None
    return day + clock, offset, dated


def _day(parts: dict[str, str | None]) -> int:
    name = parts.get("mon")
    month = _MONTHS.get(name[:3].lower(), 0) if name else int(parts["mo"] or 0)
    year_text = parts["y"] or ""
    year = int(year_text)
    if len(year_text) == 2:
        year += 2000 if year < 50 else 1900
    return (date(year, month, int(parts["d"] or 0)).toordinal() - 1) * DAY


def _time_of_day(parts: dict[str, str | None]) -> int | None:
    if parts.get("h") is None:
        return 0
    hour, minute, second = int(parts["h"] or 0), int(parts["m"] or 0), int(parts["s"] or 0)
    half = (parts["ap"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    digits = (parts["f"] or "").ljust(7, "0")
    fraction = int(digits[:7]) + (1 if len(digits) > 7 and digits[7] >= "5" else 0)
    return hour * HOUR + minute * MINUTE + second * SECOND + fraction


# --- precision -------------------------------------------------------------------------------------------------


def rounded(ticks: int, scale: int) -> int:
    """Rounded to ``scale`` decimals of a second."""
    step = 10 ** (7 - scale)
    return (ticks + step // 2) // step * step if step > 1 else ticks


def to_datetime_precision(ticks: int) -> int:
    """datetime counts 1/300 seconds and shows them as .000, .003, .007."""
    whole, fraction = divmod(ticks, SECOND)
    units = (fraction * 300 + SECOND // 2) // SECOND
    extra, units = divmod(units, 300)
    return (whole + extra) * SECOND + (units * 10 + 1) // 3 * 10_000


def to_smalldatetime_precision(ticks: int) -> int:
    """Rounded to the minute; 29.999 seconds and more round up."""
    whole, rest = divmod(ticks, MINUTE)
    return (whole + (rest >= 29_999 * SECOND // 1000)) * MINUTE

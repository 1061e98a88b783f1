"""Date and time functions on stored values."""

from __future__ import annotations

import calendar
import re
from datetime import datetime

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import moments
from standins.sqlserver.engine.functions.text import Function, strict

_UNITS = {
    "week": 7 * moments.DAY, "day": moments.DAY, "dayofyear": moments.DAY, "weekday": moments.DAY,
    "hour": moments.HOUR, "minute": moments.MINUTE, "second": moments.SECOND, "millisecond": 10_000,
    "microsecond": 10,
}  # fmt: skip
_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")


def _like(stored: str, ticks: int, offset: int | None) -> str:
    """Local ticks back in the form they came in."""
    if offset is not None:
        return moments.offset_text(ticks - offset * moments.MINUTE, offset)
    if len(stored) == 10:
        return moments.date_text(ticks)
    if len(stored) == 16:
        return moments.time_text(ticks % moments.DAY)
    return moments.moment_text(ticks)


def _dateadd(part: str, count: int, stored: str, kind: str) -> str:
    ticks, offset = moments.local(stored)
    if part in _MONTHS:
        ticks = _add_months(ticks, count * _MONTHS[part])
    elif part == "nanosecond":
        ticks += round(count / 100)
    else:
        ticks += count * _UNITS[part]
    if kind == "time":
        ticks %= moments.DAY
    if not 0 <= ticks <= moments.LAST_TICK:
        raise SqlServerError(517, f"Adding a value to a '{kind}' column caused an overflow.", 16, 1)
    if kind == "datetime":
        ticks = moments.to_datetime_precision(ticks)
    return _like(stored, ticks, offset)


def _add_months(ticks: int, months: int) -> int:
    moment = moments.to_datetime(ticks)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise SqlServerError(517, "Adding a value to a 'datetime' column caused an overflow.", 16, 1)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    moved = moment.replace(year=year, month=month + 1, day=day)
    return moments.from_datetime(moved) // 10 * 10 + ticks % 10


def _datediff(part: str, start: str, end: str, result: str) -> int:
    """Boundaries crossed between two moments; datetimeoffsets are compared in UTC."""
    a, b = moments.read(start)[0], moments.read(end)[0]
    one, two = moments.to_datetime(a), moments.to_datetime(b)
    if part == "year":
        count = two.year - one.year
    elif part in ("quarter", "month"):
        months = (two.year - one.year) * 12 + two.month - one.month
        count = (
            months if part == "month" else (two.year * 4 + (two.month - 1) // 3) - (one.year * 4 + (one.month - 1) // 3)
        )
    elif part == "week":
        count = (b // moments.DAY + 1) // 7 - (a // moments.DAY + 1) // 7
    elif part == "nanosecond":
        count = (b - a) * 100
    else:
        unit = _UNITS[part]
        count = b // unit - a // unit
    if result == "int" and not -(2**31) <= count < 2**31:
        text = (
            "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances "
            "is too large. Try to use datediff with a less precise datepart."
        )
        raise SqlServerError(535, text, 16, 0)
    return count


def _datepart(part: str, stored: str) -> int:  # noqa: PLR0911 - one case per part
    ticks, offset = moments.local(stored)
    moment = moments.to_datetime(ticks)
    match part:
        case "quarter":
            return (moment.month + 2) // 3
        case "dayofyear":
            return moment.timetuple().tm_yday
        case "week":
            first = moment.replace(month=1, day=1).isoweekday() % 7
            return (moment.timetuple().tm_yday - 1 + first) // 7 + 1
        case "iso_week":
            return moment.isocalendar()[1]
        case "weekday":
            return moment.isoweekday() % 7 + 1
        case "millisecond":
            return ticks % moments.SECOND // 10_000
        case "microsecond":
            return ticks % moments.SECOND // 10
        case "nanosecond":
            return ticks % moments.SECOND * 100
        case "tzoffset":
            return offset or 0
        case _:
            return int(getattr(moment, part))


def _datename(part: str, stored: str) -> str:
    ticks, offset = moments.local(stored)
    moment = moments.to_datetime(ticks)
    if part == "month":
        return calendar.month_name[moment.month]
    if part == "weekday":
        return calendar.day_name[moment.weekday()]
    if part == "tzoffset":
        minutes = offset or 0
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return str(_datepart(part, stored))


def _datetrunc(part: str, stored: str) -> str:
    ticks, offset = moments.local(stored)
    moment = moments.to_datetime(ticks)
    if part in _MONTHS:
        month = {"year": 1, "quarter": (moment.month - 1) // 3 * 3 + 1, "month": moment.month}[part]
        ticks = moments.from_datetime(moment.replace(month=month, day=1, hour=0, minute=0, second=0, microsecond=0))
    elif part == "week":
        day = ticks // moments.DAY
        ticks = (day - (day + 1) % 7) * moments.DAY
    else:
        ticks -= ticks % _UNITS[part]
    return _like(stored, ticks, offset)


def _eomonth(stored: str, months: int) -> str:
    moment = moments.to_datetime(_add_months(moments.local(stored)[0], months))
    last = calendar.monthrange(moment.year, moment.month)[1]
    return moment.replace(day=last).date().isoformat()


def _datefromparts(year: int, month: int, day: int) -> str:
    return _moment_from_parts("date", (year, month, day, 0, 0, 0))[:10]


def _datetimefromparts(*parts: int) -> str:
    """Year, month, day, hour, minute, second, milliseconds."""
    year, month, day, hour, minute, second, milliseconds = parts
    text = _moment_from_parts("datetime", (year, month, day, hour, minute, second))
    ticks = moments.read(text)[0] + milliseconds * 10_000
    return moments.moment_text(moments.to_datetime_precision(ticks))


def _moment_from_parts(kind: str, parts: tuple[int, int, int, int, int, int]) -> str:
    year, month, day, hour, minute, second = parts
    try:
        return moments.moment_text(moments.from_datetime(datetime(year, month, day, hour, minute, second)))
    except ValueError:
        text = f"Cannot construct data type {kind}, some of the arguments have values which are not valid."
        raise SqlServerError(289, text, 16, 1) from None


def _offset_minutes(offset: str | int) -> int:
    if isinstance(offset, int):
        return offset
    match = _OFFSET.fullmatch(offset.strip())
    if match is None:
        raise SqlServerError(9812, "The timezone provided to builtin function switchoffset is invalid.", 16, 1)
    minutes = int(match[2]) * 60 + int(match[3])
    return -minutes if match[1] == "-" else minutes


def _switchoffset(stored: str, offset: str | int) -> str:
    return moments.offset_text(moments.read(stored)[0], _offset_minutes(offset))


def _todatetimeoffset(stored: str, offset: str | int) -> str:
    minutes = _offset_minutes(offset)
    return moments.offset_text(moments.read(stored)[0] - minutes * moments.MINUTE, minutes)


def _at_time_zone(stored: str, zone: str | float, with_offset: int) -> str:
    if not isinstance(zone, str):
        raise SqlServerError(8116, "Argument data type int is invalid for argument 2 of AT TIME ZONE function.", 16, 1)
    if zone.upper() != "UTC":
        text = f"AT TIME ZONE with a zone other than UTC ('{zone}') is not supported by the SQL Server stand-in."
        raise SqlServerError(40510, text, 16, 1)
    del with_offset
    return moments.offset_text(moments.read(stored)[0], 0)


def _date_math(operator: str, left: str, right: str) -> str:
    """datetime + datetime: the days of the second since 1900 are added."""
    a, b = moments.read(left)[0], moments.read(right)[0] - moments.days_1900()
    ticks = a + b if operator == "+" else a - b
    if not moments.FIRST_DATETIME <= ticks <= moments.LAST_TICK:
        raise SqlServerError(8115, "Arithmetic overflow error converting expression to data type datetime.", 16, 2)
    return moments.moment_text(moments.to_datetime_precision(ticks))


def _isdate(text: str | None) -> int:
    parsed = moments.parse(text) if text else None
    return int(parsed is not None and parsed[0] >= moments.FIRST_DATETIME)


FUNCTIONS: dict[str, Function] = {
    "t_dateadd": strict(_dateadd),
    "t_datediff": strict(_datediff),
    "t_datepart": strict(_datepart),
    "t_datename": strict(_datename),
    "t_datetrunc": strict(_datetrunc),
    "t_eomonth": strict(_eomonth),
    "t_datefromparts": strict(_datefromparts),
    "t_datetimefromparts": strict(_datetimefromparts),
    "t_switchoffset": strict(_switchoffset),
    "t_todatetimeoffset": strict(_todatetimeoffset),
    "t_at_time_zone": strict(_at_time_zone),
    "t_date_math": strict(_date_math),
    "t_isdate": _isdate,
}

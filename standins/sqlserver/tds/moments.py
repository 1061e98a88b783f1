"""Dates and times to bytes [MS-TDS 2.2.5.5.1.8 and 2.2.5.5.1.9]."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from standins.sqlserver.contract import SqlType, Ticks, Value
from standins.sqlserver.tds.wiretypes import TIME_LENGTH

_NULL: Final = b"\0"
_EPOCH_1900: Final = date(1900, 1, 1).toordinal()
_TICKS_PER_DAY: Final = 864_000_000_000


def _ticks_of(value: datetime | time | Ticks) -> tuple[datetime | time, int]:
    """A moment and the hundreds of nanoseconds since its midnight."""
    moment, digit = (value.moment, value.digit) if isinstance(value, Ticks) else (value, 0)
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return moment, seconds * 10_000_000 + moment.microsecond * 10 + digit


def _day_and_ticks(value: datetime | Ticks) -> tuple[datetime, int]:
    moment, ticks = _ticks_of(value)
    if not isinstance(moment, datetime):
        raise TypeError(moment)
    return moment, ticks


def _whole_minutes(offset: timedelta | None) -> int:
    if offset is None:
        raise TypeError("datetimeoffset without an offset")
    return offset.days * 1440 + offset.seconds // 60


def _date(_: SqlType) -> Callable[[Value], bytes]:
    def encode(value: Value) -> bytes:
        return _NULL if value is None else b"\3" + (value.toordinal() - 1).to_bytes(3, "little")

    return encode


def _time(type: SqlType) -> Callable[[Value], bytes]:
    length, divisor = TIME_LENGTH[type.scale], 10 ** (7 - type.scale)
    head = bytes([length])

    def encode(value: Value) -> bytes:
        return _NULL if value is None else head + (_ticks_of(value)[1] // divisor).to_bytes(length, "little")

    return encode


def _datetime2(type: SqlType) -> Callable[[Value], bytes]:
    length, divisor = TIME_LENGTH[type.scale], 10 ** (7 - type.scale)
    head, shift = bytes([length + 3]), 8 * length  # the days follow the time

    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL
        moment, ticks = _day_and_ticks(value)
        return head + (ticks // divisor | moment.toordinal() - 1 << shift).to_bytes(length + 3, "little")

    return encode


def _datetimeoffset(type: SqlType) -> Callable[[Value], bytes]:
    length, divisor = TIME_LENGTH[type.scale], 10 ** (7 - type.scale)
    head, shift = bytes([length + 5]), 8 * length
    pack_offset = struct.Struct("<h").pack

    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL
        moment, ticks = _day_and_ticks(value)
        if moment.tzinfo is UTC:
            days, minutes = moment.toordinal() - 1, 0
        else:
            minutes = _whole_minutes(moment.utcoffset())
            # counted by hand: the UTC moment may lie outside the years Python knows
            days, ticks = divmod(
                (moment.toordinal() - 1) * _TICKS_PER_DAY + ticks - minutes * 600_000_000, _TICKS_PER_DAY
            )
        return head + (ticks // divisor | days << shift).to_bytes(length + 3, "little") + pack_offset(minutes)

    return encode


def _datetime(_: SqlType) -> Callable[[Value], bytes]:
    pack = struct.Struct("<BiI").pack

    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL
        moment, ticks = _day_and_ticks(value)
        # three hundredths of a second, rounded; a moment just before midnight belongs to the next day
        days, part = divmod((ticks * 3 + 50_000) // 100_000, 25_920_000)
        return pack(8, moment.toordinal() - _EPOCH_1900 + days, part)

    return encode


def _smalldatetime(_: SqlType) -> Callable[[Value], bytes]:
    pack = struct.Struct("<BHH").pack

    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL
        moment, ticks = _day_and_ticks(value)
        days, minutes = divmod((ticks + 300_000_000) // 600_000_000, 1440)
        return pack(4, moment.toordinal() - _EPOCH_1900 + days, minutes)

    return encode


BUILDERS: Final[Mapping[str, Callable[[SqlType], Callable[[Value], bytes]]]] = {
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "smalldatetime": _smalldatetime,
    "datetime2": _datetime2,
    "datetimeoffset": _datetimeoffset,
}

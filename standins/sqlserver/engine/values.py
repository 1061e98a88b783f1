"""Values between the wire and the storage."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from standins.sqlserver.contract import Column, SqlType, Ticks, Value
from standins.sqlserver.engine import moments
from standins.sqlserver.tsql import types

Stored = int | float | str | bytes | None
Decoder = Callable[[Any], Value]

# --- storage to wire -------------------------------------------------------------------------------------------


def _moment(text: str) -> Value:
    moment = datetime.fromisoformat(text[:26])
    return moment if text[26] == "0" else Ticks(moment, int(text[26]))


def _plain_moment(text: str) -> Value:
    return datetime.fromisoformat(text[:26])


def _clock(text: str) -> Value:
    moment = time.fromisoformat(text[:15])
    return moment if text[15] == "0" else Ticks(moment, int(text[15]))


@lru_cache(maxsize=64)
def _zone(text: str) -> timezone:
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


def _offset(text: str) -> Value:
    moment = datetime.fromisoformat(text[:26]).replace(tzinfo=UTC).astimezone(_zone(text[27:33]))
    return moment if text[26] == "0" else Ticks(moment, int(text[26]))


def _short_float(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


_DECODERS: dict[str, Decoder] = {
    "bit": bool,
    "decimal": Decimal,
    "numeric": Decimal,
    "money": Decimal,
    "smallmoney": Decimal,
    "uniqueidentifier": UUID,
    "date": date.fromisoformat,
    "time": _clock,
    "datetime": _plain_moment,
    "smalldatetime": _plain_moment,
    "datetime2": _moment,
    "datetimeoffset": _offset,
    "float": float,
    "real": float,
}


def decoder(type: SqlType) -> Decoder | None:
    """How a stored value becomes a wire value; None when it is one already."""
    return _DECODERS.get(type.name)


def row_decoder(columns: Sequence[Column]) -> Callable[[Sequence[Any]], Sequence[Value]] | None:
    """A function for whole rows; None when rows may pass as they are."""
    places = [(place, found) for place, column in enumerate(columns) if (found := decoder(column.type)) is not None]
    if not places:
        return None

    def decode(row: Sequence[Any]) -> Sequence[Value]:
        values = list(row)
        for place, convert in places:
            value = values[place]
            if value is not None:
                values[place] = convert(value)
        return values

    return decode


# --- wire to storage -------------------------------------------------------------------------------------------


def _split(value: Value) -> tuple[datetime, int]:
    """A datetime and its seventh decimal."""
    if not isinstance(value, Ticks):
        return value, 0
    assert isinstance(value.moment, datetime)
    return value.moment, value.digit


def _store_moment(value: Value) -> str:
    moment, digit = _split(value)
    return f"{moment.replace(tzinfo=None).isoformat(' ', 'microseconds')}{digit}"


def _store_datetime(value: Value) -> str:
    return moments.moment_text(moments.to_datetime_precision(moments.from_datetime(value)))


def _store_offset(value: Value) -> str:
    moment, digit = _split(value)
    offset = moment.utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    ticks = moments.from_datetime(moment.replace(tzinfo=None)) + digit - minutes * moments.MINUTE
    return moments.offset_text(ticks, minutes)


def _store_time(value: Value) -> str:
    moment, digit = (value.moment, value.digit) if isinstance(value, Ticks) else (value, 0)
    return f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}.{moment.microsecond:06d}{digit}"


def store_decimal(value: Decimal, scale: int) -> str:
    return f"{value:.{scale}f}"


_ENCODERS: dict[str, Callable[[Value], Stored]] = {
    "bit": int,
    "uniqueidentifier": lambda value: str(value).upper(),
    "date": lambda value: value.isoformat()[:10],
    "time": _store_time,
    "datetime": _store_datetime,
    "smalldatetime": _store_moment,
    "datetime2": _store_moment,
    "datetimeoffset": _store_offset,
    "float": float,
    "real": lambda value: _short_float(float(value)),
    "varbinary": bytes,
    "binary": bytes,
    "image": bytes,
    "timestamp": bytes,
}


def store(value: Value, type: SqlType) -> Stored:
    """A wire value as it is stored."""
    if value is None:
        return None
    if type.name in types.DECIMALS:
        return store_decimal(value if isinstance(value, Decimal) else Decimal(str(value)), type.scale)
    encode = _ENCODERS.get(type.name)
    return encode(value) if encode is not None else value

"""Values to bytes. Each encoder is made once per column and gives length and value together, NULL included."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from standins.sqlserver.contract import Column, SqlServerError, SqlType, Ticks, Value
from standins.sqlserver.tds import moments
from standins.sqlserver.tds import wiretypes as wire
from standins.sqlserver.tds.wiretypes import utf16

_utf16_of = codecs.utf_16_le_encode
Encoder = Callable[[Value], bytes]

ROW: Final = b"\xd1"
NBC_ROW: Final = b"\xd2"

_NULL: Final = b"\0"
_NULL_SHORT: Final = b"\xff\xff"
_NULL_PLP: Final = b"\xff" * 8
_PLP_HEAD = struct.Struct("<QI").pack
_PLP_END: Final = b"\0\0\0\0"
_EMPTY_PLP: Final = b"\0" * 12
_U16 = struct.Struct("<H").pack
_U32 = struct.Struct("<I").pack
_WIDE: Final = Context(prec=60, rounding=ROUND_HALF_UP)

#: From this many columns on, a row with NULLs is sent with a bitmap of them (the server's own rule is not documented).
_BITMAP_FROM: Final = 8

#: text, ntext and image values follow a text pointer and a timestamp that nobody reads.
_TEXT_POINTER: Final = b"\x10" + b"tidegate-pointer" + b"\0" * 8

_WRONG_VALUE = (TypeError, ValueError, AttributeError, ArithmeticError, struct.error)


def overflow(type: SqlType) -> SqlServerError:
    return SqlServerError(8115, f"Arithmetic overflow error converting expression to data type {type.name}.")


@lru_cache(maxsize=1024)
def encoder(type: SqlType) -> Encoder:
    """The encoder of one data type, for columns and output parameters alike."""
    if type.name in _INTEGERS:
        return _packed(_INTEGERS[type.name])
    if type.name in _BUILDERS:
        return _BUILDERS[type.name](type)
    raise ValueError(f"data type {type.name!r} cannot be sent")


def row_encoder(columns: Sequence[Column], *, bitmaps: bool = True) -> Callable[[Sequence[Value]], bytes]:
    """A function from a row's values to its whole ROW (or NBCROW) token.

    It raises :class:`SqlServerError` for a value its column cannot hold, before a single byte of the row is sent.
    """
    encoders = [encoder(column.type) for column in columns]
    width = len(encoders)

    def encode(values: Sequence[Value]) -> bytes:
        try:
            pieces = [ROW]
            pieces += [encode_value(value) for encode_value, value in zip(encoders, values, strict=True)]
            return b"".join(pieces)
        except _WRONG_VALUE as error:
            raise _refusal(columns, encoders, values) from error

    def encode_two(values: Sequence[Value]) -> bytes:
        try:
            one, other = values
            return ROW + encoders[0](one) + encoders[1](other)
        except _WRONG_VALUE as error:
            raise _refusal(columns, encoders, values) from error

    def encode_three(values: Sequence[Value]) -> bytes:
        try:
            one, other, third = values
            return ROW + encoders[0](one) + encoders[1](other) + encoders[2](third)
        except _WRONG_VALUE as error:
            raise _refusal(columns, encoders, values) from error

    def encode_with_bitmap(values: Sequence[Value]) -> bytes:
        if None not in values or len(values) != width:
            return encode(values)
        bitmap = 0
        pieces = [b""]
        try:
            for position, value in enumerate(values):
                if value is None:
                    bitmap |= 1 << position
                else:
                    pieces.append(encoders[position](value))
        except _WRONG_VALUE as error:
            raise _refusal(columns, encoders, values) from error
        pieces[0] = NBC_ROW + bitmap.to_bytes((width + 7) // 8, "little")
        return b"".join(pieces)

    if bitmaps and width >= _BITMAP_FROM:
        return encode_with_bitmap
    return {2: encode_two, 3: encode_three}.get(width, encode)


def _refusal(columns: Sequence[Column], encoders: Sequence[Encoder], values: Sequence[Value]) -> SqlServerError:
    """Says which value of a row did not fit; a wrong kind of value is a defect of the engine."""
    if len(values) != len(columns):
        return SqlServerError(50000, f"The stand-in made a row of {len(values)} values for {len(columns)} columns.")
    for column, encode_value, value in zip(columns, encoders, values, strict=True):
        try:
            encode_value(value)
        except (OverflowError, struct.error):
            if isinstance(value, int | float | Decimal):
                return overflow(column.type)
            return _wrong_kind(column, value)
        except _WRONG_VALUE:
            return _wrong_kind(column, value)
    return SqlServerError(50000, "The stand-in could not send a row.")


def _wrong_kind(column: Column, value: Value) -> SqlServerError:
    return SqlServerError(
        50000,
        f"The stand-in has a value of type {type(value).__name__} "
        f"that does not fit column '{column.name}' of type {column.type.name}.",
    )


def _packed(format: str) -> Encoder:
    pack = struct.Struct("<B" + format).pack
    length = struct.calcsize("<" + format)

    def encode(value: Value) -> bytes:
        return _NULL if value is None else pack(length, value)

    return encode


def _bit(_: SqlType) -> Encoder:
    return lambda value: _NULL if value is None else (b"\1\1" if value else b"\1\0")


def _decimal(type: SqlType) -> Encoder:
    precision = type.precision or 18
    length = wire.decimal_length(precision)
    limit, scale = 10**precision, type.scale
    head = (bytes([length, 0]), bytes([length, 1]))

    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL
        exact = value if isinstance(value, Decimal) else Decimal(value)
        number = int(exact.scaleb(scale, _WIDE).to_integral_value(context=_WIDE))
        if not -limit < number < limit:
            raise OverflowError(value)
        return head[number >= 0] + abs(number).to_bytes(length - 1, "little")

    return encode


def _money(type: SqlType) -> Encoder:
    small = struct.Struct("<Bi").pack
    large = struct.Struct("<BiI").pack  # eight bytes travel as two integers, the high one first

    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL
        number = int(Decimal(value).scaleb(4, _WIDE).to_integral_value(context=_WIDE))
        return small(4, number) if type.name == "smallmoney" else large(8, number >> 32, number & 0xFFFFFFFF)

    return encode


def _text(type: SqlType) -> Encoder:
    wide = type.name in ("nvarchar", "nchar", "sysname", "xml")
    if wire.is_max(type):
        return _long_wide_text if wide else _long_varchar
    length = 128 if type.name == "sysname" else max(type.length or 0, 1)
    limit = length * 2 if wide else length
    kind = f"{type.name}({length})"

    return _wide_text(limit, kind) if wide else _up_to(limit, wire.encode_varchar, kind)


def _wide_text(limit: int, kind: str) -> Encoder:
    """The commonest column by far, hence without a function between it and the codec."""

    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL_SHORT
        raw = _utf16_of(value, "surrogatepass")[0]
        if len(raw) > limit:
            raise _too_long(kind)
        return _U16(len(raw)) + raw

    return encode


def _up_to(limit: int, raw_of: Callable[[Any], bytes], kind: str) -> Encoder:
    """``limit`` is the length in bytes that the column was declared with."""

    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL_SHORT
        raw = raw_of(value)
        if len(raw) > limit:
            raise _too_long(kind)
        return _U16(len(raw)) + raw

    return encode


def _too_long(kind: str) -> SqlServerError:
    """A column that was declared shorter than its value: cutting it would be a made-up answer."""
    return SqlServerError(8152, f"String or binary data would be truncated. (The stand-in declared {kind}.)")


def _plp(raw: bytes) -> bytes:
    return _PLP_HEAD(len(raw), len(raw)) + raw + _PLP_END if raw else _EMPTY_PLP


def _long_wide_text(value: Value) -> bytes:
    return _NULL_PLP if value is None else _plp(utf16(value))


def _long_varchar(value: Value) -> bytes:
    return _NULL_PLP if value is None else _plp(wire.encode_varchar(value))


def _bytes_of(value: Value) -> bytes:
    """Refuses integers, of which ``bytes()`` would make zeros."""
    return value if value.__class__ is bytes else bytes(memoryview(value))


def _long_binary(value: Value) -> bytes:
    return _NULL_PLP if value is None else _plp(_bytes_of(value))


def _binary(type: SqlType) -> Encoder:
    if wire.is_max(type):
        return _long_binary
    limit = 8 if type.name in ("rowversion", "timestamp") else max(type.length or 0, 1)
    return _up_to(limit, _bytes_of, f"{type.name}({limit})")


def _behind_pointer(type: SqlType) -> Encoder:
    def encode(value: Value) -> bytes:
        if value is None:
            return _NULL
        if type.name == "image":
            raw = _bytes_of(value)
        elif type.name == "text":
            raw = wire.encode_varchar(value)
        else:
            raw = utf16(value)
        return _TEXT_POINTER + _U32(len(raw)) + raw

    return encode


def _guid(_: SqlType) -> Encoder:
    def encode(value: Value) -> bytes:
        return _NULL if value is None else b"\x10" + value.bytes_le

    return encode


def _variant(_: SqlType) -> Encoder:
    """sql_variant [MS-TDS 2.2.5.5.4]: the value brings its own type along."""

    def encode(value: Value) -> bytes:
        if value is None:
            return _U32(0)
        base, properties, raw = _variant_parts(value)
        body = bytes([base, len(properties)]) + properties + raw
        return _U32(len(body)) + body

    return encode


def _variant_parts(value: Value) -> tuple[int, bytes, bytes]:  # noqa: PLR0911 -- one return per base type
    match value:
        case bool():
            return wire.BIT, b"", bytes([value])
        case int() if -(2**31) <= value < 2**31:
            return wire.INT4, b"", value.to_bytes(4, "little", signed=True)
        case int():
            return wire.INT8, b"", value.to_bytes(8, "little", signed=True)
        case float():
            return wire.FLOAT8, b"", struct.pack("<d", value)
        case Decimal():
            exponent = value.as_tuple().exponent
            scale = max(0, -exponent) if isinstance(exponent, int) else 0
            return wire.NUMERIC_N, bytes([38, scale]), encoder(SqlType("numeric", precision=38, scale=scale))(value)[1:]
        case str():
            raw = utf16(value)
            return wire.NVARCHAR, wire.COLLATION + _U16(8000), raw
        case bytes():
            return wire.VARBINARY, _U16(8000), value
        case UUID():
            return wire.GUID, b"", value.bytes_le
        case _:
            return _variant_moment(value)


def _variant_moment(value: Value) -> tuple[int, bytes, bytes]:
    moment = value.moment if isinstance(value, Ticks) else value
    if isinstance(moment, datetime):
        name, token = (
            ("datetime2", wire.DATETIME2) if moment.tzinfo is None else ("datetimeoffset", wire.DATETIMEOFFSET)
        )
    elif isinstance(moment, date):
        return wire.DATE, b"", encoder(SqlType("date"))(moment)[1:]
    elif isinstance(moment, time):
        name, token = "time", wire.TIME
    else:
        raise TypeError(value)
    return token, b"\7", encoder(SqlType(name, scale=7))(value)[1:]


_INTEGERS: Final[Mapping[str, str]] = {
    "tinyint": "B",
    "smallint": "h",
    "int": "i",
    "bigint": "q",
    "real": "f",
    "float": "d",
}
_BUILDERS: Final[Mapping[str, Callable[[SqlType], Encoder]]] = {
    "bit": _bit,
    "decimal": _decimal,
    "numeric": _decimal,
    "money": _money,
    "smallmoney": _money,
    "char": _text,
    "varchar": _text,
    "nchar": _text,
    "nvarchar": _text,
    "sysname": _text,
    "xml": _text,
    "binary": _binary,
    "varbinary": _binary,
    "rowversion": _binary,
    "timestamp": _binary,
    "text": _behind_pointer,
    "ntext": _behind_pointer,
    "image": _behind_pointer,
    "uniqueidentifier": _guid,
    **moments.BUILDERS,
    "sql_variant": _variant,
}

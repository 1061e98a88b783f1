"""Bytes to values: parameters of remote procedure calls and rows of bulk loads."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from standins.sqlserver.contract import SqlType, Ticks, Value
from standins.sqlserver.tds import wiretypes as wire
from standins.sqlserver.tds.errors import ProtocolError, unsupported
from standins.sqlserver.tds.reader import Reader

Decoder = Callable[[Reader], Value]

_NULL_SHORT: Final = 0xFFFF
_NULL_LONG: Final = 0xFFFFFFFF
_NULL_PLP: Final = 0xFFFFFFFFFFFFFFFF
_EPOCH_1900: Final = datetime(1900, 1, 1)
_WIDE: Final = Context(prec=60)


class WireType(NamedTuple):
    """A TYPE_INFO that was read: the type it means, and how its values are read."""

    type: SqlType
    read: Decoder
    #: text, ntext and image: their column descriptions and rows carry more than a parameter does
    large: bool = False


def read_type(reader: Reader) -> WireType:
    """TYPE_INFO of a parameter or of a bulk-loaded column."""
    token = reader.u8()
    length = _INFO_LENGTH.get(token)
    return _rare_type(token, reader) if length is None else _common_type(token, reader.take(length))


@lru_cache(maxsize=1024)
def _common_type(token: int, info: bytes) -> WireType:
    """A type whose TYPE_INFO is as long as its token says; clients send the same few over and over."""
    if token in _FIXED:
        return _FIXED[token]
    if token in _BYTE_SIZED:
        return _byte_sized(token, info[0])
    if token in _DECIMAL_TOKENS:
        return _decimal_type(token, info[1], info[2])
    if token in _TEXT_TOKENS:
        return _text_type(token, int.from_bytes(info[:2], "little"), wire.codec_of(info[2:]))
    if token in _BINARY_TOKENS:
        return _binary_type(token, int.from_bytes(info, "little"))
    return _moment_type(token, info[0])


def _rare_type(token: int, reader: Reader) -> WireType:
    if token == wire.DATE:
        return _DATE
    if token in (wire.TEXT, wire.NTEXT):
        reader.u32()
        codec = wire.codec_of(reader.take(5))
        return WireType(SqlType("ntext"), _long_wide, large=True) if token == wire.NTEXT else _text_large(codec)
    if token == wire.IMAGE:
        reader.u32()
        return WireType(SqlType("image"), _long_bytes, large=True)
    if token == wire.VARIANT:
        reader.u32()
        return WireType(SqlType("sql_variant"), _read_variant)
    if token == wire.XML:
        if reader.u8():  # a schema collection: database, owner, name
            reader.short_text()
            reader.short_text()
            reader.text(reader.u16())
        return WireType(SqlType("xml"), _plp_wide)
    if token == wire.TABLE:
        raise unsupported("A table-valued parameter")
    if token == wire.UDT:
        raise unsupported("A parameter of a CLR type")
    raise ProtocolError(f"data type {token:#x} does not exist")


def read_plp(reader: Reader) -> bytes | None:
    """A partially length-prefixed value: total length or "unknown", then chunks [MS-TDS 2.2.5.2.3]."""
    if reader.u64() == _NULL_PLP:
        return None
    chunks: list[bytes] = []
    while length := reader.u32():
        chunks.append(reader.take(length))
    return b"".join(chunks)


def _utf16(raw: bytes) -> str:
    if len(raw) % 2:
        raise ProtocolError("half a UTF-16 character")
    return wire.decode_utf16(raw)


def _plp_wide(reader: Reader) -> Value:
    raw = read_plp(reader)
    return None if raw is None else _utf16(raw)


def _long_bytes(reader: Reader) -> Value:
    length = reader.u32()
    return None if length == _NULL_LONG else reader.take(length)


def _long_wide(reader: Reader) -> Value:
    raw = _long_bytes(reader)
    return None if raw is None else _utf16(raw)


def _text_large(codec: str) -> WireType:
    def read(reader: Reader) -> Value:
        raw = _long_bytes(reader)
        return None if raw is None else wire.decode_varchar(raw, codec)

    return WireType(SqlType("text"), read, large=True)


@lru_cache(maxsize=512)
def _text_type(token: int, size: int, codec: str) -> WireType:
    wide = token in (wire.NVARCHAR, wire.NCHAR)
    name = {wire.NVARCHAR: "nvarchar", wire.NCHAR: "nchar", wire.VARCHAR: "varchar", wire.CHAR: "char"}[token]

    def text(raw: bytes) -> str:
        return _utf16(raw) if wide else wire.decode_varchar(raw, codec)

    def read_max(reader: Reader) -> Value:
        raw = read_plp(reader)
        return None if raw is None else text(raw)

    def read(reader: Reader) -> Value:
        length = reader.u16()
        return None if length == _NULL_SHORT else text(reader.take(length))

    if size == wire.MAX:
        return WireType(SqlType(name, None), read_max)
    return WireType(SqlType(name, max(1, size // 2 if wide else size)), read)


@lru_cache(maxsize=512)
def _binary_type(token: int, size: int) -> WireType:
    name = "varbinary" if token == wire.VARBINARY else "binary"

    def read(reader: Reader) -> Value:
        length = reader.u16()
        return None if length == _NULL_SHORT else reader.take(length)

    return WireType(SqlType(name, None), read_plp) if size == wire.MAX else WireType(SqlType(name, max(1, size)), read)


@lru_cache(maxsize=512)
def _decimal_type(token: int, precision: int, scale: int) -> WireType:
    if not 1 <= precision <= 38 or scale > precision:
        raise ProtocolError(f"decimal({precision}, {scale})")
    name = "numeric" if token in (wire.NUMERIC_N, wire.NUMERIC) else "decimal"

    def read(reader: Reader) -> Value:
        length = reader.u8()
        if not length:
            return None
        raw = reader.take(length)
        value = Decimal(int.from_bytes(raw[1:17], "little")).scaleb(-scale, _WIDE)
        return value if raw[0] else value.copy_negate()  # the operator would round to the context

    return WireType(SqlType(name, precision=precision, scale=scale), read)


def _moment(days: int, ticks: int) -> tuple[datetime, int]:
    """Days since 0001-01-01 and hundreds of nanoseconds as a moment and its seventh decimal."""
    microseconds, digit = divmod(ticks, 10)
    try:
        return datetime.fromordinal(days + 1) + timedelta(microseconds=microseconds), digit
    except (ValueError, OverflowError) as error:
        raise ProtocolError(f"date outside the calendar: {error}") from error


def _with_digit(moment: datetime | time, digit: int) -> Value:
    return Ticks(moment, digit) if digit else moment


@lru_cache(maxsize=64)
def _moment_type(token: int, scale: int) -> WireType:
    if scale > 7:
        raise ProtocolError(f"time of scale {scale}")
    length, factor = wire.TIME_LENGTH[scale], 10 ** (7 - scale)

    def read_time(reader: Reader) -> Value:
        size = reader.u8()
        if not size:
            return None
        if size != length:
            raise ProtocolError(f"time({scale}) of {size} bytes")
        moment, digit = _moment(0, int.from_bytes(reader.take(length), "little") * factor)
        return _with_digit(moment.time(), digit)

    def read_datetime2(reader: Reader) -> Value:
        size = reader.u8()
        if not size:
            return None
        if size != length + 3:
            raise ProtocolError(f"datetime2({scale}) of {size} bytes")
        ticks = int.from_bytes(reader.take(length), "little") * factor
        return _with_digit(*_moment(int.from_bytes(reader.take(3), "little"), ticks))

    def read_offset(reader: Reader) -> Value:
        size = reader.u8()
        if not size:
            return None
        if size != length + 5:
            raise ProtocolError(f"datetimeoffset({scale}) of {size} bytes")
        ticks = int.from_bytes(reader.take(length), "little") * factor
        days = int.from_bytes(reader.take(3), "little")
        return _with_offset(days, ticks, int.from_bytes(reader.take(2), "little", signed=True))

    name, read = {
        wire.TIME: ("time", read_time),
        wire.DATETIME2: ("datetime2", read_datetime2),
        wire.DATETIMEOFFSET: ("datetimeoffset", read_offset),
    }[token]
    return WireType(SqlType(name, scale=scale), read)


@lru_cache(maxsize=2048)
def _timezone(minutes: int) -> timezone:
    if abs(minutes) > 14 * 60:
        raise ProtocolError(f"offset of {minutes} minutes")
    return timezone(timedelta(minutes=minutes)) if minutes else UTC


def _with_offset(days: int, ticks: int, minutes: int) -> Value:
    days_moved, ticks = divmod(ticks + minutes * 600_000_000, 864_000_000_000)
    moment, digit = _moment(days + days_moved, ticks)
    return _with_digit(moment.replace(tzinfo=_timezone(minutes)), digit)


def _read_date(reader: Reader) -> Value:
    length = reader.u8()
    if not length:
        return None
    if length != 3:
        raise ProtocolError(f"date of {length} bytes")
    return _moment(int.from_bytes(reader.take(3), "little"), 0)[0].date()


_DATE: Final = WireType(SqlType("date"), _read_date)


def _unpacker(format: str) -> Callable[[bytes], Value]:
    unpack = struct.Struct("<" + format).unpack
    return lambda raw: unpack(raw)[0]


def _money(raw: bytes) -> Decimal:
    if len(raw) == 4:
        number = int.from_bytes(raw, "little", signed=True)
    else:
        number = int.from_bytes(raw[:4], "little", signed=True) << 32 | int.from_bytes(raw[4:], "little")
    return Decimal(number).scaleb(-4, _WIDE)


def _datetime(raw: bytes) -> datetime:
    try:
        if len(raw) == 4:
            days, minutes = struct.unpack("<HH", raw)
            return _EPOCH_1900 + timedelta(days=days, minutes=minutes)
        days, part = struct.unpack("<iI", raw)
        return _EPOCH_1900 + timedelta(days=days, milliseconds=(part * 10 + 1) // 3)  # .000, .003 and .007, never .006
    except OverflowError as error:
        raise ProtocolError(f"datetime outside the calendar: {error}") from error


#: Name by length and how the raw bytes are read, for types whose value is preceded by its length in one byte.
_BYTE_SIZED: Final[Mapping[int, Mapping[int, tuple[str, Callable[[bytes], Value]]]]] = {
    wire.INT_N: {
        1: ("tinyint", _unpacker("B")),
        2: ("smallint", _unpacker("h")),
        4: ("int", _unpacker("i")),
        8: ("bigint", _unpacker("q")),
    },
    wire.BIT_N: {1: ("bit", lambda raw: raw != b"\0")},
    wire.FLOAT_N: {4: ("real", _unpacker("f")), 8: ("float", _unpacker("d"))},
    wire.MONEY_N: {4: ("smallmoney", _money), 8: ("money", _money)},
    wire.DATETIME_N: {4: ("smalldatetime", _datetime), 8: ("datetime", _datetime)},
    wire.GUID: {16: ("uniqueidentifier", lambda raw: UUID(bytes_le=raw))},
}


@lru_cache(maxsize=64)
def _byte_sized(token: int, size: int) -> WireType:
    kinds = _BYTE_SIZED[token]
    if size not in kinds:
        raise ProtocolError(f"data type {token:#x} of {size} bytes")

    def read(reader: Reader) -> Value:
        length = reader.u8()
        if not length:
            return None
        if length not in kinds:
            raise ProtocolError(f"value of {length} bytes for data type {token:#x}")
        return kinds[length][1](reader.take(length))

    return WireType(SqlType(kinds[size][0]), read)


def _fixed(token: int, size: int) -> WireType:
    name, convert = _BYTE_SIZED[token][size]

    def read(reader: Reader) -> Value:
        return convert(reader.take(size))

    return WireType(SqlType(name), read)


def _nothing(_: Reader) -> Value:
    return None


_FIXED: Final[Mapping[int, WireType]] = {
    wire.NULL: WireType(SqlType("nvarchar", 1), _nothing),
    wire.INT1: _fixed(wire.INT_N, 1),
    wire.INT2: _fixed(wire.INT_N, 2),
    wire.INT4: _fixed(wire.INT_N, 4),
    wire.INT8: _fixed(wire.INT_N, 8),
    wire.BIT: _fixed(wire.BIT_N, 1),
    wire.FLOAT4: _fixed(wire.FLOAT_N, 4),
    wire.FLOAT8: _fixed(wire.FLOAT_N, 8),
    wire.MONEY4: _fixed(wire.MONEY_N, 4),
    wire.MONEY: _fixed(wire.MONEY_N, 8),
    wire.DATETIME4: _fixed(wire.DATETIME_N, 4),
    wire.DATETIME: _fixed(wire.DATETIME_N, 8),
}


_DECIMAL_TOKENS: Final = (wire.DECIMAL_N, wire.NUMERIC_N, wire.DECIMAL, wire.NUMERIC)
_TEXT_TOKENS: Final = (wire.NVARCHAR, wire.NCHAR, wire.VARCHAR, wire.CHAR)
_BINARY_TOKENS: Final = (wire.VARBINARY, wire.BINARY)
#: Bytes of TYPE_INFO behind the token.
_INFO_LENGTH: Final[Mapping[int, int]] = {
    **dict.fromkeys(_FIXED, 0), **dict.fromkeys(_BYTE_SIZED, 1), **dict.fromkeys(_DECIMAL_TOKENS, 3),
    **dict.fromkeys(_TEXT_TOKENS, 7), **dict.fromkeys(_BINARY_TOKENS, 2),
    **dict.fromkeys((wire.TIME, wire.DATETIME2, wire.DATETIMEOFFSET), 1),
}  # fmt: skip


def _with_length(raw: bytes) -> Reader:
    return Reader(bytes([len(raw) & 0xFF]) + raw)


def _scaled_variant(token: int) -> Callable[[bytes, bytes], Value]:
    def read(properties: bytes, raw: bytes) -> Value:
        if not properties:
            raise ProtocolError("sql_variant without a scale")
        return _moment_type(token, properties[0]).read(_with_length(raw))

    return read


def _decimal_variant(properties: bytes, raw: bytes) -> Value:
    if len(properties) != 2:
        raise ProtocolError("sql_variant without precision and scale")
    return _decimal_type(wire.DECIMAL_N, *properties).read(_with_length(raw))


#: How base types other than fixed-length ones are read from their properties and raw bytes.
_VARIANTS: Final[Mapping[int, Callable[[bytes, bytes], Value]]] = {
    wire.NVARCHAR: lambda _, raw: _utf16(raw),
    wire.NCHAR: lambda _, raw: _utf16(raw),
    wire.VARCHAR: lambda properties, raw: wire.decode_varchar(raw, wire.codec_of(properties)),
    wire.CHAR: lambda properties, raw: wire.decode_varchar(raw, wire.codec_of(properties)),
    wire.VARBINARY: lambda _, raw: raw,
    wire.BINARY: lambda _, raw: raw,
    wire.GUID: lambda _, raw: _byte_sized(wire.GUID, 16).read(_with_length(raw)),
    wire.DATE: lambda _, raw: _read_date(_with_length(raw)),
    wire.NUMERIC_N: _decimal_variant,
    wire.DECIMAL_N: _decimal_variant,
    wire.TIME: _scaled_variant(wire.TIME),
    wire.DATETIME2: _scaled_variant(wire.DATETIME2),
    wire.DATETIMEOFFSET: _scaled_variant(wire.DATETIMEOFFSET),
}


def _read_variant(reader: Reader) -> Value:
    """A sql_variant holds its base type's properties, then the value without a length of its own."""
    length = reader.u32()
    if not length:
        return None
    body = Reader(reader.take(length))
    token, properties = body.u8(), body.take(body.u8())
    raw = body.take(length - 2 - len(properties))
    if token in _FIXED:
        return _FIXED[token].read(Reader(raw))
    if token not in _VARIANTS:
        raise ProtocolError(f"sql_variant of data type {token:#x}")
    return _VARIANTS[token](properties, raw)

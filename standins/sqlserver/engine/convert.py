"""CAST and CONVERT on stored values ("CAST and CONVERT (Transact-SQL)", Microsoft Learn)."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from uuid import UUID

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.datestyles import DAY_FIRST, format_moment
from standins.sqlserver.engine.values import Stored
from standins.sqlserver.tsql import types

Converter = Callable[[Stored, int], Stored]

_WIDE = Context(prec=80)
_INTEGER = re.compile(r"\s*([+-]?)\s*(\d*)\s*")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)\s*")
_MONEY_SIGNS = str.maketrans("", "", ",$£€")
_GUID = re.compile(r"\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?")


def cast(value: Stored, key: str, style: int | str | None = None) -> Stored:
    """``t_cast``; the key is ``source>target``."""
    if value is None:
        return None
    if isinstance(style, str):
        text = "Argument data type varchar is invalid for argument 3 of convert function."
        raise SqlServerError(8116, text, 16, 1)
    return converter(key)(value, 0 if style is None else style)


def try_cast(value: Stored, key: str, style: int | str | None = None) -> Stored:
    """``t_try_cast``: NULL instead of an error."""
    try:
        return cast(value, key, style)
    except SqlServerError:
        return None


@lru_cache(maxsize=2000)
def converter(key: str) -> Converter:
    source_text, _, target_text = key.partition(">")
    return between(types.parse(source_text), types.parse(target_text))


def between(source: SqlType, target: SqlType) -> Converter:
    name = target.name
    if name == "bit":
        return lambda value, _: _to_bit(value, source)
    if name in types.INTEGERS:
        return lambda value, _: to_integer(value, source, name)
    if name in types.DECIMALS:
        return lambda value, _: to_decimal(value, source, target)
    if name in types.FLOATS:
        return lambda value, _: _to_float(value, source, name)
    if name in types.STRINGS:
        return lambda value, style: to_string(value, source, target, style)
    if name in types.BINARIES:
        return lambda value, style: _to_binary(value, source, target, style)
    if name == "uniqueidentifier":
        return lambda value, _: _to_guid(value, source)
    return lambda value, style: to_moment(value, source, target, style)


# --- numbers ---------------------------------------------------------------------------------------------------


def _to_bit(value: Stored, source: SqlType) -> int:
    if isinstance(value, str) and source.name in types.STRINGS:
        text = value.strip().lower()
        if text in ("true", "false"):
            return int(text == "true")
        return int(to_integer(value, source, "bit") != 0)
    if isinstance(value, str):
        return int(Decimal(value) != 0)
    if isinstance(value, bytes):
        return int(any(value))
    return int(bool(value))


def to_integer(value: Stored, source: SqlType, target: str) -> int:
    """To one of the integer types; fractions are cut, overflow is an error."""
    if isinstance(value, str):
        number = _integer_from_text(value, source, target)
    elif isinstance(value, bytes):
        number = int.from_bytes(value[-8:], "big", signed=len(value) >= 8)
        if target == "int":
            number = struct.unpack(">i", value[-4:].rjust(4, b"\0"))[0]
    else:
        number = int(value or 0)
    low, high = types.INTEGER_RANGE.get(target, (-(2**63), 2**63 - 1))
    if not low <= number <= high:
        raise _integer_overflow(value, source, target, number)
    return number


def _integer_from_text(value: str, source: SqlType, target: str) -> int:
    if source.name in types.STRINGS:
        match = _INTEGER.fullmatch(value)
        if match is None:
            if target == "bigint":
                raise messages.conversion_error(source.name, target)
            raise messages.conversion_failed(source.name, value, target)
        return int(match[1] + (match[2] or "0"))
    if source.name in types.DECIMALS:
        return int(Decimal(value))
    ticks, _ = moments.read(value)
    return round((ticks - moments.days_1900()) / moments.DAY)


def _integer_overflow(value: Stored, source: SqlType, target: str, number: int) -> SqlServerError:
    if source.name in types.STRINGS:
        if target == "bigint":
            return messages.conversion_error(source.name, target)
        if target in ("tinyint", "smallint"):
            width = "INT1" if target == "tinyint" else "INT2"
            text = (
                f"The conversion of the {source.name} value '{value}' overflowed an {width} column. Use a larger "
                "integer column."
            )
            return SqlServerError(244, text, 16, 1)
        text = f"The conversion of the {source.name} value '{value}' overflowed an int column."
        return SqlServerError(248, text, 16, 1)
    if target in ("tinyint", "smallint") and source.name in types.INTEGERS:
        return messages.small_overflow(target, number)
    kind = source.name if source.name in types.DECIMALS else "expression"
    return messages.overflow(kind, target)


def to_decimal(value: Stored, source: SqlType, target: SqlType) -> str:
    """To decimal, numeric, money or smallmoney, rounded half up."""
    scale = 4 if target.name in ("money", "smallmoney") else target.scale
    number = _decimal_of(value, source, target)
    quantized = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _WIDE)
    limit = 10 ** (target.precision - scale)
    if abs(quantized) >= limit:
        raise messages.overflow(source.name, target.name)
    return f"{quantized:f}" if quantized else f"{abs(quantized):f}"


def _decimal_of(value: Stored, source: SqlType, target: SqlType) -> Decimal:
    if isinstance(value, str) and source.name in types.STRINGS:
        text = value.translate(_MONEY_SIGNS) if target.name in ("money", "smallmoney") else value
        if _NUMBER.fullmatch(text) is None:
            if target.name in ("money", "smallmoney"):
                raise SqlServerError(
                    235, "Cannot convert a char value to money. The char value has incorrect syntax.", 16, 0
                )
            raise messages.conversion_error(source.name, target.name)
        return Decimal(text.strip())
    if isinstance(value, str) and source.name not in types.DECIMALS:
        ticks, _ = moments.read(value)
        return Decimal(ticks - moments.days_1900()) / moments.DAY
    if isinstance(value, bytes):
        raise messages.conversion_error(source.name, target.name)
    try:
        return Decimal(str(value)) if not isinstance(value, float) else Decimal(repr(value))
    except InvalidOperation:
        raise messages.conversion_error(source.name, target.name) from None


def _to_float(value: Stored, source: SqlType, target: str) -> float:
    if isinstance(value, str) and source.name in types.STRINGS:
        try:
            number = float(value.strip() or "0")
        except ValueError:
            raise messages.conversion_error(source.name, target) from None
    elif isinstance(value, str) and source.name not in types.DECIMALS:
        ticks, _ = moments.read(value)
        number = (ticks - moments.days_1900()) / moments.DAY
    elif isinstance(value, bytes):
        raise messages.conversion_error(source.name, target)
    else:
        number = float(value or 0)
    return struct.unpack("<f", struct.pack("<f", number))[0] if target == "real" else number


# --- strings ---------------------------------------------------------------------------------------------------


def to_string(value: Stored, source: SqlType, target: SqlType, style: int) -> str:
    """To a string type: text is cut to the length, numbers that do not fit are an error (or ``*``)."""
    name, length = source.name, target.length
    if isinstance(value, bytes):
        return _cut(_binary_to_text(value, target, style), target)
    if name in types.STRINGS:
        text = str(value)
        if target.name not in types.UNICODE and not text.isascii():
            text = text.encode("cp1252", "replace").decode("cp1252")
        return _cut(text, target)
    if name in types.DATES:
        return _cut(format_moment(str(value), source, style), target)
    text = _number_text(value, source, style)
    if length is not None and len(text) > length:
        if name in types.INTEGERS and target.name in ("varchar", "char"):
            return _cut("*", target)
        if name == "uniqueidentifier":
            raise SqlServerError(8170, "Insufficient result space to convert uniqueidentifier value to char.", 16, 2)
        raise messages.overflow("expression" if name in types.INTEGERS else name, target.name)
    return _cut(text, target)


def _cut(text: str, target: SqlType) -> str:
    if target.length is None:
        return text
    text = text[: target.length]
    return text.ljust(target.length) if target.name in types.FIXED_LENGTH else text


def _number_text(value: Stored, source: SqlType, style: int) -> str:
    if isinstance(value, float):
        return float_text(value, style)
    if source.name in ("money", "smallmoney") and style != 2:
        rounded = Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return f"{rounded:,f}" if style == 1 else f"{rounded:f}"
    return str(value)


def float_text(value: float, style: int = 0) -> str:
    """Six digits by default; 8 or 16 in scientific notation for styles 1 and 2; 17 for style 3."""
    if style == 1:
        return _exponent(f"{value:.7e}")
    if style == 2:
        return _exponent(f"{value:.15e}")
    if style == 3:
        return f"{value:.17g}"
    return _exponent(f"{value:.6g}")


def _exponent(text: str) -> str:
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].rjust(3, '0')}" if mark else text


def _binary_to_text(value: bytes, target: SqlType, style: int) -> str:
    if style in (1, 2):
        return ("0x" if style == 1 else "") + value.hex().upper()
    if target.name in types.UNICODE:
        return (value + b"\0" if len(value) % 2 else value).decode("utf-16-le", "replace")
    return value.decode("cp1252", "replace")


def _to_binary(value: Stored, source: SqlType, target: SqlType, style: int) -> bytes:
    data = _bytes_of(value, source, target, style)
    if target.length is None:
        return data
    if isinstance(value, int) and not isinstance(value, bool):
        return data[-target.length :].rjust(target.length if target.name == "binary" else 0, b"\0")
    data = data[: target.length]
    return data.ljust(target.length, b"\0") if target.name in ("binary", "timestamp") else data


def _bytes_of(value: Stored, source: SqlType, target: SqlType, style: int) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        size = types.max_bytes(source)
        return value.to_bytes(size, "big", signed=source.name not in ("tinyint", "bit"))
    if isinstance(value, float):
        return struct.pack(">d" if source.name == "float" else ">f", value)
    text = str(value)
    if source.name == "uniqueidentifier":
        return UUID(text).bytes_le
    if style in (1, 2):
        digits = text[2:] if style == 1 and text[:2].lower() == "0x" else text
        try:
            return bytes.fromhex(digits)
        except ValueError:
            raise messages.conversion_error(source.name, target.name) from None
    if source.name in types.UNICODE:
        return text.encode("utf-16-le", "surrogatepass")
    if source.name in types.STRINGS:
        return text.encode("cp1252", "replace")
    raise SqlServerError(
        40510, f"Converting {source.name} to {target.name} is not supported by the SQL Server stand-in.", 16, 1
    )


def _to_guid(value: Stored, source: SqlType) -> str:
    if isinstance(value, bytes):
        return str(UUID(bytes_le=value[:16].ljust(16, b"\0"))).upper()
    text = str(value)
    if source.name == "uniqueidentifier":
        return text
    wanted = text[:38] if text.startswith("{") else text[:36]
    if _GUID.fullmatch(wanted) is None:
        raise messages.guid_conversion_failed()
    return wanted.strip("{}").upper()


# --- dates -----------------------------------------------------------------------------------------------------


def to_moment(value: Stored, source: SqlType, target: SqlType, style: int = 0) -> str:
    """To one of the date and time types."""
    if isinstance(value, str) and source.name in types.STRINGS:
        return _moment_from_text(value, source, target, style)
    if isinstance(value, str) and source.name in types.DATES:
        ticks, offset = moments.local(value)
        if source.name == "time":
            ticks += moments.days_1900()
        return _moment_as(ticks, offset, target, source.name)
    number = Decimal(str(value)) if not isinstance(value, bytes) else Decimal(0)
    ticks = moments.days_1900() + int((number * moments.DAY).to_integral_value())
    return _moment_as(ticks, None, target, source.name)


def _moment_from_text(value: str, source: SqlType, target: SqlType, style: int) -> str:
    parsed = moments.parse(value, day_first=style in DAY_FIRST)
    if parsed is None:
        if target.name in ("datetime", "smalldatetime") and re.fullmatch(r"\s*\d{4}-\d\d?-\d\d?.*", value):
            raise messages.date_out_of_range(source.name, target.name)
        raise messages.date_conversion_failed()
    ticks, offset, _ = parsed
    if offset is not None and target.name in ("datetime", "smalldatetime") and not value.strip().upper().endswith("Z"):
        raise messages.date_conversion_failed()
    return _moment_as(ticks, offset, target, source.name)


def _moment_as(ticks: int, offset: int | None, target: SqlType, source: str) -> str:
    """``ticks`` are local."""
    match target.name:
        case "date":
            return moments.date_text(ticks)
        case "time":
            return moments.time_text(moments.rounded(ticks, target.scale) % moments.DAY)
        case "datetime":
            if ticks < moments.FIRST_DATETIME:
                raise messages.date_out_of_range(source, "datetime")
            return moments.moment_text(moments.to_datetime_precision(ticks))
        case "smalldatetime":
            first, last = moments.days_1900(), moments.days_1900() + 65_536 * moments.DAY
            if not first <= ticks < last:
                raise messages.date_out_of_range(source, "smalldatetime")
            return moments.moment_text(moments.to_smalldatetime_precision(ticks))
        case "datetimeoffset":
            minutes = offset or 0
            return moments.offset_text(moments.rounded(ticks, target.scale) - minutes * moments.MINUTE, minutes)
        case _:
            return moments.moment_text(moments.rounded(ticks, target.scale))

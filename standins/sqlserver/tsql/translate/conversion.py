"""Implicit and explicit conversions, written as SQLite expressions."""

from __future__ import annotations

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.errors import (
    conversion_not_allowed,
    implicit_conversion_not_allowed,
    operand_clash,
)
from standins.sqlserver.tsql.translate.native import native
from standins.sqlserver.tsql.translate.values import Sql, text_literal

_NUMBERS, _STRINGS, _DATES, _BINARIES = types.NUMBERS, types.STRINGS, types.DATES, types.BINARIES

#: Date types each date type converts to ("CAST and CONVERT", the conversion chart).
_DATE_TARGETS = {
    "date": {"date", "datetime", "smalldatetime", "datetime2", "datetimeoffset"},
    "time": {"time", "datetime", "smalldatetime", "datetime2", "datetimeoffset"},
}


def convert(value: Sql, target: SqlType, *, style: str = "", attempt: bool = False, explicit: bool = False) -> Sql:
    """The value as ``target``. ``style`` is the SQL text of CONVERT's third argument."""
    source = value.type
    if source.name == "null":
        return Sql("NULL", target, nullable=True)
    check_allowed(source, target, explicit=explicit)
    if not style and fits(source, target):
        return value.typed(target)
    text = "" if attempt else native(value, target, style)
    if not text:
        function = "t_try_cast" if attempt else "t_cast"
        key = text_literal(f"{types.describe(source)}>{types.describe(target)}")
        text = f"{function}({value.text}, {key}{', ' + style if style else ''})"
    result = value.typed(target, text)
    if not result.is_string or not value.is_string:
        result = Sql(text, target, nullable=value.nullable or attempt)
    return result


def fits(source: SqlType, target: SqlType) -> bool:  # noqa: PLR0911 - one case per family
    """Whether every value of ``source`` is stored alike as ``target``."""
    if source == target:
        return True
    a, b = source.name, target.name
    if a in types.INTEGERS and b in types.INTEGERS:
        return b != "bit" and types.INTEGER_DIGITS[a] <= types.INTEGER_DIGITS[b]
    if a in _STRINGS and b in _STRINGS:
        if b in types.FIXED_LENGTH or (a in types.UNICODE and b not in types.UNICODE):
            return False
        return _no_longer(source, target)
    if a in _BINARIES and b in _BINARIES:
        return b not in types.FIXED_LENGTH and _no_longer(source, target)
    if a in ("datetime2", "time", "datetimeoffset") and a == b:
        return source.scale <= target.scale
    if b == "datetime2" and a in ("datetime", "smalldatetime"):
        return target.scale == 7
    if a in ("decimal", "numeric") and b in ("decimal", "numeric"):
        return source.scale == target.scale and source.precision <= target.precision
    return a == "real" and b == "float"


def _no_longer(source: SqlType, target: SqlType) -> bool:
    if target.length is None:
        return True
    return source.length is not None and source.length <= target.length


def check_allowed(source: SqlType, target: SqlType, *, explicit: bool) -> None:
    """The conversion chart of "CAST and CONVERT (Transact-SQL)"."""
    a, b = source.name, target.name
    if a in (b, "null"):
        return
    if _impossible(a, b):
        if explicit:
            raise conversion_not_allowed(a, b)
        raise operand_clash(a, b)
    if not explicit and _explicit_only(a, b):
        raise implicit_conversion_not_allowed(a, b)


def _impossible(a: str, b: str) -> bool:
    if a in _DATES and b in _DATES:
        if {a, b} == {"date", "time"}:
            return True
        return a in _DATE_TARGETS and b not in _DATE_TARGETS[a]
    if a in ("date", "time", "datetime2", "datetimeoffset") and b in _NUMBERS:
        return True
    if b in ("date", "time", "datetime2", "datetimeoffset") and a in _NUMBERS:
        return True
    if "uniqueidentifier" in (a, b):
        other = b if a == "uniqueidentifier" else a
        return other not in _STRINGS and other not in _BINARIES
    if b in ("text", "ntext") and (a in _NUMBERS or a in _DATES):
        return True
    if b == "image" and (a in _NUMBERS or a in _DATES):
        return True
    return a in ("image", "text", "ntext") and (b in _NUMBERS or b in _DATES)


def _explicit_only(a: str, b: str) -> bool:
    if b in _BINARIES and a in _STRINGS:
        return True
    if a in ("nvarchar", "nchar", "varchar", "char") and b in _BINARIES:
        return True
    if a in ("datetime", "smalldatetime") and b in _NUMBERS:
        return True
    if b == "timestamp" and a in ("nvarchar", "nchar"):
        return True
    return a in _DATES and b in _BINARIES


def unify(left: SqlType, right: SqlType) -> SqlType:
    """The type two operands meet in: of CASE, COALESCE, UNION, and of a comparison."""
    if left.name == "null":
        return right
    if right.name == "null" or left == right:
        return left
    winner, loser = (left, right) if types.RANK[left.name] >= types.RANK[right.name] else (right, left)
    name = winner.name
    if name in _STRINGS or name in _BINARIES:
        return _longest(winner, loser)
    if name in ("decimal", "numeric"):
        return _common_decimal(winner, as_decimal(loser))
    if name in ("datetime2", "datetimeoffset", "time") and loser.name in _DATES:
        return SqlType(name, 0, 0, max(winner.scale, loser.scale))
    return winner


def _longest(winner: SqlType, loser: SqlType) -> SqlType:
    if winner.length is None or loser.length is None:
        unlimited = winner.name if winner.name not in types.FIXED_LENGTH else _varying(winner.name)
        return SqlType(unlimited, None)
    if loser.name not in _STRINGS and loser.name not in _BINARIES:
        return winner
    name = winner.name
    if name in types.FIXED_LENGTH and (loser.name != name or loser.length != winner.length):
        name = _varying(name) if loser.name not in types.FIXED_LENGTH else name
    if winner.name in types.FIXED_LENGTH and loser.name not in types.FIXED_LENGTH:
        name = _varying(winner.name)
    return SqlType(name, max(winner.length, loser.length))


def _varying(name: str) -> str:
    return {"nchar": "nvarchar", "char": "varchar", "binary": "varbinary"}.get(name, name)


def as_decimal(type: SqlType) -> SqlType:
    """How a number enters decimal arithmetic ("Precision, scale, and length", Microsoft Learn)."""
    if type.name in ("decimal", "numeric"):
        return type
    if type.name in ("money", "smallmoney"):
        return types.decimal(type.precision, 4)
    digits = types.INTEGER_DIGITS.get(type.name)
    return types.decimal(digits, 0) if digits else types.decimal(38, 0)


def _common_decimal(left: SqlType, right: SqlType) -> SqlType:
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return limited_decimal(whole + scale, scale, left.name)


def limited_decimal(precision: int, scale: int, name: str = "decimal") -> SqlType:
    """Precision above 38 takes from the scale, but not below six (or the scale it had)."""
    if precision <= 38:
        return SqlType(name, 0, precision, scale)
    whole = precision - scale
    return SqlType(name, 0, 38, max(min(scale, 6), 38 - whole) if whole < 38 else min(scale, 6))

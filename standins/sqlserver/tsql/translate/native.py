"""Conversions that SQLite does the same way itself, without a call back into Python for every value."""

from __future__ import annotations

import re

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.translate.values import Sql

#: Style 121 and what means the same ("CAST and CONVERT", date and time styles).
_ODBC_STYLES = ("21", "25", "121")
#: Where the fraction begins in a stored value.
_POINT = {"date": 10, "time": 8, "datetime": 19, "smalldatetime": 19, "datetime2": 19, "datetimeoffset": 19}
_UTC = "+00:00"
_COLUMN = re.compile(r's\d+\."(?:[^"]|"")*"')


def is_column(value: Sql) -> bool:
    """Whether the text may stand in an expression several times: it reads a column and computes nothing."""
    return _COLUMN.fullmatch(value.text) is not None


def native(value: Sql, target: SqlType, style: str) -> str:
    """The conversion in SQLite's own words, or nothing where it has none. ``style`` is CONVERT's third argument."""
    if not style:
        found = _plain(value, target)
        if found:
            return found
    if target.name not in ("nvarchar", "varchar") or not is_column(value):
        return ""  # what follows reads the value more than once, or relies on how columns are stored
    return _stored_text(value, target, style)


def _plain(value: Sql, target: SqlType) -> str:
    a, b = value.type.name, target.name
    if a in types.INTEGERS:
        if b in types.FLOATS:
            return f"CAST({value.text} AS REAL)"
        if b == "bit":
            return f"({value.text} <> 0)"
        if b in ("decimal", "numeric") and target.scale == 0 and target.precision >= types.INTEGER_DIGITS[a]:
            return f"CAST({value.text} AS TEXT)"
        if b in ("nvarchar", "varchar") and _room(target, types.INTEGER_DIGITS[a] + 1):
            return f"CAST({value.text} AS TEXT)"
    if a == "date" and b in ("datetime", "datetime2"):
        return f"({value.text} || ' 00:00:00.0000000')"
    if a in ("binary", "varbinary") and b == "int":
        return f"t_binary_int({value.text})"
    return ""


def _room(target: SqlType, characters: int) -> bool:
    return target.length is None or target.length >= characters


def _stored_text(value: Sql, target: SqlType, style: str) -> str:
    """Columns whose stored form is the text, or begins with it."""
    kind, name = value.type, value.type.name
    if name in _POINT:
        return _moment(value, target, style)
    if name in ("binary", "varbinary") and style in ("1", "2") and target.length is None:
        prefix = "'0x' || " if style == "1" else ""
        return f"iif({value.text} IS NULL, NULL, {prefix}hex({value.text}))"
    if name == "uniqueidentifier" and not style and _room(target, 36):
        return value.text
    if name in ("decimal", "numeric") and not style and _room(target, kind.precision + 3):
        return f"CAST({value.text} AS TEXT)"
    if name in ("money", "smallmoney") and style == "2" and _room(target, 25):
        return f"CAST({value.text} AS TEXT)"
    return ""


def _moment(value: Sql, target: SqlType, style: str) -> str:
    name = value.type.name
    if not style and name in ("datetime", "smalldatetime"):
        return ""  # their own style is 100
    if style and style not in _ODBC_STYLES:
        return ""
    scale = 3 if name in ("datetime", "smalldatetime") else value.type.scale
    end = _POINT[name] + (scale + 1 if scale and name != "date" else 0)
    if not _room(target, end + (7 if name == "datetimeoffset" else 0)):
        return ""
    text = f"substr({value.text}, 1, {end})"
    if name != "datetimeoffset":
        return text
    # stored in UTC; other offsets take arithmetic
    slow = f"t_cast({value.text}, '{types.describe(value.type)}>{types.describe(target)}'{', 121' if style else ''})"
    return f"iif(substr({value.text}, 28) = '{_UTC}', {text} || ' {_UTC}', {slow})"

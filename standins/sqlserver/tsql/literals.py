"""The types of literals."""

from __future__ import annotations

from decimal import Decimal

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.nodes import Literal


def string_literal(text: str, national: bool) -> Literal:
    """A literal is nvarchar(n) or varchar(n); long ones are (max)."""
    if national:
        length = utf16_length(text)
        return Literal(text, SqlType("nvarchar", max(1, length) if length <= 4000 else None))
    return Literal(text, SqlType("varchar", max(1, len(text)) if len(text) <= 8000 else None))


def utf16_length(text: str) -> int:
    """SQL Server counts UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def number_literal(text: str) -> Literal:
    """float with an exponent, decimal with a point, int as far as int reaches."""
    if "e" in text.lower():
        return Literal(float(text), types.FLOAT)
    if "." not in text:
        value = int(text)
        if value <= 2**31 - 1:
            return Literal(value, types.INT)
        return Literal(Decimal(value), types.decimal(len(str(value)), 0))
    whole, _, fraction = text.partition(".")
    digits = len(whole.lstrip("0")) + len(fraction)
    return Literal(Decimal(text), types.decimal(max(1, digits, len(fraction)), len(fraction)))


def negative(literal: Literal) -> Literal:
    """Minus and a number are one literal, so that -2147483648 is an int."""
    value = literal.value
    assert isinstance(value, int | Decimal | float)
    if isinstance(value, Decimal) and value == 2**31 and literal.type.scale == 0:
        return Literal(-(2**31), types.INT)
    negative = value.copy_negate() if isinstance(value, Decimal) else -value  # no rounding to the context
    return Literal(negative, literal.type)

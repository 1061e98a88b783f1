"""Date and time functions. The current time is one value for a whole statement, as in SQL Server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.errors import invalid_operand
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.functions.base import Arguments, Function, Handler, constant, integer
from standins.sqlserver.tsql.translate.values import Sql

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.expression import ExpressionTranslator

_PARTS = {
    "year": "year yy yyyy", "quarter": "quarter qq q", "month": "month mm m", "dayofyear": "dayofyear dy y",
    "day": "day dd d", "week": "week wk ww", "weekday": "weekday dw w", "hour": "hour hh", "minute": "minute mi n",
    "second": "second ss s", "millisecond": "millisecond ms", "microsecond": "microsecond mcs",
    "nanosecond": "nanosecond ns", "tzoffset": "tzoffset tz", "iso_week": "iso_week isowk isoww",
}  # fmt: skip
_PART = {alias: part for part, aliases in _PARTS.items() for alias in aliases.split()}


def _part(function: str, argument: Sql) -> str:
    given = str(argument.literal.value) if argument.literal is not None else ""
    part = _PART.get(given.lower())
    if part is None:
        raise SqlServerError(155, f"'{given}' is not a recognized {function.lower()} option.", 15, 1)
    return part


def moment(translator: ExpressionTranslator, value: Sql, function: str) -> Sql:
    """A date argument: strings are read as datetimeoffset or datetime2, numbers as days since 1900."""
    translator.infer_as(value, types.DATETIME2)
    if value.type.name in types.DATES:
        return value
    if value.is_string:
        return convert(value, types.DATETIMEOFFSET if function == "SWITCHOFFSET" else types.DATETIME2)
    if value.is_null:
        return Sql("NULL", types.DATETIME)
    if value.type.name in types.NUMBERS:
        return convert(value, types.DATETIME)
    raise invalid_operand(function.lower(), value.type.name)


def _dateadd(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    part = _part("dateadd", arguments[0])
    given = arguments[2]
    value = moment(translator, given, "DATEADD")
    if given.is_string:
        value = convert(given, types.DATETIME)
    text = f"t_dateadd('{part}', {integer(translator, arguments[1])}, {value.text}, '{value.type.name}')"
    return Sql(text, value.type)


def _datediff(result: SqlType) -> Handler:
    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        part = _part("datediff", arguments[0])
        texts = [_diff_operand(translator, argument) for argument in arguments[1:]]
        return Sql(f"t_datediff('{part}', {', '.join(texts)}, '{result.name}')", result)

    return handler


def _diff_operand(translator: ExpressionTranslator, argument: Sql) -> str:
    value = moment(translator, argument, "DATEDIFF")
    if argument.is_string:
        value = convert(argument, types.DATETIMEOFFSET)
    return value.text


def _datepart(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    part = _part("datepart", arguments[0])
    return Sql(f"t_datepart('{part}', {moment(translator, arguments[1], 'DATEPART').text})", types.INT)


def _datename(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    part = _part("datename", arguments[0])
    text = f"t_datename('{part}', {moment(translator, arguments[1], 'DATENAME').text})"
    return Sql(text, types.nvarchar(30), translator.names.collation)


def _fixed_part(part: str) -> Handler:
    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        return Sql(f"t_datepart('{part}', {moment(translator, arguments[0], part).text})", types.INT)

    return handler


def _datetrunc(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    part = _part("datetrunc", arguments[0])
    value = moment(translator, arguments[1], "DATETRUNC")
    return Sql(f"t_datetrunc('{part}', {value.text})", value.type)


def _eomonth(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = convert(moment(translator, arguments[0], "EOMONTH"), types.DATE)
    months = integer(translator, arguments[1]) if len(arguments) > 1 else "0"
    return Sql(f"t_eomonth({value.text}, {months})", types.DATE)


def _from_parts(type: SqlType, sql_name: str) -> Handler:
    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        return Sql(f"{sql_name}({', '.join(integer(translator, argument) for argument in arguments)})", type)

    return handler


def _switchoffset(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = convert(moment(translator, arguments[0], "SWITCHOFFSET"), types.DATETIMEOFFSET)
    return Sql(f"t_switchoffset({value.text}, {arguments[1].text})", value.type)


def _todatetimeoffset(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = convert(moment(translator, arguments[0], "TODATETIMEOFFSET"), types.DATETIME2)
    return Sql(f"t_todatetimeoffset({value.text}, {arguments[1].text})", types.DATETIMEOFFSET)


def _isdate(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    return Sql(f"t_isdate({translator.as_string(arguments[0]).text})", types.INT, nullable=False)


FUNCTIONS: dict[str, Function] = {
    "GETDATE": Function(constant("GETDATE", types.DATETIME, nullable=False), 0, 0),
    "CURRENT_TIMESTAMP": Function(constant("GETDATE", types.DATETIME, nullable=False), 0, 0),
    "GETUTCDATE": Function(constant("GETDATE", types.DATETIME, nullable=False), 0, 0),
    "SYSDATETIME": Function(constant("SYSDATETIME", types.DATETIME2, nullable=False), 0, 0),
    "SYSUTCDATETIME": Function(constant("SYSDATETIME", types.DATETIME2, nullable=False), 0, 0),
    "SYSDATETIMEOFFSET": Function(constant("SYSDATETIMEOFFSET", types.DATETIMEOFFSET, nullable=False), 0, 0),
    "DATEADD": Function(_dateadd, 3, 3),
    "DATEDIFF": Function(_datediff(types.INT), 3, 3),
    "DATEDIFF_BIG": Function(_datediff(types.BIGINT), 3, 3, 2016),
    "DATEPART": Function(_datepart, 2, 2),
    "DATENAME": Function(_datename, 2, 2),
    "DATETRUNC": Function(_datetrunc, 2, 2, 2022),
    "YEAR": Function(_fixed_part("year"), 1, 1),
    "MONTH": Function(_fixed_part("month"), 1, 1),
    "DAY": Function(_fixed_part("day"), 1, 1),
    "EOMONTH": Function(_eomonth, 1, 2),
    "DATEFROMPARTS": Function(_from_parts(types.DATE, "t_datefromparts"), 3, 3),
    "DATETIMEFROMPARTS": Function(_from_parts(types.DATETIME, "t_datetimefromparts"), 7, 7),
    "SWITCHOFFSET": Function(_switchoffset, 2, 2),
    "TODATETIMEOFFSET": Function(_todatetimeoffset, 2, 2),
    "ISDATE": Function(_isdate, 1, 1),
}

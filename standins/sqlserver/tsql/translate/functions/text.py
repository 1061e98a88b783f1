"""String functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.functions.base import (
    Arguments,
    Function,
    Handler,
    call,
    ignores_case,
    integer,
    string,
    text_result,
)
from standins.sqlserver.tsql.translate.native import is_column
from standins.sqlserver.tsql.translate.values import Sql

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.expression import ExpressionTranslator


def _same_length(sql_name: str) -> Handler:
    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        value = string(translator, arguments[0])
        return text_result(translator, f"{sql_name}({value.text})", [value], value.type.length)

    return handler


def _len(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = arguments[0]
    result = types.BIGINT if value.type.length is None and (value.is_string or _binary(value)) else types.INT
    if _binary(value):
        return Sql(f"length({value.text})", result)
    return Sql(f"t_len({string(translator, value).text})", result)


def _binary(value: Sql) -> bool:
    return value.type.name in types.BINARIES


def _datalength(_: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = arguments[0]
    result = types.BIGINT if value.type.length is None and not value.is_null else types.INT
    if _binary(value):
        return Sql(f"length({value.text})", result)
    if value.type.name in types.UNICODE and is_column(value):
        text, characters = value.text, f"length({value.text})"  # of ASCII, as most is, SQLite can count them
        return Sql(f"iif(octet_length({text}) = {characters}, 2 * {characters}, t_datalength({text}))", result)
    if value.type.name in types.UNICODE:
        return Sql(f"t_datalength({value.text})", result)
    if value.is_string:
        return Sql(f"length({value.text})", result)
    return Sql(f"iif({value.text} IS NULL, NULL, {types.max_bytes(value.type)})", result)


def _cut(sql_name: str) -> Handler:
    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        value = string(translator, arguments[0])
        count = arguments[1]
        length = value.type.length
        if count.literal is not None and isinstance(count.literal.value, int) and length is not None:
            length = max(1, min(length, count.literal.value))
        text = f"{sql_name}({value.text}, {integer(translator, count)})"
        return text_result(translator, text, [value], length)

    return handler


def _substring(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    start, count = integer(translator, arguments[1]), integer(translator, arguments[2])
    if _binary(arguments[0]):
        literal = (arguments[1].literal, arguments[2].literal)
        plain = all(item is not None and isinstance(item.value, int) and item.value > 0 for item in literal)
        return Sql(f"{'substr' if plain else 't_substring'}({arguments[0].text}, {start}, {count})", arguments[0].type)
    value = string(translator, arguments[0])
    return text_result(translator, f"t_substring({value.text}, {start}, {count})", [value], value.type.length)


def _replace(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    values = [string(translator, argument) for argument in arguments]
    flag = ignores_case(translator, values, "replace")
    text = f"t_replace({flag}, {', '.join(value.text for value in values)})"
    unlimited = any(value.type.length is None for value in values)
    return text_result(translator, text, values, None if unlimited else 8000, "replace")


def _search(sql_name: str, operation: str) -> Handler:
    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        values = [string(translator, argument) for argument in arguments[:2]]
        flag = ignores_case(translator, values, operation)
        rest = "".join(f", {integer(translator, argument)}" for argument in arguments[2:])
        result = types.BIGINT if values[1].type.length is None and not values[1].is_null else types.INT
        return Sql(f"{sql_name}({flag}, {values[0].text}, {values[1].text}{rest})", result)

    return handler


def _replicate(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = string(translator, arguments[0])
    limit = 0 if value.type.length is None else 4000 if value.type.name in types.UNICODE else 8000
    text = f"t_replicate({value.text}, {integer(translator, arguments[1])}, {limit})"
    return text_result(translator, text, [value], None if value.type.length is None else 8000)


def _stuff(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    value, inserted = string(translator, arguments[0]), string(translator, arguments[3])
    numbers = f"{integer(translator, arguments[1])}, {integer(translator, arguments[2])}"
    text = f"t_stuff({value.text}, {numbers}, {inserted.text})"
    lengths = [value.type.length, inserted.type.length]
    known = [length for length in lengths if length is not None]
    return text_result(translator, text, [value, inserted], sum(known) if len(known) == 2 else None, "stuff")


def _concat(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    values = [string(translator, argument) for argument in arguments]
    text = "(" + " || ".join(f"coalesce({value.text}, '')" for value in values) + ")"
    return _joined(translator, text, values)


def _concat_ws(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    values = [string(translator, argument) for argument in arguments]
    return _joined(translator, f"t_concat_ws({', '.join(value.text for value in values)})", values)


def _joined(translator: ExpressionTranslator, text: str, values: list[Sql]) -> Sql:
    lengths = [value.type.length for value in values if not value.is_null]
    unlimited = any(length is None for length in lengths)
    total = None if unlimited else max(1, sum(length or 0 for length in lengths))
    result = text_result(translator, text, values, total, "concat")
    limit = 4000 if result.type.name == "nvarchar" else 8000
    if total is not None and total > limit:
        text = f"substr({text}, 1, {limit})"
    return Sql(text, result.type, result.collation, result.strength, nullable=False)


def _translate(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    values = [string(translator, argument) for argument in arguments]
    flag = ignores_case(translator, values, "translate")
    text = f"t_translate({flag}, {', '.join(value.text for value in values)})"
    return text_result(translator, text, [values[0]], values[0].type.length)


def _str(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    number = convert(arguments[0], types.FLOAT).text
    rest = "".join(f", {integer(translator, argument)}" for argument in arguments[1:])
    return Sql(f"t_str({number}{rest})", SqlType("varchar", 8000), translator.names.collation)


def _unsupported(name: str) -> Handler:
    def handler(translator: ExpressionTranslator, _: Arguments) -> Sql:
        raise unsupported(name, translator.line)

    return handler


_NCHAR = SqlType("nchar", 1)
_CHAR = SqlType("char", 1)

FUNCTIONS: dict[str, Function] = {
    "LEN": Function(_len, 1, 1),
    "DATALENGTH": Function(_datalength, 1, 1),
    "UPPER": Function(_same_length("t_upper"), 1, 1),
    "LOWER": Function(_same_length("t_lower"), 1, 1),
    "LTRIM": Function(_same_length("t_ltrim"), 1, 1),
    "RTRIM": Function(_same_length("t_rtrim"), 1, 1),
    "TRIM": Function(_same_length("t_trim"), 1, 1, 2017),
    "TRIM_FROM": Function(call("t_trim_from", types.NVARCHAR_MAX, "s"), 2, 2, 2017),
    "REVERSE": Function(_same_length("t_reverse"), 1, 1),
    "LEFT": Function(_cut("t_left"), 2, 2),
    "RIGHT": Function(_cut("t_right"), 2, 2),
    "SUBSTRING": Function(_substring, 3, 3),
    "REPLACE": Function(_replace, 3, 3),
    "CHARINDEX": Function(_search("t_charindex", "charindex"), 2, 3),
    "PATINDEX": Function(_search("t_patindex", "patindex"), 2, 2),
    "REPLICATE": Function(_replicate, 2, 2),
    "SPACE": Function(call("t_space", SqlType("varchar", 8000), "i"), 1, 1),
    "STUFF": Function(_stuff, 4, 4),
    "CONCAT": Function(_concat, 2, 254),
    "CONCAT_WS": Function(_concat_ws, 3, 254, 2017),
    "TRANSLATE": Function(_translate, 3, 3, 2017),
    "QUOTENAME": Function(call("t_quotename", types.nvarchar(258), "s"), 1, 2),
    "ASCII": Function(call("t_ascii", types.INT, "s"), 1, 1),
    "UNICODE": Function(call("t_unicode", types.INT, "s"), 1, 1),
    "CHAR": Function(call("t_char", _CHAR, "i"), 1, 1),
    "NCHAR": Function(call("t_nchar", _NCHAR, "i"), 1, 1),
    "STR": Function(_str, 1, 3),
    "STRING_ESCAPE": Function(call("t_string_escape", types.NVARCHAR_MAX, "s"), 2, 2, 2016),
    "FORMAT": Function(_unsupported("FORMAT"), 2, 3, 2012),
    "SOUNDEX": Function(_unsupported("SOUNDEX"), 1, 1),
    "DIFFERENCE": Function(_unsupported("DIFFERENCE"), 2, 2),
}

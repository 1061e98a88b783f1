"""Mathematical functions, checksums and hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.errors import invalid_operand
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.functions.base import Arguments, Function, Handler, call, integer
from standins.sqlserver.tsql.translate.values import Sql, text_literal

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.expression import ExpressionTranslator


def _kept(sql_name: str) -> Handler:
    """Functions whose result has the type of the argument (small integers become int)."""

    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        value = _number(arguments[0], sql_name)
        translator.infer_as(arguments[0], types.FLOAT)
        kind = types.describe(value.type)
        return Sql(f"{sql_name}({value.text}, {text_literal(kind)})", _result(value.type, sql_name))

    return handler


def _number(value: Sql, function: str) -> Sql:
    if value.is_string or value.is_null:
        return convert(value, types.FLOAT)
    if value.type.name not in types.NUMBERS:
        raise invalid_operand(function.removeprefix("t_"), value.type.name)
    return convert(value, types.INT) if value.type.name in ("bit", "tinyint", "smallint") else value


def _result(type: SqlType, sql_name: str) -> SqlType:
    if type.name in ("decimal", "numeric") and sql_name in ("t_ceiling", "t_floor"):
        return SqlType(type.name, 0, type.precision, 0)
    return type


def _round(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = _number(arguments[0], "t_round")
    cut = integer(translator, arguments[2]) if len(arguments) > 2 else "0"
    kind = text_literal(types.describe(value.type))
    return Sql(f"t_round({value.text}, {integer(translator, arguments[1])}, {cut}, {kind})", value.type)


def _power(_: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = _number(arguments[0], "t_power")
    exponent = convert(arguments[1], types.FLOAT)
    return Sql(f"t_power({value.text}, {exponent.text}, {text_literal(types.describe(value.type))})", value.type)


def _float(sql_name: str) -> Handler:
    return call(sql_name, types.FLOAT, "f")


def _checksum(sql_name: str) -> Handler:
    """Columns go in as they are stored; the type names are part of the call so that 1 and '1' differ."""

    def handler(_: ExpressionTranslator, arguments: Arguments) -> Sql:
        return Sql(f"{sql_name}({', '.join(argument.text for argument in arguments)})", types.INT, nullable=False)

    return handler


_HASHES = {"md5": "md5", "sha": "sha1", "sha1": "sha1", "sha2_256": "sha256", "sha2_512": "sha512"}
#: Which of a hash's functions takes the value: text has to become bytes first.
_ENCODED = {"utf-16-le": "", "cp1252": ", 1252", "": ""}


def _hashbytes(_: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = arguments[1]
    if value.is_string:
        encoding = "utf-16-le" if value.type.name in types.UNICODE else "cp1252"
    elif value.type.name in types.BINARIES or value.is_null:
        encoding = ""
    else:
        raise invalid_operand("hashbytes", value.type.name)
    result = SqlType("varbinary", 8000)
    literal = arguments[0].literal
    known = _HASHES.get(literal.value.lower()) if literal is not None and isinstance(literal.value, str) else None
    if known is not None:
        return Sql(f"t_hash_{known}({value.text}{_ENCODED[encoding]})", result)
    return Sql(f"t_hashbytes({arguments[0].text}, {value.text}, '{encoding}')", result)


def _compress(_: ExpressionTranslator, arguments: Arguments) -> Sql:
    value = arguments[0]
    encoding = "utf-16-le" if value.type.name in types.UNICODE else "cp1252" if value.is_string else ""
    return Sql(f"t_compress({value.text}, '{encoding}')", types.VARBINARY_MAX)


FUNCTIONS: dict[str, Function] = {
    "ABS": Function(_kept("t_abs"), 1, 1),
    "CEILING": Function(_kept("t_ceiling"), 1, 1),
    "FLOOR": Function(_kept("t_floor"), 1, 1),
    "SIGN": Function(_kept("t_sign"), 1, 1),
    "ROUND": Function(_round, 2, 3),
    "POWER": Function(_power, 2, 2),
    "SQRT": Function(_float("t_sqrt"), 1, 1),
    "SQUARE": Function(_float("t_square"), 1, 1),
    "EXP": Function(_float("t_exp"), 1, 1),
    "LOG": Function(_float("t_log"), 1, 2),
    "LOG10": Function(_float("t_log10"), 1, 1),
    "PI": Function(_float("t_pi"), 0, 0),
    "RAND": Function(_float("t_rand"), 0, 1),
    "CHECKSUM": Function(_checksum("t_checksum"), 1, 254),
    "BINARY_CHECKSUM": Function(_checksum("t_binary_checksum"), 1, 254),
    "HASHBYTES": Function(_hashbytes, 2, 2),
    "COMPRESS": Function(_compress, 1, 1, 2016),
    "DECOMPRESS": Function(call("t_decompress", types.VARBINARY_MAX), 1, 1, 2016),
}

"""What a built-in function is to the translator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import collations, types
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.values import Sql, collation_of, parameter

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.expression import ExpressionTranslator

Arguments = Sequence[Sql]
Handler = Callable[["ExpressionTranslator", Arguments], Sql]


@dataclass(frozen=True, slots=True)
class Function:
    """``since`` is the first product year that knows the function."""

    handler: Handler
    least: int
    most: int
    since: int = 2008


def string(translator: ExpressionTranslator, value: Sql) -> Sql:
    """The argument as text."""
    translator.infer_as(value, types.nvarchar(4000))
    return translator.as_string(value)


def integer(translator: ExpressionTranslator, value: Sql) -> str:
    """The argument as an int."""
    translator.infer_as(value, types.INT)
    return convert(value, types.INT).text if value.type.name not in types.INTEGERS else value.text


def text_of(arguments: Arguments, length: int | None) -> SqlType:
    """nvarchar when an argument is, else varchar."""
    unicode = any(argument.type.name in types.UNICODE for argument in arguments)
    name = "nvarchar" if unicode else "varchar"
    limit = 4000 if unicode else 8000
    return SqlType(name, length if length is None or length <= limit else limit)


def text_result(
    translator: ExpressionTranslator, sql: str, arguments: Arguments, length: int | None, operation: str = "string"
) -> Sql:
    """A string made of other strings: their collation is kept."""
    collation, strength = collation_of(list(arguments), operation)
    nullable = any(argument.nullable for argument in arguments)
    return Sql(sql, text_of(arguments, length), collation or translator.names.collation, strength, nullable=nullable)


def ignores_case(translator: ExpressionTranslator, arguments: Arguments, operation: str) -> int:
    collation, _ = collation_of(list(arguments), operation)
    return int(collations.ignores_case(collation or translator.names.collation))


def fixed(sql: str, type: SqlType, *, nullable: bool = True) -> Handler:
    """A function without arguments."""

    def handler(translator: ExpressionTranslator, _: Arguments) -> Sql:
        collation = translator.names.collation if type.name in types.STRINGS else ""
        return Sql(sql, type, collation, nullable=nullable)

    return handler


def constant(name: str, type: SqlType, *, nullable: bool = True) -> Handler:
    """A function whose value is the same for the whole statement: the engine binds it."""
    return fixed(parameter("!" + name), type, nullable=nullable)


def call(sql_name: str, type: SqlType, *kinds: str) -> Handler:
    """A SQLite function of ours. ``kinds`` say how each argument is passed: s(tring), i(nteger), f(loat) or as "
    "it is."""

    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        texts: list[str] = []
        for place, argument in enumerate(arguments):
            kind = kinds[min(place, len(kinds) - 1)] if kinds else ""
            texts.append(pass_as(translator, kind, argument))
        collation = translator.names.collation if type.name in types.STRINGS else ""
        return Sql(f"{sql_name}({', '.join(texts)})", type, collation)

    return handler


def pass_as(translator: ExpressionTranslator, kind: str, argument: Sql) -> str:
    match kind:
        case "s":
            return string(translator, argument).text
        case "i":
            return integer(translator, argument)
        case "f":
            translator.infer_as(argument, types.FLOAT)
            return convert(argument, types.FLOAT).text
        case _:
            return argument.text


def unnamed(value: Sql) -> Sql:
    return replace(value, name="", column="", identity=False)

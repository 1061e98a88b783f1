"""Functions that choose among values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.translate import operators
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.functions.base import (
    Arguments,
    Function,
    Handler,
    call,
    integer,
    unnamed,
)
from standins.sqlserver.tsql.translate.values import Sql

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.expression import ExpressionTranslator


def _isnull(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    """Unlike COALESCE, the result has the type of the first argument."""
    first, second = arguments
    translator.infer(first, second)
    if first.is_null:
        return unnamed(second)
    other = convert(second, first.type)
    return unnamed(replace(first, text=f"ifnull({first.text}, {other.text})", native="", nullable=second.nullable))


def _coalesce(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    if all(argument.is_null and not argument.name for argument in arguments):
        text = "At least one of the arguments to COALESCE must be an expression that is not the NULL constant."
        raise SqlServerError(4127, text, 16, 1)
    values, common = translator.unified(list(arguments), "COALESCE")
    text = f"coalesce({', '.join(value.text for value in values)})"
    return replace(common, text=text, nullable=all(value.nullable for value in values))


def _nullif(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    first, second = arguments
    translator.infer(first, second)
    text = f"CASE WHEN {operators.compare('=', first, second)} THEN NULL ELSE {first.text} END"
    return unnamed(replace(first, text=text, native="", nullable=True, literal=None))


def _choose(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    values, common = translator.unified(list(arguments[1:]), "CHOOSE")
    branches = " ".join(f"WHEN {place} THEN {value.text}" for place, value in enumerate(values, 1))
    return replace(common, text=f"CASE {integer(translator, arguments[0])} {branches} END", nullable=True)


def _extreme(operator: str) -> Handler:
    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        values, common = translator.unified(list(arguments), "GREATEST")
        best = replace(values[0], type=common.type)
        for value in values[1:]:
            test = operators.compare(operator, best, value)
            text = (
                f"CASE WHEN {best.text} IS NULL THEN {value.text} WHEN {value.text} IS NULL OR {test} "
                f"THEN {best.text} ELSE {value.text} END"
            )
            best = replace(common, text=f"({text})")
        return replace(best, nullable=all(value.nullable for value in values))

    return handler


FUNCTIONS: dict[str, Function] = {
    "ISNULL": Function(_isnull, 2, 2),
    "COALESCE": Function(_coalesce, 2, 254),
    "NULLIF": Function(_nullif, 2, 2),
    "CHOOSE": Function(_choose, 2, 254),
    "GREATEST": Function(_extreme(">="), 1, 254, 2022),
    "LEAST": Function(_extreme("<="), 1, 254, 2022),
    "ISNUMERIC": Function(call("t_isnumeric", types.INT, ""), 1, 1),
    "NEWID": Function(call("t_newid", types.GUID), 0, 0),
    "NEWSEQUENTIALID": Function(call("t_newsequentialid", types.GUID), 0, 0),
}
